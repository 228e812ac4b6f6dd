"""How a signal becomes grey values 0..255: in range, or with contrast and luminance held."""

import math
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import torch
from torch import Tensor

from viv1t.config.flags import check
from viv1t.errors import ConfigError

WHITE: Final = 255.0
MID_GREY: Final = 127.5
TOLERANCE: Final = 0.01
_MAX_ROUNDS: Final = 60


class Constraint(Protocol):
    """Turns signals into what can be shown."""

    def __call__(self, movie: Tensor, free: Tensor) -> Tensor:
        """Grey values 0..255 (s, t, h, w).

        Args:
            movie: (s, t, h, w) signals.
            free: (h, w) in 0..1, how much of each pixel is generated.
        """


@dataclass(frozen=True)
class Sigmoid:
    """Black to white by a logistic function, as published; contrast is not held."""

    def __call__(self, movie: Tensor, free: Tensor) -> Tensor:
        """255 / (1 + exp(-signal)); `free` does not matter."""
        return WHITE * torch.sigmoid(movie)


class _Line(NamedTuple):
    """Grey values `level + scale * (signal - centre)` of each stimulus, (s, 1, 1, 1) each."""

    level: Tensor
    scale: Tensor
    centre: Tensor

    def values(self, signal: Tensor) -> Tensor:
        return self.level + self.scale * (signal - self.centre)


@dataclass(frozen=True, kw_only=True)
class HeldContrast:
    """RMS contrast and mean luminance are those asked for, and no value leaves 0..255.

    The signal is scaled, shifted and clipped. Which pixels are clipped is found by repetition;
    scale and shift of the others then follow in closed form and carry the gradient, so a step along
    it keeps contrast and mean. Of clipped pixels the gradient of a loss, which is descended, passes
    if it leads back into the range, and the others make up for it. (Known optimum at 110 grey
    levels, Fourier coefficients, 300 steps: .99 of it is reached, .5 if clipped pixels have no
    gradient, .2 if theirs always passes.)

    Attributes:
        rms: standard deviation in grey levels, over the free canvas and all frames.
        mean: in grey levels, over the same.
    """

    rms: float
    mean: float = MID_GREY

    def __post_init__(self) -> None:
        check(0 < self.mean < WHITE, f"mean luminance must lie within 0..255, got {self.mean:g}")
        highest = math.sqrt(self.mean * (WHITE - self.mean))
        check(
            0 < self.rms < highest,
            f"RMS contrast must lie between 0 and {highest:.1f} grey levels (black and white only) "
            f"at a mean of {self.mean:g}, got {self.rms:g}",
        )

    def __call__(self, movie: Tensor, free: Tensor) -> Tensor:
        """Grey values with the contrast and mean asked for, within 1 %.

        Raises:
            ConfigError: the signal is flat, or has too few values for so high a contrast.
        """
        weight = free.to(movie).expand_as(movie)
        signal = movie.detach()
        line = self._fit(signal, weight, torch.full_like(signal, self.mean))
        values = line.values(signal)
        for _ in range(_MAX_ROUNDS):
            line = self._fit(signal, weight, values)
            before, values = values, line.values(signal)
            if torch.equal(_clipped(before), _clipped(values)):
                break
        as_if = _Inward.apply(movie, values, line.scale)
        line = self._fit(movie, weight, values, limit=as_if)
        shown = torch.where(_clipped(values), as_if, line.values(movie).clamp(0, WHITE))
        self._check(shown.detach(), free)
        return shown

    def _fit(
        self, signal: Tensor, weight: Tensor, values: Tensor, *, limit: Tensor | None = None
    ) -> _Line:
        """The line that the pixels follow whose `values` are within 0..255.

        Args:
            signal: (s, t, h, w).
            weight: of each pixel, (s, t, h, w).
            values: grey values of an earlier line.
            limit: grey values of the clipped pixels; None: black or white.
        """
        limit = values.clamp(0, WHITE) if limit is None else limit
        outside = weight * _clipped(values)
        inside = weight - outside
        gone, num = limit - self.mean, _sum(inside)
        offset = -_sum(outside * gone) / num
        variance = self.rms**2 * _sum(weight) - _sum(outside * gone.square())
        centre = _sum(inside * signal) / num
        spread = _sum(inside * (signal - centre).square()) / num
        scale = ((variance / num - offset.square()) / spread).sqrt()
        return _Line(self.mean + offset, scale, centre)

    def _check(self, shown: Tensor, free: Tensor) -> None:
        rms, mean = rms_contrast(shown, free), mean_luminance(shown, free)
        held = ((rms - self.rms).abs() <= TOLERANCE * self.rms) & (
            (mean - self.mean).abs() <= TOLERANCE * self.mean
        )
        if not held.all():
            raise ConfigError(
                f"a stimulus cannot reach an RMS contrast of {self.rms:g} grey levels at a mean of "
                f"{self.mean:g}: its signal is flat, or has too few different values; lower the "
                "contrast, or start with more noise (--sd)"
            )


def rms_contrast(movie: Tensor, free: Tensor) -> Tensor:
    """(s,) standard deviation over the free canvas and all frames, population, in grey levels.

    Args:
        movie: (s, t, h, w) grey values.
        free: (h, w) in 0..1; pixels of a soft edge count by their share.
    """
    weight = free.to(movie).expand_as(movie)
    centred = movie - _sum(weight * movie) / _sum(weight)
    return (_sum(weight * centred.square()) / _sum(weight)).sqrt().flatten()


def mean_luminance(movie: Tensor, free: Tensor) -> Tensor:
    """(s,) mean over the free canvas and all frames, in grey levels; as `rms_contrast`."""
    weight = free.to(movie).expand_as(movie)
    return (_sum(weight * movie) / _sum(weight)).flatten()


class _Inward(torch.autograd.Function):
    """`values` clipped to 0..255; their gradient by the signal, where descent leads inward."""

    @staticmethod
    def forward(ctx: Any, signal: Tensor, values: Tensor, scale: Tensor) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(values, scale)
        return values.clamp(0, WHITE)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401
        (values, scale), (gradient,) = ctx.saved_tensors, gradients
        inward = ((values > WHITE) & (gradient > 0)) | ((values < 0) & (gradient < 0))
        return gradient * scale * inward, None, None


def _clipped(values: Tensor) -> Tensor:
    return (values < 0) | (values > WHITE)


def _sum(values: Tensor) -> Tensor:
    return values.sum(dim=(1, 2, 3), keepdim=True)
