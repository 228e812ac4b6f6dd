"""Does a neuron answer the same movies on a later day as it did on the first?"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.analysis.stats import FloatArray
from viv1t.data.recording import Recording
from viv1t.errors import DataError

# As published: the share of frames within the band, and half of the movies.
SHARE: Final = 0.8
TIER: Final = "live_main"
# Repeats of the first day that are compared with its other ones.
FIRST_REPEATS: Final = 5


def repeated_movies(recording: Recording, *, tier: str = TIER) -> dict[int, FloatArray]:
    """{video id: responses (n, r, t)} of the movies of `tier`, ids ascending.

    Args:
        recording: of one day.
        tier: of the movies that are shown on all days.

    Raises:
        DataError: the session has no trial of `tier`.
    """
    trials = recording.trials(tier)
    if not len(trials):
        raise DataError(
            f"{recording.folder} has no trial of the tier {tier}: movies that are shown on all "
            "days are needed to see whether neurons answer alike; give another --tier"
        )
    responses = (
        recording.read_responses(int(t), start=0, stop=recording.length(int(t))) for t in trials
    )
    return by_movie(dict(zip(trials.tolist(), responses, strict=True)), recording.video_ids)


def by_movie(
    responses: Mapping[int, NDArray[np.floating]], video_ids: NDArray[np.int64]
) -> dict[int, FloatArray]:
    """{video id: (n, r, t)}, ids ascending, repeats in the order of trials, cut to the shortest.

    Args:
        responses: trial -> (n, t).
        video_ids: (trials,) of all trials.
    """
    movies: dict[int, list[NDArray[np.floating]]] = {}
    for trial in sorted(responses):
        movies.setdefault(int(video_ids[trial]), []).append(responses[trial])
    stacked = {}
    for movie in sorted(movies):
        frames = min(response.shape[1] for response in movies[movie])
        repeats = [response[:, :frames] for response in movies[movie]]
        stacked[movie] = np.stack(repeats, axis=1).astype(float)
    return stacked


def matched(responses: Mapping[int, FloatArray]) -> NDArray[np.bool_]:
    """(n,) bool: neurons that were found again: whose responses are defined throughout.

    Args:
        responses: movie -> (n, r, t) of the later day.
    """
    return np.all([np.isfinite(r).all(axis=(1, 2)) for r in responses.values()], axis=0)


def inside_band(
    first: Mapping[int, FloatArray], later: Mapping[int, FloatArray]
) -> NDArray[np.int64]:
    """Frames (n, v) in which the later mean lies within the first day's mean +/- 1 SD.

    The SD is that of the population, over repeats; the band includes its edges. 0 for neurons
    that are missing on either day. v: the movies that both days share, ids ascending.

    Args:
        first: movie -> (n, r, t) of the first day.
        later: the same of the later day.

    Raises:
        DataError: the days share no movie, or have different numbers of neurons.
    """
    counts = []
    for before, after in _shared(first, later):
        mean, sd = before.mean(axis=1), before.std(axis=1)
        distance = np.abs(after.mean(axis=1) - mean)
        counts.append(np.sum(distance <= sd, axis=1))  # NaN compares as False
    return np.stack(counts, axis=1)


def stable_neurons(
    first: Mapping[int, FloatArray],
    later: Mapping[int, FloatArray],
    *,
    share: float = SHARE,
    as_published: bool = False,
) -> NDArray[np.bool_]:
    """(n,) bool: neurons within the band (see `inside_band`) in `share` of the frames, in half of
    the movies (an odd number is rounded up).

    A noisy first day makes a wide band, which is easily kept to: see also `day_correlations`.

    Args:
        first: movie -> (n, r, t) of the first day.
        later: the same of the later day.
        share: of the frames.
        as_published: frames are divided by the number of neurons, and the half is rounded down.
    """  # noqa: D205
    inside = inside_band(first, later)
    n, v = inside.shape
    lengths = [before.shape[2] for before, _ in _shared(first, later)]
    passed = inside / (n if as_published else np.array(lengths)) >= share
    needed = v // 2 if as_published else -(-v // 2)
    found: NDArray[np.bool_] = passed.sum(axis=1) >= needed
    return found


def correlated_neurons(correlations: pd.DataFrame, *, minimum: float) -> NDArray[np.bool_]:
    """(n,) bool: neurons whose correlation across days, mean over movies, reaches `minimum`.

    Unlike the band of `stable_neurons` it does not favour noisy neurons.

    Args:
        correlations: of `day_correlations`.
        minimum: Pearson r.
    """
    found: NDArray[np.bool_] = (
        correlations.groupby("neuron")["across"].mean().ge(minimum).to_numpy()
    )
    return found


def day_correlations(
    first: Mapping[int, FloatArray],
    later: Mapping[int, FloatArray],
    *,
    num_first: int = FIRST_REPEATS,
) -> pd.DataFrame:
    """One row a neuron and movie: how alike responses are, across days and within the first.

    Columns: neuron, movie; across: Pearson r over frames of the mean over repeats of the two days;
    within: of the first `num_first` repeats of the first day and its others. NaN for missing
    neurons, and where there is nothing to compare.

    Args:
        first: movie -> (n, r, t) of the first day.
        later: the same of the later day.
        num_first: repeats that are compared with the others.
    """
    shared = [movie for movie in first if movie in later]
    parts = []
    for movie, (before, after) in zip(shared, _shared(first, later), strict=True):
        rest = before[:, num_first:]
        others = rest.mean(axis=1) if rest.shape[1] else np.full_like(before[:, 0], np.nan)
        parts.append(
            pd.DataFrame(
                {
                    "neuron": np.arange(len(before)),
                    "movie": movie,
                    "across": correlation(before.mean(axis=1), after.mean(axis=1)),
                    "within": correlation(before[:, :num_first].mean(axis=1), others),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def correlation(a: FloatArray, b: FloatArray) -> FloatArray:
    """Pearson correlation (...) over the last axis; NaN where one of the two does not vary."""
    first, second = (x - x.mean(axis=-1, keepdims=True) for x in (a, b))
    scale = np.sqrt(np.square(first).sum(axis=-1) * np.square(second).sum(axis=-1))
    product = (first * second).sum(axis=-1)
    return np.divide(product, scale, out=np.full(product.shape, np.nan), where=scale > 0)


def _shared(
    first: Mapping[int, FloatArray], later: Mapping[int, FloatArray]
) -> list[tuple[FloatArray, FloatArray]]:
    """Responses of both days to the movies that they share, cut to the same frames."""
    shared = [movie for movie in first if movie in later]
    if not shared:
        raise DataError(
            f"the two days share no movie: video ids {_listed(first)} on the first, "
            f"{_listed(later)} on the later day; ids must name the same movies on all days"
        )
    pairs = []
    for movie in shared:
        before, after = first[movie], later[movie]
        if len(before) != len(after):
            raise DataError(
                f"the first day has {len(before)} neurons, the later day {len(after)}: rows must "
                "be the neurons of the first day, NaN for those that were not found again"
            )
        frames = min(before.shape[2], after.shape[2])
        pairs.append((before[..., :frames], after[..., :frames]))
    return pairs


def _listed(movies: Mapping[int, FloatArray]) -> str:
    return ", ".join(map(str, list(movies)[:5])) + (", ..." if len(movies) > 5 else "")
