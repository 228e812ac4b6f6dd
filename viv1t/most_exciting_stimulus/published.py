"""The published recipe where it differs from ours: its numbers, its losses, its checkpoint file.

Known defects are kept, so that published stimuli and numbers can be reproduced: `sd` does not
reach pixels, an image starts with 1 / sqrt(frames) of the amplitude of a movie, half of the
Fourier coefficients are never used, a divergence of equal spectra is not 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from viv1t.errors import DataError, MissingResultError
from viv1t.most_exciting_stimulus.parameters import passband
from viv1t.most_exciting_stimulus.spectrum import POWER_FLOOR, log_power
from viv1t.utils.files import atomic

Method: TypeAlias = Literal["pixel", "kl", "cutoff"]
PIXEL_SD: Final = 0.01
CHECKPOINT: Final = "ckpt.pt"
_REQUIRED: Final = ("param", "video", "response", "step", "mouse")
_OPTIONAL: Final = ("neuron", "loss", "presentation_mask")


@dataclass(frozen=True, kw_only=True)
class PublishedParameters:
    """The three published parameterisations (a `parameters.Parameterisation`).

    Numbers: (s, n, h, w) for pixel, for the others (s, n, h, w, 2), the real and imaginary parts of
    all Fourier coefficients; n is 1 for an image. The signal is meant for `constraints.Sigmoid`.

    Attributes:
        method: pixel; kl, all Fourier coefficients; cutoff, a low-pass box of them.
        shape: (h, w) in pixels.
        num_frames: frames of the movie.
        static: one image, shown in all frames.
        sd: of the noise at the start; pixel ignores it and takes 0.01.
        spatial_cutoff: share of the spatial frequencies that cutoff keeps.
        temporal_cutoff: share of the temporal frequencies that cutoff keeps; all of an image.
        device: of the numbers.
    """

    method: Method
    shape: tuple[int, int]
    num_frames: int = 30
    static: bool = False
    sd: float = 0.01
    spatial_cutoff: float = 0.5
    temporal_cutoff: float = 1.0
    device: torch.device | str = "cpu"

    @property
    def scale(self) -> Tensor:
        """(n, h, w) what coefficients are multiplied by: 0 or 1."""
        n, h, w = 1 if self.static else self.num_frames, *self.shape
        if self.method != "cutoff":
            return torch.ones(n, h, w, device=self.device)
        temporal = passband(n, 1.0 if self.static else self.temporal_cutoff)
        rows, columns = (passband(size, self.spatial_cutoff) for size in (h, w))
        box = temporal[:, None, None] * rows[:, None] * columns
        return box.to(self.device)

    def start(self, seeds: Sequence[int], *, init: Tensor | None = None) -> Tensor:
        """The numbers of `init`, or of noise."""
        size = self.scale.shape
        sd = PIXEL_SD if self.method == "pixel" else self.sd
        draws = [torch.randn(size, generator=torch.Generator().manual_seed(s)) for s in seeds]
        signal = sd * torch.stack(draws).to(self.device)
        if init is not None:
            signal = init.detach().to(signal)[: size[0]].expand_as(signal).clone()
        if self.method == "pixel":
            return signal.requires_grad_()
        coefficients = torch.fft.fftn(signal, dim=(1, 2, 3), norm="ortho")
        return torch.view_as_real(coefficients).requires_grad_()

    def movie(self, param: Tensor) -> Tensor:
        """The signals (s, t, h, w) before the sigmoid."""
        if self.method == "pixel":
            return self.scale * param.expand(-1, self.num_frames, -1, -1)
        size = (self.num_frames, *self.shape)
        kept = self.scale * torch.view_as_complex(param)
        return torch.fft.irfftn(kept, s=size, dim=(1, 2, 3), norm="ortho")


def divergence(natural: Tensor, other: Tensor) -> Tensor:
    """(...) divergence of a natural spectrum (f,) from others (..., f), of mean log powers."""
    p, q = natural.softmax(dim=-1), other.softmax(dim=-1)
    return (p * (p / (q + POWER_FLOOR)).log()).sum(dim=-1)


def loss(
    responses: Tensor,
    movie: Tensor,
    natural: Tensor,
    *,
    mode: Literal["sum", "max"] = "sum",
    inhibit: bool = False,
    alpha: float = 0.0,
    weights: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """The loss that was minimised, and the divergence that was logged beside it.

    Args:
        responses: (t,), or (n, t) of a population, in the window of the stimulus.
        movie: (t, h, w) grey values in that window.
        natural: (h * w,) mean log power of natural movies.
        mode: of a neuron: its sum or its maximum over the window. The published code fails for
            the maximum of a population; here it is the weighted sum of maxima.
        inhibit: the response is made small.
        alpha: weight of the divergence.
        weights: (n,) of a population.
    """
    of_neurons = responses.sum(dim=-1) if mode == "sum" else responses.amax(dim=-1)
    value = of_neurons if weights is None else (weights * of_neurons).sum()
    kl = divergence(natural, log_power(movie).mean(dim=-2))
    return (value if inhibit else -value) + alpha * kl, kl


def presentation_mask(blank: int, pattern: int) -> NDArray[np.float32]:
    """(blank + pattern + blank,) 1 in the frames of the stimulus, else 0."""
    mask = np.zeros(2 * blank + pattern, dtype=np.float32)
    mask[blank : blank + pattern] = 1
    return mask


def response_stats(
    response: ArrayLike, mask: ArrayLike | None = None, *, as_published: bool = False
) -> tuple[float, float]:
    """Maximum and sum of a response in the window of the stimulus.

    Args:
        response: (t,).
        mask: (t' >= t,), 1 in the window; the last frames of both are the same; None: all frames.
        as_published: responses outside of the window count as 0, also for the maximum.
    """
    values = np.asarray(response, dtype=np.float64)
    if mask is None:
        return float(values.max()), float(values.sum())
    inside = np.asarray(mask)[-len(values) :]
    shown = values * inside if as_published else values[inside > 0]
    return float(shown.max()), float(shown.sum())


def sensorium_stats(
    path: Path, mouse_id: str, neuron: int
) -> tuple[float, float] | tuple[None, None]:
    """Largest response of a neuron to the recorded movies, and its mean; None without the file.

    Args:
        path: a parquet file with columns mouse, neuron, max, mean; one row a movie.
        mouse_id: the mouse.
        neuron: the neuron.
    """
    if not path.is_file():
        return None, None
    table = pd.read_parquet(path)
    rows = table[(table["mouse"] == mouse_id) & (table["neuron"] == neuron)]
    return float(rows["max"].max()), float(rows["mean"].mean())


def save_checkpoint(
    folder: Path,
    *,
    param: Tensor,
    video: Tensor,
    response: Tensor,
    step: int,
    mouse: str,
    neuron: int | None = None,
    loss: Tensor | None = None,
    presentation_mask: Tensor | None = None,
) -> Path:
    """The published file of a stimulus, `ckpt.pt` in a folder; None is left out.

    Args:
        folder: made if it does not exist.
        param: the numbers of which the video is made, at the same step (the published code stored
            those one step later).
        video: (1, t, h, w) grey values, the grey screen before and after included.
        response: (t',) of a neuron, or (n, t') of a population, in recorded units.
        step: of the ascent.
        mouse: the mouse.
        neuron: the neuron; None: a population.
        loss: the loss at that step.
        presentation_mask: (t,) 1 in the frames of the stimulus.
    """
    values: dict[str, Any] = {
        "param": param,
        "video": video.float(),
        "response": response.float(),
        "step": int(step),
        "mouse": mouse,
        "neuron": None if neuron is None else int(neuron),
        "loss": None if loss is None else loss.float(),
        "presentation_mask": presentation_mask,
    }
    plain = {
        key: value.detach().cpu().clone() if isinstance(value, Tensor) else value
        for key, value in values.items()
        if value is not None
    }
    path = folder / CHECKPOINT
    with atomic(path) as temporary:
        torch.save(plain, temporary)
    return path


def load_checkpoint(path: Path) -> dict[str, Any]:
    """What `ckpt.pt` holds: param, video, response, step, mouse, and more if it was stored.

    Args:
        path: the file, or the folder that holds it.

    Raises:
        MissingResultError: there is no such file.
        DataError: the file is damaged, or is no checkpoint of a stimulus.
    """
    path = path / CHECKPOINT if path.is_dir() else path
    if not path.is_file():
        raise MissingResultError(
            f"{path} does not exist; most_exciting_stimulus/generate.py writes such files"
        )
    try:
        values: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        absent = [key for key in _REQUIRED if key not in values]
    except (OSError, RuntimeError, EOFError, UnpicklingError, TypeError) as error:
        raise DataError(f"{path} is not readable as a checkpoint: {error}") from error
    if absent:
        known = ", ".join((*_REQUIRED, *_OPTIONAL))
        raise DataError(f"{path} lacks {', '.join(absent)}; a stimulus holds {known}")
    return values
