"""What is optimised: pixels, Fourier coefficients, or phases; all give a movie without bounds.

A signal is a movie without units. A constraint (`constraints`) turns it into grey values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from viv1t.config.flags import check
from viv1t.rng import child


class Parameterisation(Protocol):
    """How numbers that can take any value become a movie."""

    def start(self, seeds: Sequence[int], *, init: Tensor | None = None) -> Tensor:
        """The numbers (s, ...) of which ascent starts, a leaf that takes gradients.

        The start of a seed is the same whichever seeds are beside it.

        Args:
            seeds: one a stimulus.
            init: (t, h, w) or (1, h, w) signal, for example `standardised(clip)`, to which the
                noise of each seed is added; None: the noise alone.
        """

    def movie(self, param: Tensor) -> Tensor:
        """The signals (s, t, h, w) of the numbers (s, ...)."""


@dataclass(frozen=True, kw_only=True)
class _Start:
    """What all have in common: the size of the movie, and noise as a start.

    Attributes:
        shape: (h, w) in pixels.
        num_frames: frames of the movie.
        static: one image, shown in all frames.
        sd: standard deviation of the white noise at the start, in units of the signal.
        device: of the numbers.
    """

    shape: tuple[int, int]
    num_frames: int = 30
    static: bool = False
    sd: float = 0.01
    device: torch.device | str = "cpu"

    def __post_init__(self) -> None:
        check(self.num_frames >= 1, f"a stimulus has 1 frame or more, got {self.num_frames}")
        check(self.sd >= 0, f"--sd must be 0 or more, got {self.sd}")

    @property
    def size(self) -> tuple[int, int, int]:
        """(t, h, w) of what is optimised; t is 1 for an image."""
        return (1 if self.static else self.num_frames, *self.shape)

    def _noise(self, seeds: Sequence[int], init: Tensor | None) -> Tensor:
        """(s, t, h, w) white noise around `init`."""
        draws = [child(seed, "start").standard_normal(self.size, np.float32) for seed in seeds]
        noise = self.sd * torch.from_numpy(np.stack(draws)).to(self.device)
        if init is None:
            return noise
        signal = init.detach().to(noise)
        check(
            signal.shape in ((1, *self.shape), (self.num_frames, *self.shape)),
            f"a stimulus of {self.num_frames} frames of {self.shape} pixels cannot start from a "
            f"movie of shape {tuple(signal.shape)}; give (t, h, w) of that size",
        )
        return noise + (signal.mean(dim=0, keepdim=True) if self.static else signal)

    def _shown(self, frames: Tensor) -> Tensor:
        """(s, t, h, w): an image is shown in all frames."""
        return frames.expand(-1, self.num_frames, -1, -1) if self.static else frames


@dataclass(frozen=True, kw_only=True)
class Pixel(_Start):
    """Every pixel is free. Numbers: (s, t, h, w)."""

    def start(self, seeds: Sequence[int], *, init: Tensor | None = None) -> Tensor:
        """White noise of each seed, around `init`."""
        return self._noise(seeds, init).contiguous().requires_grad_()

    def movie(self, param: Tensor) -> Tensor:
        """The signals (s, t, h, w) themselves."""
        return self._shown(param)


@dataclass(frozen=True, kw_only=True)
class Fourier(_Start):
    """Coefficients of a real Fourier transform, the high frequencies left out.

    Numbers: (s, t, h, w // 2 + 1, 2), real and imaginary parts, orthonormal; an image starts with
    the amplitude of a movie. The filter is a box in (t, y, x): each axis is cut on its own, so
    diagonal gratings may be sqrt(2) finer. It acts on the signal: a constraint that bends it
    (`constraints.Sigmoid`, or clipping) adds harmonics.

    Attributes:
        spatial_cutoff: share of the spatial frequencies that is kept, 0 (the mean) to 1 (all).
        temporal_cutoff: share of the temporal frequencies that is kept.
    """

    spatial_cutoff: float = 0.5
    temporal_cutoff: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("spatial_cutoff", "temporal_cutoff"):
            value = getattr(self, name)
            check(0 <= value <= 1, f"--{name} must lie within 0..1, got {value}")

    @cached_property
    def _kept(self) -> Tensor:
        t, h, w = self.size
        axes = (
            passband(t, self.temporal_cutoff)[:, None, None],
            passband(h, self.spatial_cutoff)[:, None],
            passband(w, self.spatial_cutoff)[: w // 2 + 1],
        )
        return (axes[0] * axes[1] * axes[2])[..., None].to(self.device)

    def start(self, seeds: Sequence[int], *, init: Tensor | None = None) -> Tensor:
        """The transform of white noise of each seed, around `init`."""
        spectra = [torch.view_as_real(_transform(movie)) for movie in self._noise(seeds, init)]
        return (torch.stack(spectra) * self._kept).requires_grad_()

    def movie(self, param: Tensor) -> Tensor:
        """The signals (s, t, h, w) of the kept frequencies."""
        spectrum = torch.view_as_complex(param * self._kept)
        return self._shown(torch.fft.irfftn(spectrum, s=self.size, dim=(1, 2, 3), norm="ortho"))


@dataclass(frozen=True, kw_only=True, eq=False)
class Spectrum(_Start):
    """Phases are free, amplitudes are given: those of natural movies, for example.

    Numbers: (s, t, h, w // 2 + 1), radians. The signal has mean 0 and standard deviation 1.

    Attributes:
        amplitude: (t, h, w // 2 + 1), of each frequency of a real Fourier transform, in any unit
            (`spectrum.NaturalSpectrum.amplitude`, or `.amplitude_static` for an image).
    """

    amplitude: ArrayLike

    def __post_init__(self) -> None:
        super().__post_init__()
        t, h, w = self.size
        found = np.shape(self.amplitude)
        check(
            found == (t, h, w // 2 + 1),
            f"amplitudes of a stimulus of (t, h, w) = {self.size} have the shape "
            f"{(t, h, w // 2 + 1)}, found {found}; estimate_natural_stimuli_spectrum.py "
            "--num_frames sets their number of frames",
        )

    @cached_property
    def _amplitude(self) -> Tensor:
        """Amplitudes of a signal of variance 1 and mean 0."""
        amplitude = np.array(self.amplitude, dtype=np.float64)
        amplitude[0, 0, 0] = 0
        signal = np.fft.irfftn(amplitude, s=self.size, axes=(0, 1, 2), norm="ortho")
        check(signal.std() > 0, "the amplitudes of all frequencies but the mean are 0")
        return torch.as_tensor(amplitude / signal.std(), dtype=torch.float32, device=self.device)

    def start(self, seeds: Sequence[int], *, init: Tensor | None = None) -> Tensor:
        """The phases of white noise of each seed, or of `init` with little noise added."""
        phases = [_transform(movie).angle() for movie in self._noise(seeds, init)]
        return torch.stack(phases).requires_grad_()

    def movie(self, param: Tensor) -> Tensor:
        """The signals (s, t, h, w) with these phases."""
        spectrum = torch.polar(self._amplitude.expand_as(param), _odd(param, self.shape[1]))
        return self._shown(torch.fft.irfftn(spectrum, s=self.size, dim=(1, 2, 3), norm="ortho"))


def passband(size: int, cutoff: float) -> Tensor:
    """(size,) 1 for the frequencies of a Fourier transform up to `cutoff` times the highest."""
    frequencies = torch.fft.fftfreq(size).abs()
    return (frequencies <= cutoff * frequencies.max()).float()


def standardised(clip: Tensor) -> Tensor:
    """`clip` with mean 0 and standard deviation 1 over all its pixels: a start as published."""
    return (clip - clip.mean()) / clip.std(correction=0).clamp_min(1e-6)


def _transform(movie: Tensor) -> Tensor:
    """(t, h, w // 2 + 1) of one movie: a batch would be rounded in another way."""
    return torch.fft.rfftn(movie.clone(), norm="ortho")


def _odd(phase: Tensor, width_px: int) -> Tensor:
    """Phases of a real movie: those of frequencies that are stored twice are opposite.

    A real transform stores the columns 0 and, if the width is even, the last one whole; unless
    phases of k and -k are opposite there, part of their amplitude would be lost.
    """
    twice = [0, width_px // 2] if width_px % 2 == 0 else [0]
    columns = phase[..., twice]
    mirrored = columns.flip(1, 2).roll((1, 1), (1, 2))
    result = phase.clone()
    result[..., twice] = (columns - mirrored) / 2
    return result
