"""Tests of one sample, two samples or pairs, each with its effect size and n."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

FloatArray: TypeAlias = NDArray[np.float64]
OneSample: TypeAlias = Literal["wilcoxon", "t"]
Alternative: TypeAlias = Literal["two-sided", "less", "greater"]
TwoSample: TypeAlias = Literal["mann-whitney", "rank-sum", "welch", "student"]

# As published: the largest p value of each mark, smallest first.
STARS: Final = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
NOT_SIGNIFICANT: Final = "n.s."


def stars(p: float) -> str:
    """The mark of a p value: "***" up to .001, "**" up to .01, "*" up to .05, else "n.s.".

    An undefined p value (NaN) has the mark "n/a".
    """
    if np.isnan(p):
        return "n/a"
    return next((mark for largest, mark in STARS if p <= largest), NOT_SIGNIFICANT)


@dataclass(frozen=True, kw_only=True)
class TestResult:
    """What a test found.

    Attributes:
        name: of the test.
        statistic: its statistic; NaN where it is not defined.
        p: two-sided unless an alternative was given; NaN for fewer than two values.
        n: values (pairs) that were used; of the first sample if there are two.
        n_other: values of the second sample; None for one sample or pairs.
        effect: effect size; its sign is that of the difference.
        effect_name: what kind of effect size.
    """

    __test__: ClassVar[bool] = False  # pytest: no test case

    name: str
    statistic: float
    p: float
    n: int
    n_other: int | None = None
    effect: float
    effect_name: str

    @property
    def stars(self) -> str:
        """The mark of `p`: "***", "**", "*", "n.s.", or "n/a"."""
        return stars(self.p)

    @property
    def p_text(self) -> str:
        """`p` as it is written in a figure, for example "p = 0.012" or "p < 1e-10"."""
        if np.isnan(self.p):
            return "p n/a"
        if self.p < 1e-10:
            return "p < 1e-10"
        return f"p = {self.p:.2g}"

    @property
    def n_text(self) -> str:
        """`n` as it is written in a figure, for example "n = 40" or "n = 40, 38"."""
        return f"n = {self.n}" if self.n_other is None else f"n = {self.n}, {self.n_other}"


def paired_test(
    a: ArrayLike,
    b: ArrayLike,
    *,
    method: OneSample = "wilcoxon",
    alternative: Alternative = "two-sided",
) -> TestResult:
    """Whether `a` - `b` is centred on 0.

    Args:
        a: (n,).
        b: (n,), of the same neurons; pairs with a NaN are left out.
        method: "wilcoxon" (signed ranks) or "t".
        alternative: "less" asks whether `a` lies below `b`.

    Raises:
        ValueError: the lengths differ.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"pairs must have one length, got {first.shape} and {second.shape}")
    return one_sample_test(first - second, method=method, alternative=alternative)


def one_sample_test(
    x: ArrayLike,
    *,
    value: float = 0.0,
    method: OneSample = "wilcoxon",
    alternative: Alternative = "two-sided",
) -> TestResult:
    """Whether `x` is centred on `value`.

    The effect size is the matched-pairs rank-biserial correlation (Kerby 2014) of the Wilcoxon
    signed-rank test, Cohen's d of the t test.

    Args:
        x: (n,); NaN are left out.
        value: the centre under the null hypothesis.
        method: "wilcoxon" (signed ranks) or "t".
        alternative: "less" asks whether `x` lies below `value`.
    """
    differences = _known(x) - value
    name, test = _ONE_SAMPLE[method]
    statistic, p, effect = np.nan, np.nan, np.nan
    if len(differences) >= 2 and not differences.any():
        statistic, p, effect = 0.0, 1.0, 0.0
    elif len(differences) >= 2:
        statistic, p, effect = test(differences, alternative)
    return TestResult(
        name=name,
        statistic=statistic,
        p=p,
        n=len(differences),
        effect=effect,
        effect_name="Cohen's d" if method == "t" else "rank-biserial r",
    )


