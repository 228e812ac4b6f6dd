"""What kind of stimulus a movie is, judged from its frames alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from viv1t.names import STIMULUS_TYPES, UNKNOWN_STIMULUS

# Frames are compared in windows of this length, shorter than a drifting Gabor is shown.
_WINDOW: Final = 12
_SAME_GREY: Final = 1.0
_OFF_GREY: Final = 12.0
# Limits of the features, halfway between what the types of stimuli were seen to give.
_STILL: Final = 0.6
_DOT_BACKGROUND: Final = 0.5
_QUADRATURE: Final = 0.95
_KINEMATOGRAM_BACKGROUND: Final = 0.45


@dataclass(frozen=True, kw_only=True)
class MovieFeatures:
    """What tells the stimulus types apart.

    Attributes:
        static: share of frames that repeat the one before within 1 grey level.
        background: share of pixels within 12 grey levels of the commonest one, over frames that
            are not uniform; their median.
        two_components: share of the variance within windows of 12 frames that two components
            (a quadrature pair) explain; the median over windows.
    """

    static: float
    background: float
    two_components: float


def movie_features(video: np.ndarray) -> MovieFeatures:
    """The features of a movie (c, t, h, w) of grey levels 0..255."""
    frames = video.mean(axis=0, dtype=np.float32).reshape(video.shape[1], -1)
    changes = np.abs(np.diff(frames, axis=0)).max(axis=1, initial=0)
    shown = frames[np.ptp(frames, axis=1) > _OFF_GREY]
    return MovieFeatures(
        static=float((changes <= _SAME_GREY).mean()) if len(changes) else 1.0,
        background=_background(shown) if len(shown) else 1.0,
        two_components=_two_components(frames),
    )


def _background(frames: np.ndarray) -> float:
    """Share of pixels near the commonest grey level of their frame; median over `frames`."""
    bins = np.clip(frames, 0, 255).astype(np.int64) // 4
    shares = []
    for frame, binned in zip(frames, bins, strict=True):
        level = 4 * np.bincount(binned).argmax() + 2
        shares.append((np.abs(frame - level) <= _OFF_GREY).mean())
    return float(np.median(shares))


def _two_components(frames: np.ndarray) -> float:
    shares = []
    for start in range(0, len(frames) - _WINDOW + 1, _WINDOW):
        window = frames[start : start + _WINDOW]
        centred = window - window.mean(axis=0)
        power = np.linalg.eigvalsh(centred @ centred.T)[::-1]
        if power[0] > len(centred):
            shares.append(power[:2].sum() / power.clip(min=0).sum())
    return float(np.median(shares)) if shares else 1.0


def classify(video: np.ndarray, types: Sequence[int]) -> int:
    """The stimulus id of an artificial movie, or UNKNOWN_STIMULUS if it is none of `types`.

    Flashed images and dots stand still for several frames, dots on an even background. Of the
    moving stimuli, a drifting Gabor is one quadrature pair at a time, and a random-dot
    kinematogram has an even background that pink noise lacks.

    Args:
        video: (c, t, h, w) grey levels 0..255.
        types: the stimulus ids that may occur.
    """
    features = movie_features(video)
    if features.static >= _STILL:
        name = "gaussian_dots" if features.background >= _DOT_BACKGROUND else "image"
    elif features.two_components >= _QUADRATURE:
        name = "drifting_gabor"
    elif features.background >= _KINEMATOGRAM_BACKGROUND:
        name = "random_dot_kinematogram"
    else:
        name = "directional_pink_noise"
    found = STIMULUS_TYPES.index(name)
    return found if found in types else UNKNOWN_STIMULUS
