"""What moves in a movie: the drifting wave that dominates it, and where its energy is."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

# Zeros that are appended, in lengths of the movie, so that peaks lie between fewer bins.
PADDING: Final = 3


@dataclass(frozen=True, kw_only=True)
class Wave:
    """A drifting grating.

    Attributes:
        direction_deg: where it moves, 0..360; 0 left, 90 down; NaN if it stands still.
        cpp: cycles per pixel.
        cpf: cycles per frame, not negative.
        direction_index: energy of all that moves the same way minus that of what moves the
            opposite way, over the sum: 1 for one direction, 0 for both alike.
    """

    direction_deg: float
    cpp: float
    cpf: float
    direction_index: float


def dominant_wave(movie: ArrayLike, weight: ArrayLike = 1.0) -> Wave:
    """The wave where the power spectrum of a movie is largest.

    The spectrum is that of the movie minus its mean, with zeros appended; the peak is found by a
    parabola through the logarithm of the largest bin and its two neighbours on each axis.

    Args:
        movie: (t, h, w).
        weight: (h, w), of what counts: a canvas.
    """
    frames = np.asarray(movie, dtype=np.float32)
    shares = np.broadcast_to(np.asarray(weight, dtype=np.float32), frames.shape)
    signal = (frames - np.average(frames, weights=shares)) * shares
    padded = [(PADDING + 1) * length for length in frames.shape]
    power = np.abs(fft.fftn(signal, s=padded)) ** 2
    peak = np.unravel_index(np.argmax(power), power.shape)
    f_t, f_y, f_x = (
        float(fft.fftfreq(length)[index]) + _offset(power, peak, axis) / length
        for axis, (index, length) in enumerate(zip(peak, padded, strict=True))
    )
    if f_t < 0:
        f_t, f_y, f_x = -f_t, -f_y, -f_x
    moving = np.sign(fft.fftfreq(padded[0]))[:, None, None] * np.sign(
        f_y * fft.fftfreq(padded[1])[:, None] + f_x * fft.fftfreq(padded[2])
    )
    total = float((np.abs(moving) * power).sum())
    return Wave(
        direction_deg=float(np.degrees(np.arctan2(-f_y, f_x)) % 360) if f_t > 0 else np.nan,
        cpp=float(np.hypot(f_y, f_x)),
        cpf=f_t,
        direction_index=float((moving * power).sum()) / total if total > 0 else 0.0,
    )


def energy_centre(movie: ArrayLike, weight: ArrayLike = 1.0) -> tuple[float, float]:
    """(x, y) in pixels: the centre of mass of the squared differences from the mean.

    Args:
        movie: (t, h, w).
        weight: (h, w), of what counts: a canvas.
    """
    frames = np.asarray(movie, dtype=np.float64)
    shares = np.broadcast_to(np.asarray(weight, dtype=np.float64), frames.shape)
    energy = ((frames - np.average(frames, weights=shares)) ** 2 * shares).sum(axis=0)
    rows, columns = np.mgrid[: energy.shape[0], : energy.shape[1]]
    return float((columns * energy).sum() / energy.sum()), float(
        (rows * energy).sum() / energy.sum()
    )


def _offset(power: NDArray[np.floating], peak: tuple[np.intp, ...], axis: int) -> float:
    """How many bins the top of the parabola lies beside the peak, -.5..0.5."""
    line = np.moveaxis(power, axis, 0)[(slice(None), *np.delete(peak, axis))]
    low, top, high = np.log(line[(int(peak[axis]) + np.array([-1, 0, 1])) % len(line)] + 1e-30)
    curvature = low - 2 * top + high
    return float(np.clip((low - high) / (2 * curvature), -0.5, 0.5)) if curvature < 0 else 0.0
