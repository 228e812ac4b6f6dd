"""How responses of neurons are distributed over time."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from viv1t.analysis.tuning_curves import FloatArray

# Rows that vary less are constant.
_MIN_SPREAD: Final = 1e-8


def response_statistics(
    trials: Sequence[NDArray[np.floating]], video_ids: Sequence[int]
) -> pd.DataFrame:
    """One row a neuron: mean, sd, skewness, sparseness (over all frames), reliability.

    A neuron that never changes has no skewness, one that never responds no sparseness (NaN).
    reliability is the `pair_correlation` of repeats, mean over repeated movies.

    Args:
        trials: responses (n, t) of each.
        video_ids: equal for repeats of one movie; below 0: unknown.
    """
    responses = np.concatenate([np.asarray(trial, dtype=np.float64) for trial in trials], axis=1)
    varies = np.ptp(responses, axis=1) > 0
    skewness = np.full(len(responses), np.nan)
    skewness[varies] = stats.skew(responses[varies], axis=1)
    of_movies = [pair_correlation(repeats) for repeats in repeats_of(trials, video_ids)]
    reliability = np.stack([*of_movies, np.full(len(responses), np.nan)])
    return pd.DataFrame(
        {
            "mean": responses.mean(axis=1),
            "sd": responses.std(axis=1),
            "skewness": skewness,
            "sparseness": lifetime_sparseness(responses),
            "reliability": mean_of_known(reliability, axis=0),
        }
    )


def lifetime_sparseness(responses: FloatArray) -> FloatArray:
    """(n,): 0 if a neuron responds equally in all frames, 1 if in a single one.

    (1 - mean(r)^2 / mean(r^2)) / (1 - 1 / t), Vinje & Gallant (2000); responses below 0 count as 0.

    Args:
        responses: (n, t), t of at least 2.
    """
    rates = np.maximum(responses, 0)
    square = np.square(rates).mean(axis=1)
    ratio = np.divide(
        np.square(rates.mean(axis=1)), square, out=np.full(len(rates), np.nan), where=square > 0
    )
    sparseness: FloatArray = (1 - ratio) / (1 - 1 / rates.shape[1])
    return sparseness


def repeats_of(
    trials: Sequence[NDArray[np.floating]], video_ids: Sequence[int]
) -> list[NDArray[np.floating]]:
    """Responses (r, n, t) to each movie that was shown more than once, cut to the shortest repeat.

    Args:
        trials: responses (n, t), aligned at the end.
        video_ids: of each trial; below 0: unknown, left out.
    """
    found = []
    for video in sorted({v for v in video_ids if v >= 0 and list(video_ids).count(v) > 1}):
        shown = [trial for trial, v in zip(trials, video_ids, strict=True) if v == video]
        frames = min(trial.shape[1] for trial in shown)
        found.append(np.stack([trial[:, -frames:] for trial in shown]))
    return found


def pair_correlation(responses: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean Pearson correlation over time between pairs of rows, (n,).

    Constant rows are left out; NaN where fewer than two are left.

    Args:
        responses: (r, n, t).
    """
    values = np.asarray(responses, np.float64)
    values = values - values.mean(axis=2, keepdims=True)
    length = np.sqrt(np.square(values).sum(axis=2, keepdims=True))
    is_known = length > _MIN_SPREAD
    unit = np.divide(values, length, out=np.zeros_like(values), where=is_known)
    count = is_known[..., 0].sum(axis=0)
    pairs = count * (count - 1)
    together = np.square(unit.sum(axis=0)).sum(axis=1) - count
    return np.divide(together, pairs, out=np.full(len(count), np.nan), where=pairs > 0)


def mean_of_known(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Mean over an axis without NaN; NaN where nothing else is."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
