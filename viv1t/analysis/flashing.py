"""Flashed images: which frames of a movie show which image."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.analysis.gaussian_fit import FloatArray

BLANK = -1


def image_numbers(
    videos: Iterable[FloatArray], *, as_published: bool = False
) -> Iterator[NDArray[np.int64]]:
    """The number of the image in each frame (t,) of each movie (t, h, w), in turn; -1: blank.

    Images are numbered by first appearance in all movies. A frame is blank if it is uniform and
    of the grey that most uniform frames of its movie have; a new image begins where frames change
    by more than one grey level.

    Args:
        videos: movies of one mouse.
        as_published: every uniform frame is blank, and only blanks part images.
    """
    known: list[FloatArray] = []
    for video in videos:
        frames = np.rint(np.asarray(video, dtype=np.float32))
        is_blank = _is_blank(frames, as_published=as_published)
        changes = np.diff(is_blank.astype(int)) != 0
        if not as_published:
            changes |= np.abs(np.diff(frames, axis=0)).max(axis=(1, 2)) > 1
            changes &= ~(is_blank[1:] & is_blank[:-1])
        edges = [0, *(np.flatnonzero(changes) + 1), len(frames)]
        numbers = np.full(len(frames), BLANK, dtype=np.int64)
        for start, stop in itertools.pairwise(edges):
            if not is_blank[start]:
                numbers[start:stop] = _number(frames[(start + stop) // 2], known)
        yield numbers


def image_runs(numbers: NDArray[np.int64]) -> pd.DataFrame:
    """One row a stretch of equal numbers (t,): frame (its first), num_frames, image."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(numbers)) + 1])
    lengths = np.diff(np.append(starts, len(numbers)))
    return pd.DataFrame({"frame": starts, "num_frames": lengths, "image": numbers[starts]})


def _is_blank(frames: FloatArray, *, as_published: bool) -> NDArray[np.bool_]:
    uniform = (frames == frames[:, :1, :1]).all(axis=(1, 2))
    if as_published or not uniform.any():
        return np.asarray(uniform)
    values, counts = np.unique(frames[uniform, 0, 0], return_counts=True)
    return np.asarray(uniform & (frames[:, 0, 0] == values[counts.argmax()]))


def _number(image: FloatArray, known: list[FloatArray]) -> int:
    """The number of an image; one that is new is added to those that are known."""
    for number, other in enumerate(known):
        if np.allclose(image, other):
            return number
    known.append(image)
    return len(known) - 1
