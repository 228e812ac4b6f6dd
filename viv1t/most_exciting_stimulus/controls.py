"""Controls of a stimulus: moved, turned, played backwards, scrambled, fainter; who it drives.

A stimulus that was made for a neuron should lose when it is changed, and win when it is compared
with those of others (Walker et al. 2019; the confusion matrix after Ponce et al. 2019). NumPy and
SciPy only: grey values 0..255 in, grey values out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage, stats

from viv1t.units import GREY

Movie = NDArray[np.float32]


def shown_pixels(movie: ArrayLike, *, grey: float = GREY) -> NDArray[np.bool_]:
    """(h, w) which pixels of a movie (t, h, w) ever differ from the grey around a stimulus."""
    return np.asarray((np.abs(np.asarray(movie, float) - grey) > 0.5).any(axis=0))


def shifted(movie: ArrayLike, dx_px: int, dy_px: int, *, grey: float = GREY) -> Movie:
    """`movie` (t, h, w) moved to the right and down by whole pixels; what comes in is grey."""
    frames = np.asarray(movie, np.float32)
    out = np.full_like(frames, grey)
    (to_y, from_y), (to_x, from_x) = (
        (slice(max(0, d), size + min(0, d)), slice(max(0, -d), size + min(0, -d)))
        for d, size in ((dy_px, frames.shape[1]), (dx_px, frames.shape[2]))
    )
    if abs(dy_px) < frames.shape[1] and abs(dx_px) < frames.shape[2]:
        out[:, to_y, to_x] = frames[:, from_y, from_x]
    return out


def rotated(
    movie: ArrayLike, angle_deg: float, centre_px: tuple[float, float], *, grey: float = GREY
) -> Movie:
    """`movie` (t, h, w) turned about a point, clockwise on the screen; what comes in is grey.

    Between pixels values are interpolated linearly.

    Args:
        movie: grey values.
        angle_deg: of the turn.
        centre_px: (x, y) of the point that stays.
        grey: around the movie.
    """
    frames, angle = np.asarray(movie, np.float32), np.deg2rad(angle_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])  # (y, x)
    centre = np.array(centre_px[::-1])
    offset = centre - turn @ centre
    turned = [
        ndimage.affine_transform(f, turn, offset, order=1, mode="constant", cval=grey)
        for f in frames
    ]
    return np.stack(turned).astype(np.float32)


def time_reversed(movie: ArrayLike) -> Movie:
    """`movie` (t, h, w) from its last frame to its first."""
    return np.asarray(movie, np.float32)[::-1].copy()


def phase_scrambled(movie: ArrayLike, rng: np.random.Generator, *, grey: float = GREY) -> Movie:
    """A movie of the same spectrum, pixels, mean and RMS contrast as `movie`, phases at random.

    Phases are those of white noise over (t, h, w), so a still movie stays still. Pixels that never
    differ from grey stay grey; clipping to 0..255 may take some contrast.

    Args:
        movie: (t, h, w) grey values.
        rng: draws the phases.
        grey: around the stimulus.
    """
    frames = np.asarray(movie, np.float64)
    where = shown_pixels(frames, grey=grey)
    if not where.any():
        return frames.astype(np.float32)
    spectrum = np.abs(np.fft.rfftn(frames - grey))
    noise = np.fft.rfftn(rng.normal(size=frames.shape))
    mixed = np.fft.irfftn(spectrum * noise / np.abs(noise), s=frames.shape, axes=(0, 1, 2))
    wanted, found = frames[:, where], mixed[:, where]
    spread = found.std()
    out = np.full(frames.shape, float(grey))
    scale = wanted.std() / spread if spread > 0 else 0.0
    out[:, where] = wanted.mean() + (found - found.mean()) * scale
    return np.clip(out, 0, 255).astype(np.float32)


def at_contrast(movie: ArrayLike, factor: float, *, grey: float = GREY) -> Movie:
    """`movie` with its deviations from grey multiplied by `factor`, clipped to 0..255."""
    frames = np.asarray(movie, np.float32)
    return np.clip(grey + factor * (frames - grey), 0, 255).astype(np.float32)


@dataclass(frozen=True, eq=False, kw_only=True)
class Confusion:
    """Who is driven by which stimulus.

    Attributes:
        z: (k, n) responses, of each neuron z-scored over the stimuli; 0 for neurons that answer all
            alike.
        rank: (k,) of the neuron a stimulus was made for among the n neurons, 1 is the most
            driven; ties share the mean of their ranks.
        rank_of_stimulus: (k,) of a stimulus among all k, for the neuron it was made for.
    """

    z: NDArray[np.float64]
    rank: NDArray[np.float64]
    rank_of_stimulus: NDArray[np.float64]


def confusion(responses: ArrayLike, made_for: ArrayLike) -> Confusion:
    """Ranks of the own neuron of each stimulus, of responses (k, n) z-scored per neuron.

    Args:
        responses: of n neurons to k stimuli.
        made_for: (k,) column of the neuron that each stimulus was made for.

    Raises:
        ValueError: shapes that do not go together, or a neuron that is no column.
    """
    values, own = np.asarray(responses, dtype=np.float64), np.asarray(made_for, dtype=np.int64)
    if values.ndim != 2 or own.shape != values.shape[:1]:
        raise ValueError(f"expected (k, n) and (k,), got {values.shape} and {own.shape}")
    if len(own) and not (own.min() >= 0 and own.max() < values.shape[1]):
        raise ValueError(f"made_for should be columns 0..{values.shape[1] - 1}, got {own}")
    spread = values.std(axis=0)
    z = (values - values.mean(axis=0)) / np.where(spread > 0, spread, np.inf)
    rows = np.arange(len(own))
    over_neurons, over_stimuli = stats.rankdata(-z, axis=1), stats.rankdata(-z, axis=0)
    return Confusion(z=z, rank=over_neurons[rows, own], rank_of_stimulus=over_stimuli[rows, own])