def two_sample_test(
    a: ArrayLike, b: ArrayLike, *, method: TwoSample = "mann-whitney"
) -> TestResult:
    """Whether `a` and `b`, of different neurons, are alike.

    The effect size is the rank-biserial correlation, 2 AUC - 1, of the rank tests, Cohen's d
    (pooled deviation) of the t tests.

    Args:
        a: (n,); NaN are left out.
        b: (m,), likewise.
        method: "mann-whitney", "welch"; as published: "rank-sum" (Wilcoxon, without ties),
            "student" (equal variances).
    """
    first, second = _known(a), _known(b)
    name, test = _TWO_SAMPLE[method]
    statistic, p, effect = np.nan, np.nan, np.nan
    together = np.concatenate((first, second))
    if min(len(first), len(second)) >= 2 and np.ptp(together) == 0:
        statistic, p, effect = 0.0, 1.0, 0.0
    elif min(len(first), len(second)) >= 2:
        statistic, p = (float(value) for value in test(first, second))
        effect = (_rank_difference if method in _RANKED else _cohen)(first, second)
    return TestResult(
        name=name,
        statistic=statistic,
        p=p,
        n=len(first),
        n_other=len(second),
        effect=effect,
        effect_name="rank-biserial r" if method in _RANKED else "Cohen's d",
    )


def _known(values: ArrayLike) -> FloatArray:
    flat = np.asarray(values, dtype=np.float64).ravel()
    return flat[~np.isnan(flat)]


def _signed_ranks(differences: FloatArray, alternative: Alternative) -> tuple[float, float, float]:
    found = stats.wilcoxon(differences, alternative=alternative)
    nonzero = differences[differences != 0]
    ranks = stats.rankdata(np.abs(nonzero))
    return (
        float(found.statistic),
        float(found.pvalue),
        float(ranks @ np.sign(nonzero) / ranks.sum()),
    )


def _t(differences: FloatArray, alternative: Alternative) -> tuple[float, float, float]:
    spread, sign = differences.std(ddof=1), np.sign(differences[0])
    if spread == 0:  # all differ by the same
        p = float((alternative, sign) in (("less", 1), ("greater", -1)))
        return np.inf * sign, p, np.inf * sign
    found = stats.ttest_1samp(differences, 0.0, alternative=alternative)
    return float(found.statistic), float(found.pvalue), float(differences.mean() / spread)


def _rank_difference(a: FloatArray, b: FloatArray) -> float:
    return float(2 * stats.mannwhitneyu(a, b).statistic / (len(a) * len(b)) - 1)


def _cohen(a: FloatArray, b: FloatArray) -> float:
    squares = a.var() * len(a) + b.var() * len(b)
    pooled = np.sqrt(squares / (len(a) + len(b) - 2))
    return float(np.divide(a.mean() - b.mean(), pooled)) if pooled > 0 else np.nan


_RANKED: Final = ("mann-whitney", "rank-sum")
_ONE_SAMPLE: Final[
    Mapping[OneSample, tuple[str, Callable[[FloatArray, Alternative], tuple[float, float, float]]]]
] = MappingProxyType(
    {"wilcoxon": ("Wilcoxon signed-rank test", _signed_ranks), "t": ("one-sample t test", _t)}
)
_TWO_SAMPLE: Final[Mapping[TwoSample, tuple[str, Callable[..., tuple[float, float]]]]] = (
    MappingProxyType(
        {
            "mann-whitney": ("Mann-Whitney U test", stats.mannwhitneyu),
            "rank-sum": ("Wilcoxon rank-sum test", stats.ranksums),
            "welch": ("Welch's t test", lambda a, b: stats.ttest_ind(a, b, equal_var=False)),
            "student": ("Student's t test", stats.ttest_ind),
        }
    )
)
