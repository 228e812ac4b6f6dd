"""How well the direction tuning of two sources agrees, beside what noise allows."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from viv1t.analysis.tuning_curves import FloatArray, circular_distance, row_correlation

# Below this reliability a curve is noise, and dividing by it would only magnify noise.
MIN_RELIABILITY: Final = 0.2


def curve_agreement(
    reference: ArrayLike,
    other: ArrayLike,
    *,
    reference_reliability: ArrayLike,
    other_reliability: ArrayLike | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """One row a neuron: correlation, ceiling, corrected, shuffled.

    * `correlation`: of the two tuning curves (Pearson over directions).
    * `ceiling`: what it would be if noise alone kept them apart, the square root of the product of
      the reliabilities (Spearman 1904; Schoppe et al. 2016); NaN where one is below .2.
    * `corrected`: their quotient.
    * `shuffled`: the correlation after the bins of the reference curve changed places at random.

    Args:
        reference: (n, d) curves.
        other: (n, d) curves of the same neurons.
        reference_reliability: (n,) of the reference.
        other_reliability: (n,) of the others; None: they are free of noise.
        seed: of the shuffle.
    """
    curves = np.asarray(reference, dtype=float)
    correlation = row_correlation(curves, other)
    reliabilities = np.ones((2, len(curves)))
    reliabilities[0] = reference_reliability
    if other_reliability is not None:
        reliabilities[1] = other_reliability
    clear = (reliabilities >= MIN_RELIABILITY).all(0)
    ceiling = np.where(clear, np.sqrt(np.abs(reliabilities.prod(0))), np.nan)
    shuffled = np.random.default_rng(seed).permuted(curves, axis=1)
    return pd.DataFrame(
        {
            "correlation": correlation,
            "ceiling": ceiling,
            "corrected": correlation / ceiling,
            "shuffled": row_correlation(shuffled, other),
        }
    )


def shares_of_differences(
    reference_deg: ArrayLike, other_deg: ArrayLike, *, period_deg: float, step_deg: float
) -> pd.DataFrame:
    """Differences of preferred angles, in bins: difference_deg, count, share, chance.

    `chance` is the share if all angles were equally likely: half as large for the first and the
    last bin, which are met from one side only.

    Args:
        reference_deg: (n,) preferred angles; NaN are left out.
        other_deg: (n,) those of the same neurons.
        period_deg: 360 for directions, 180 for orientations.
        step_deg: width of the bins, which are centred on its multiples.
    """
    gap = circular_distance(reference_deg, other_deg, period_deg)
    centres = np.arange(0, period_deg / 2 + step_deg / 2, step_deg)
    gap = gap[np.isfinite(gap)]
    counts = np.bincount(np.rint(gap / step_deg).astype(int), minlength=len(centres))
    chance = np.full(len(centres), 2 * step_deg / period_deg)
    chance[[0, -1]] /= 2
    return pd.DataFrame(
        {
            "difference_deg": centres,
            "count": counts,
            "share": counts / max(counts.sum(), 1),
            "chance": chance,
        }
    )


def circular_correlation(a_deg: ArrayLike, b_deg: ArrayLike, *, period_deg: float) -> float:
    """Correlation of two sets of angles, -1 to 1 (Fisher & Lee 1983).

    It needs no mean directions, which angles spread all over the circle lack.

    Args:
        a_deg: (n,) angles; pairs with NaN are left out.
        b_deg: (n,) angles.
        period_deg: 360 for directions, 180 for orientations.
    """
    a, b = np.asarray(a_deg, dtype=float), np.asarray(b_deg, dtype=float)
    known = np.isfinite(a) & np.isfinite(b)
    first, second = (np.exp(2j * np.pi * x[known] / period_deg) for x in (a, b))
    same, opposite = (np.abs(np.sum(first * other)) ** 2 for other in (second.conj(), second))
    spread = _spread(first) * _spread(second)
    return float((same - opposite) / spread) if spread > 0 else np.nan


def _spread(unit: np.ndarray) -> float:
    return float(np.sqrt(len(unit) ** 2 - np.abs(np.sum(unit**2)) ** 2))


def selectivity_shares(index: ArrayLike, edges: ArrayLike) -> FloatArray:
    """(k,) share of neurons with an index in [edges[i], edges[i + 1]); the last bin is open above.

    Args:
        index: (n,) selectivity; NaN counts as 0.
        edges: (k,) lower edges, ascending.
    """
    places = np.digitize(np.nan_to_num(np.asarray(index, dtype=float)), np.asarray(edges)) - 1
    return np.bincount(places, minlength=len(np.asarray(edges))) / max(len(places), 1)
