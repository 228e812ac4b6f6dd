"""Neurons whose preference for iso or cross surrounds turns round with contrast."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from viv1t.analysis.contextual import (
    BLOCK,
    condition_row,
    interval_shares,
    modulation_index,
    resample,
    signed_rank_p,
)
from viv1t.analysis.stats import FloatArray, benjamini_hochberg

THRESHOLD: Final = 0.2
THRESHOLDS: Final = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)


def flips_as_published(
    iso_high: ArrayLike,
    cross_high: ArrayLike,
    iso_low: ArrayLike,
    cross_low: ArrayLike,
    *,
    threshold: float = THRESHOLD,
) -> NDArray[np.bool_]:
    """Whether (cross - iso) / iso at high and (iso - cross) / cross at low contrast reach
    `threshold`: the published rule, on mean responses and without any test.
    """  # noqa: D205
    high = exceeds(modulation_index(iso_high, cross_high), threshold)
    return high & exceeds(-modulation_index(iso_low, cross_low), threshold)


def exceeds(index: ArrayLike, threshold: float) -> NDArray[np.bool_]:
    """Whether (b - a) / a reaches `threshold`, from the index (b - a) / (b + a)."""
    return np.asarray(np.asarray(index, dtype=float) >= threshold / (2 + threshold))


def flip_table(
    high: ArrayLike,
    low: ArrayLike,
    *,
    rng: np.random.Generator,
    threshold: float = THRESHOLD,
    alpha: float = 0.05,
    num: int = 2000,
    level: float = 0.95,
) -> pd.DataFrame:
    """One row a neuron: does its preference flip from cross at high to iso at low contrast?

    Columns: cmi_high, cmi_low (indices of the two contrasts), interaction = cmi_high - cmi_low
    with its interval interaction_lower, interaction_upper and p_interaction (two-sided), both from
    bootstrapped presentations; p_high of cross > iso at high and p_low of iso > cross at low
    contrast, one-sided Wilcoxon signed-rank tests; p, the largest of the three, because a flip
    needs all three effects; q, its false-discovery rate over neurons; exceeds (both effects reach
    `threshold`, the published rule), reproduced (odd presentations alone and even presentations
    alone prefer cross at high and iso at low contrast), and flip: both, and q <= `alpha`.

    Args:
        high: (n, 2, r) responses above baseline to iso and cross surrounds at high contrast.
        low: the same at low contrast.
        rng: random numbers.
        threshold: relative difference that counts, see `flips_as_published`.
        alpha: largest false-discovery rate.
        num: bootstraps.
        level: of the interval.
    """
    contrasts = [np.asarray(x, dtype=float) for x in (high, low)]
    indices = [_index(x.mean(axis=2)) for x in contrasts]
    bounds, p = _interaction(contrasts, num, level, rng)
    signs = (1, -1)
    each = [
        signed_rank_p(sign * (x[:, 1] - x[:, 0]), alternative="greater")
        for sign, x in zip(signs, contrasts, strict=True)
    ]
    largest = np.max([p, *each], axis=0)
    q = benjamini_hochberg(largest)
    passed = exceeds(indices[0], threshold) & exceeds(-indices[1], threshold)
    halves = [[_index(x[..., half::2].mean(axis=2)) for x in contrasts] for half in (0, 1)]
    reproduced = np.all([(up > 0) & (down < 0) for up, down in halves], axis=0)
    return pd.DataFrame(
        {
            "cmi_high": indices[0],
            "cmi_low": indices[1],
            "interaction": indices[0] - indices[1],
            "interaction_lower": bounds[0],
            "interaction_upper": bounds[1],
            "p_interaction": p,
            "p_high": each[0],
            "p_low": each[1],
            "p": largest,
            "q": q,
            "exceeds": passed,
            "reproduced": reproduced,
            "flip": passed & reproduced & (np.nan_to_num(q, nan=1.0) <= alpha),
        }
    )


def contrast_flips(
    samples: ArrayLike,
    conditions: pd.DataFrame,
    *,
    baseline: ArrayLike,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """The `flip_table` of the highest and lowest contrast, for each size; columns row and size too.

    Args:
        samples: (n, k, r) as for `contextual.contextual_modulation`.
        conditions: k rows: contrast, size and kind.
        baseline: (n,) response to grey, or 0.
        rng: random numbers.
    """
    values = np.asarray(samples, dtype=float)
    above = values - np.broadcast_to(np.asarray(baseline, float), len(values))[:, None, None]
    contrasts = conditions["contrast"].max(), conditions["contrast"].min()
    frames = []
    for size in conditions.loc[conditions["kind"] == "centre", "size"].unique():
        chosen = [
            above[:, [condition_row(conditions, kind, contrast, size) for kind in ("iso", "cross")]]
            for contrast in contrasts
        ]
        frame = flip_table(*chosen, rng=rng)
        frames.append(frame.assign(row=np.arange(len(values)), size=size))
    return pd.concat(frames, ignore_index=True)


def _index(means: FloatArray) -> FloatArray:
    return modulation_index(means[..., 0], means[..., 1])


def _interaction(
    contrasts: Sequence[FloatArray], num: int, level: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Interval (2, n) and two-sided p (n,) of the difference of the indices.

    p is that of a t test with the bootstrapped standard error.
    """
    r = contrasts[0].shape[2]
    shares = interval_shares(level, r)
    bounds, errors = [], []
    for start in range(0, len(contrasts[0]), BLOCK):
        high, low = (
            np.nan_to_num(_index(resample(x[start : start + BLOCK], num=num, rng=rng)))
            for x in contrasts
        )
        bounds.append(np.quantile(high - low, shares, axis=0))
        errors.append((high - low).std(axis=0) * np.sqrt(r / max(r - 1, 1)))
    high, low = (_index(x.mean(axis=2)) for x in contrasts)
    error = np.concatenate(errors)
    t = np.divide(high - low, error, out=np.full(len(error), np.nan), where=error > 0)
    return np.concatenate(bounds, axis=1), 2 * stats.t.sf(np.abs(t), max(r - 1, 1))


