"""Statistics of all analyses: many p values, permutations, bootstraps over neurons and mice."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from viv1t.analysis.significance import (
    FloatArray,
    TestResult,
    one_sample_test,
    paired_test,
    stars,
    two_sample_test,
)

__all__ = [
    "Estimate",
    "FloatArray",
    "TestResult",
    "auc",
    "benjamini_hochberg",
    "bootstrap_ci",
    "hierarchical_bootstrap",
    "holm",
    "one_sample_test",
    "paired_test",
    "permutation_p",
    "stars",
    "two_sample_test",
]


def benjamini_hochberg(p: ArrayLike) -> FloatArray:
    """False discovery rates (q): of those with q <= a, a share a is expected to be false.

    Benjamini & Hochberg (1995). Undefined p values (NaN) stay NaN and are not counted.

    Args:
        p: p values of one family, any shape.

    Raises:
        ValueError: a p value outside of 0..1.
    """
    return _adjusted(p, lambda values: stats.false_discovery_control(values, method="bh"))


def holm(p: ArrayLike) -> FloatArray:
    """Adjusted p values, of the shape of `p`: any p <= a is false with a chance of at most a.

    Holm (1979). Undefined p values (NaN) stay NaN and are not counted.

    Args:
        p: p values of one family, any shape.

    Raises:
        ValueError: a p value outside of 0..1.
    """
    return _adjusted(p, _step_down)


def _adjusted(p: ArrayLike, adjust: Callable[[FloatArray], FloatArray]) -> FloatArray:
    values = np.array(p, dtype=np.float64)
    known = ~np.isnan(values)
    if np.any((values[known] < 0) | (values[known] > 1)):
        raise ValueError("p values must lie within 0..1")
    if known.any():
        values[known] = adjust(values[known])
    return values


def _step_down(p: FloatArray) -> FloatArray:
    order = np.argsort(p)
    adjusted = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    result = np.empty_like(p)
    result[order] = np.minimum(adjusted, 1.0)
    return result


def permutation_p(
    observed: ArrayLike, null: ArrayLike, axis: int = 0, *, as_published: bool = False
) -> FloatArray:
    """One-sided p values (k + 1) / (m + 1), where k of m permutations reach what was observed.

    So no p value is 0, and p <= a has a chance of at most a without an effect (Phipson & Smyth
    2010). Values equal up to rounding count as reached. NaN where `observed` is NaN.

    Args:
        observed: statistics, any shape.
        null: the same statistics of permuted data, with the permutations along `axis`.
        axis: of `null`.
        as_published: k / m, which is 0 if no permutation reaches what was observed.
    """
    values, permuted = np.asarray(observed, dtype=np.float64), np.asarray(null, dtype=np.float64)
    num = permuted.shape[axis]
    almost = np.expand_dims(values - 1e-10 * np.abs(values), axis)
    count = num - np.sum(permuted < almost, axis=axis)
    p = count / num if as_published else (count + 1) / (num + 1)
    return np.where(np.isnan(values), np.nan, p)


def bootstrap_ci(
    values: ArrayLike,
    statistic: Callable[..., ArrayLike] = np.mean,
    *,
    num: int = 2000,
    rng: np.random.Generator,
    level: float = 0.95,
) -> tuple[FloatArray, FloatArray]:
    """Lower and upper ends (...) of the percentile bootstrap interval of a statistic.

    Efron & Tibshirani (1993). NaN where the statistic of some sample is NaN.

    Args:
        values: (n, ...), samples along the first axis; they are drawn together for all others.
        statistic: called as `statistic(sample, axis=0)` with arrays (n, ...).
        num: bootstrap samples.
        rng: draws the samples.
        level: chance that the interval holds the truth.
    """
    sample = np.asarray(values, dtype=np.float64)
    draws = np.stack(
        [
            np.asarray(statistic(sample[rng.integers(0, len(sample), len(sample))], axis=0))
            for _ in range(num)
        ]
    )
    return _interval(draws, level)


def _interval(draws: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over neurons of several mice.

    Attributes:
        mean: over all neurons.
        low: lower end of its interval.
        high: upper end of its interval.
        p: that the mean differs from 0, two-sided, of the same draws.
        num_neurons: that were used.
        num_mice: they come from; with one mouse the interval speaks of that mouse only.
    """

    mean: float
    low: float
    high: float
    p: float
    num_neurons: int
    num_mice: int

    @property
    def text(self) -> str:
        """The estimate in words, for example "0.21 [0.10, 0.30], n = 64 neurons, 2 mice"."""
        mice = "1 mouse" if self.num_mice == 1 else f"{self.num_mice} mice"
        values = f"{self.mean:.2g} [{self.low:.2g}, {self.high:.2g}]"
        return f"{values}, n = {self.num_neurons} neurons, {mice}"


