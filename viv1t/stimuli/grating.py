"""Drifting gratings that fill the screen.

Directions are where the bars move: 0 left, 45 down-left, 90 down, 180 right, 270 up.
"""

from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viv1t.units import DEFAULT_MONITOR, FPS, GREY, Monitor

# Half the range of grey values in the published movies.
_PUBLISHED_HALF: Final = 127.5
# Periods of more frames than this are drawn frame by frame.
_LONGEST_PERIOD: Final = 1000


def drifting_grating(
    monitor: Monitor,
    *,
    direction_deg: float,
    num_frames: int,
    fps: float = FPS,
    cpd: float = 0.04,
    hz: float = 2.0,
    phase_deg: float = 0.0,
    contrast: float = 1.0,
) -> NDArray[np.float32]:
    """A sine grating around grey, (t, h, w).

    Frames that are a whole number of periods apart are equal bit for bit.

    Args:
        monitor: the screen; one degree is one degree at its centre.
        direction_deg: where the bars move.
        num_frames: t.
        fps: frames per second.
        cpd: cycles per degree at the centre of the screen.
        hz: cycles per second.
        phase_deg: at the pixel (w / 2, h / 2) of the first frame; 0 is the brightest.
        contrast: Michelson contrast, 0..1.
    """
    per_frame = Fraction(hz / fps).limit_denominator(_LONGEST_PERIOD)
    is_periodic = abs(float(per_frame) - hz / fps) < 1e-12
    period = min(per_frame.denominator, num_frames) if is_periodic else num_frames
    wave = _wave(
        (monitor.height_px, monitor.width_px),
        direction_deg=direction_deg,
        num_frames=period,
        cpp=cpd * monitor.deg_per_px,
        cpf=hz / fps,
        phase_deg=phase_deg,
    )
    frames = (GREY + GREY * contrast * wave).astype(np.float32)
    return frames[np.arange(num_frames) % period]


def published_grating(
    shape_px: tuple[int, int],
    *,
    direction_deg: float,
    num_frames: int,
    cpd: float,
    cpf: float,
    phase_deg: float = 0.0,
    contrast: float = 1.0,
) -> NDArray[np.uint8]:
    """The grating of the published system, (t, h, w), byte for byte.

    It takes every screen for the one of the Sensorium mice, and truncates grey values.

    Args:
        shape_px: (h, w).
        direction_deg: where the bars move.
        num_frames: t.
        cpd: cycles per degree.
        cpf: cycles per frame.
        phase_deg: at the pixel (w / 2, h / 2), rounded up, of the first frame.
        contrast: 0..1.
    """
    height_px, width_px = shape_px
    monitor = DEFAULT_MONITOR.with_px(width_px=width_px, height_px=height_px)
    wave = _wave(
        shape_px,
        direction_deg=direction_deg,
        num_frames=num_frames,
        cpp=cpd * monitor.deg_per_px,
        cpf=cpf,
        phase_deg=phase_deg,
    )
    return ((contrast * wave + 1) * _PUBLISHED_HALF).astype(np.uint8)


def _wave(
    shape_px: tuple[int, int],
    *,
    direction_deg: float,
    num_frames: int,
    cpp: float,
    cpf: float,
    phase_deg: float,
) -> NDArray[np.float64]:
    """A travelling cosine (t, h, w), -1..1; `cpp` is in cycles per pixel, `cpf` per frame."""
    height_px, width_px = shape_px
    x = np.arange(width_px) - np.ceil(width_px / 2)
    y = (np.arange(height_px) - np.ceil(height_px / 2))[:, None]
    t = np.arange(num_frames)[:, None, None]
    back = np.radians(direction_deg + 180)
    along = -2 * np.pi * cpp * np.cos(back) * x + 2 * np.pi * cpp * np.sin(back) * y
    wave: NDArray[np.float64] = np.cos(along + 2 * np.pi * cpf * t + np.radians(phase_deg))
    return wave
