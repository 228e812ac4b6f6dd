"""What is subtracted from the score of a stimulus, and what is done to it before it is shown."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from viv1t.config.flags import check
from viv1t.most_exciting_stimulus.spectrum import divergence, log_power
from viv1t.rng import child

# (s, t, h, w) grey values -> (s,), 0 or more (divergences of rounded numbers aside)
Penalty: TypeAlias = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True, eq=False)
class SpectrumKL:
    """How far the spatial power spectrum is from that of natural movies, times `alpha`.

    Attributes:
        spectrum: (h * w,) mean log power of natural movies (`NaturalSpectrum.freq`).
        alpha: weight.
        with_dc: with the mean luminance as a frequency, as published. It holds most of the power,
            so the shape of the spectrum hardly matters then.
    """

    spectrum: Tensor | NDArray[np.float32]
    alpha: float = 1.0
    with_dc: bool = False

    def __call__(self, movie: Tensor) -> Tensor:
        """(s,) divergences of movies (s, t, h, w)."""
        found = log_power(movie).mean(dim=1)
        check(
            found.shape[-1] == len(self.spectrum),
            f"the natural spectrum has {len(self.spectrum)} frequencies, stimuli of "
            f"{tuple(movie.shape[2:])} pixels have {found.shape[-1]}; estimate it on movies of "
            "that size with estimate_natural_stimuli_spectrum.py",
        )
        natural = torch.as_tensor(self.spectrum).to(found)
        return self.alpha * divergence(natural, found, with_dc=self.with_dc)


@dataclass(frozen=True, kw_only=True)
class TotalVariation:
    """Mean absolute difference of neighbours, summed over rows, columns and frames, in grey levels.

    Rudin, Osher & Fatemi (1992), the anisotropic form.

    Attributes:
        weight: of the penalty.
    """

    weight: float

    def __call__(self, movie: Tensor) -> Tensor:
        """(s,) of movies (s, t, h, w)."""
        axes = [axis for axis in (1, 2, 3) if movie.shape[axis] > 1]
        steps = [movie.diff(dim=axis).abs().mean(dim=(1, 2, 3)) for axis in axes]
        return self.weight * sum(steps, movie.new_zeros(len(movie)))


@dataclass(frozen=True, kw_only=True)
class Smoothness:
    """Mean squared difference between a frame and the next, in grey levels squared.

    Attributes:
        weight: of the penalty.
    """

    weight: float

    def __call__(self, movie: Tensor) -> Tensor:
        """(s,) of movies (s, t, h, w); 0 for a single frame."""
        if movie.shape[1] == 1:
            return movie.new_zeros(len(movie))
        return self.weight * movie.diff(dim=1).square().mean(dim=(1, 2, 3))


@dataclass(frozen=True, kw_only=True)
class Jitter:
    """Moves all stimuli by some pixels at each step, so that none depends on single pixels.

    Attributes:
        px: largest shift along x and along y; what comes in repeats the edge.
        seed: the shift is a function of it and of the step, so that ascent can be resumed.
    """

    px: int
    seed: int = 0

    def __post_init__(self) -> None:
        check(self.px >= 0, f"jitter must be 0 pixels or more, got {self.px}")

    def __call__(self, movie: Tensor, step: int) -> Tensor:
        """Movies (s, t, h, w), moved."""
        if self.px == 0:
            return movie
        down, right = child(self.seed, "jitter", step).integers(0, 2 * self.px + 1, 2).tolist()
        h, w = movie.shape[2:]
        wide = F.pad(movie, (self.px,) * 4, mode="replicate")
        return wide[:, :, down : down + h, right : right + w]