def flip_sweep(
    cmi_high: ArrayLike, cmi_low: ArrayLike, *, thresholds: Sequence[float] = THRESHOLDS
) -> pd.DataFrame:
    """One row a threshold: how many neurons flip, and how many would by chance.

    Columns: threshold; num_neurons; high, low: shares of neurons that prefer cross at high, iso
    at low contrast by this much; flips: share that do both; expected: high x low, the share if
    the two were independent; odds_ratio and p of Fisher's exact test that both come together more
    often than that.

    Args:
        cmi_high: (n,) index (cross - iso) / (cross + iso) at high contrast; NaN are left out.
        cmi_low: (n,) at low contrast.
        thresholds: relative differences, see `flips_as_published`.
    """
    up, down = (np.asarray(x, dtype=float) for x in (cmi_high, cmi_low))
    known = ~np.isnan(up + down)
    rows = []
    for threshold in thresholds:
        high, low = exceeds(up[known], threshold), exceeds(-down[known], threshold)
        counts = [
            [np.sum(high & low), np.sum(high & ~low)],
            [np.sum(~high & low), np.sum(~high & ~low)],
        ]
        test = stats.fisher_exact(counts, alternative="greater")
        shares = [float(np.mean(x)) if known.any() else np.nan for x in (high, low, high & low)]
        rows.append(
            {
                "threshold": threshold,
                "num_neurons": int(known.sum()),
                "high": shares[0],
                "low": shares[1],
                "flips": shares[2],
                "expected": shares[0] * shares[1],
                "odds_ratio": float(test.statistic),
                "p": float(test.pvalue),
            }
        )
    return pd.DataFrame(rows)