def hierarchical_bootstrap(
    values: ArrayLike,
    mice: ArrayLike,
    *,
    num: int = 2000,
    rng: np.random.Generator,
    level: float = 0.95,
) -> Estimate:
    """The mean over neurons, with an interval that knows that neurons of a mouse are alike.

    Saravanan, Berman & Sober (2020): mice are drawn with replacement, then neurons within each.
    Deviations of mice are widened by sqrt(m / (m - 1)) and by Student's t over the normal quantile:
    without that, 40 % of the intervals of two mice, and 11 % of six, miss a true mean from which
    mice and neurons deviate alike (95 % intervals; 60 % and more if neurons are taken as
    independent).

    Args:
        values: (n,), one a neuron; NaN are left out.
        mice: (n,), the mouse of each neuron.
        num: bootstrap samples.
        rng: draws the samples.
        level: chance that the interval holds the truth.

    Raises:
        ValueError: the lengths differ, or no value is defined.
    """
    sample, owner = np.asarray(values, dtype=np.float64), np.asarray(mice)
    if sample.shape != owner.shape or sample.ndim != 1:
        raise ValueError(f"values {sample.shape} and mice {owner.shape} must be of one length")
    known = ~np.isnan(sample)
    if not known.any():
        raise ValueError("no value is defined: nothing to estimate")
    groups = [sample[known & (owner == mouse)] for mouse in np.unique(owner[known])]
    draws = _redrawn_means(groups, num, rng, level)
    low, high = _interval(draws, level)
    fewer = min(int(np.sum(draws <= 0)), int(np.sum(draws >= 0)))
    return Estimate(
        mean=float(sample[known].mean()),
        low=float(low),
        high=float(high),
        p=min(1.0, 2 * (fewer + 1) / (num + 1)),
        num_neurons=int(known.sum()),
        num_mice=len(groups),
    )


def _redrawn_means(
    groups: list[FloatArray], num: int, rng: np.random.Generator, level: float
) -> FloatArray:
    """(num,) means over redrawn mice and neurons, spread for the small number of mice."""
    m = len(groups)
    sizes = np.array([len(group) for group in groups], dtype=np.float64)
    sums = np.array([group.sum() for group in groups])
    whole, widening = sums.sum() / sizes.sum(), 1.0
    if m > 1:
        upper = (1 + level) / 2
        widening = np.sqrt(m / (m - 1)) * stats.t.ppf(upper, m - 1) / stats.norm.ppf(upper)
    chosen = rng.integers(0, m, (num, m))
    redrawn = np.empty((num, m))
    for mouse, group in enumerate(groups):
        redrawn[chosen == mouse] = _redrawn_sums(group, int(np.sum(chosen == mouse)), rng)
    counts = sizes[chosen].sum(axis=1)
    of_mice = sums[chosen].sum(axis=1) / counts
    return whole + widening * (of_mice - whole) + redrawn.sum(axis=1) / counts - of_mice


def _redrawn_sums(group: FloatArray, num: int, rng: np.random.Generator) -> FloatArray:
    """(num,) sums of bootstrap samples of `group`, some millions of numbers at a time."""
    n = len(group)
    rows = max(1, 2**21 // n)
    blocks = [min(rows, num - first) for first in range(0, num, rows)]
    parts = [group[rng.integers(0, n, (block, n))].sum(axis=1) for block in blocks]
    return np.concatenate(parts) if parts else np.empty(0)


def auc(scores: ArrayLike, positive: ArrayLike) -> float:
    """The chance that a positive case scores higher than a negative one; ties count half.

    Args:
        scores: (n,); NaN are left out.
        positive: (n,) bool.

    Raises:
        ValueError: there are no positive, or no negative cases.
    """
    values, labels = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    ranked = ~np.isnan(values)
    above, below = values[ranked & labels], values[ranked & ~labels]
    if not len(above) or not len(below):
        raise ValueError(f"{len(above)} positive and {len(below)} negative cases: no AUC")
    ranks = stats.rankdata(np.concatenate((above, below)))[: len(above)]
    return float((ranks.mean() - (len(above) + 1) / 2) / len(below))
