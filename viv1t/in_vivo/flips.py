"""Neurons that flip with contrast, what chance gives, and what a whole population prefers."""

from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from viv1t.analysis.contextual import modulation_index
from viv1t.analysis.flips import THRESHOLD, exceeds, flips_as_published
from viv1t.analysis.stats import FloatArray, benjamini_hochberg, permutation_p

NUM_SHUFFLES: Final = 100
NUM_PERMUTATIONS: Final = 999
ALPHA: Final = 0.05
Definition: TypeAlias = Literal["cross-validated", "published"]
DEFINITIONS: Final[tuple[Definition, ...]] = ("cross-validated", "published")


def flips(
    high: ArrayLike, low: ArrayLike, *, threshold: float = THRESHOLD, alpha: float = ALPHA
) -> pd.DataFrame:
    """One row a neuron: does its preference flip from cross at high to iso at low contrast?

    Columns: cmi_high, cmi_low; published: the published rule on the means of all presentations,
    with no test; selected: that rule holds in the odd or in the even presentations; p: of a flip
    in the half that did not select, the larger of two one-sided Welch tests (cross > iso at high,
    iso > cross at low contrast), and if both halves select, the smaller of theirs; q: its false-
    discovery rate over the neurons that the other half selected, twice the smaller of both halves;
    flip: q <= `alpha`. Neurons that no half selects have p and q of 1. No test sees a presentation
    that selected the neuron, and as the halves are independent, neurons that were not selected do
    not count.

    Args:
        high: (n, 2, r) responses to iso and cross surrounds at high contrast; NaN: fewer
            presentations, or no neuron.
        low: the same at low contrast.
        threshold: relative difference that counts, see `analysis.flips.flips_as_published`.
        alpha: largest false-discovery rate.
    """
    contrasts = [np.asarray(x, dtype=float) for x in (high, low)]
    cmi = [_index(x) for x in contrasts]
    known = ~np.isnan(cmi[0] + cmi[1])
    chosen = [_selected([x[..., half::2] for x in contrasts], threshold) for half in (0, 1)]
    p = np.where(known, 1.0, np.nan)
    q = p.copy()
    for half, selected in enumerate(chosen):
        rows = np.flatnonzero(selected & known)
        tested = _flip_p(*(x[rows, :, 1 - half :: 2] for x in contrasts))
        p[rows] = np.minimum(p[rows], tested)
        q[rows] = np.minimum(q[rows], np.minimum(2 * benjamini_hochberg(tested), 1.0))
    return pd.DataFrame(
        {
            "cmi_high": cmi[0],
            "cmi_low": cmi[1],
            "published": _selected(contrasts, threshold),
            "selected": np.any(chosen, axis=0),
            "p": p,
            "q": q,
            "flip": np.nan_to_num(q, nan=1.0) <= alpha,
        }
    )


def flip_shares(
    high: ArrayLike,
    low: ArrayLike,
    *,
    rng: np.random.Generator,
    num: int = NUM_SHUFFLES,
    threshold: float = THRESHOLD,
    alpha: float = ALPHA,
) -> pd.DataFrame:
    """One row a definition of flips: the share of neurons, and what chance gives.

    Columns: definition, num_neurons, num_flips, share; chance, chance_low, chance_high: mean and
    95 % range of the share when iso and cross are shuffled at each contrast (see `shuffled`), so
    that no neuron prefers anything; p: that this gives as many; chance_published: mean share when
    the two contrasts of each surround are shuffled instead. As responses to high contrast are many
    times larger, this mixes large and small numbers, and gives far more flips than noise does.

    Args:
        high: see `flips`.
        low: see `flips`.
        rng: shuffles.
        num: shuffles.
        threshold: see `flips`.
        alpha: see `flips`.
    """
    contrasts = [np.asarray(x, dtype=float) for x in (high, low)]
    rows = []
    asked = {"threshold": threshold, "alpha": alpha}
    draws = [flips(*shuffled(*contrasts, rng=rng), **asked) for _ in range(num)]
    mixed = [flips(*shuffled_contrasts(*contrasts, rng=rng), **asked) for _ in range(num)]
    found = flips(*contrasts, threshold=threshold, alpha=alpha)
    known = found["p"].notna()
    for definition, column in zip(DEFINITIONS, ("flip", "published"), strict=True):
        chance = np.array([draw.loc[known, column].mean() for draw in draws])
        share = float(found.loc[known, column].mean()) if known.any() else np.nan
        ends = np.quantile(chance, [0.025, 0.975]) if known.any() else (np.nan, np.nan)
        rows.append(
            {
                "definition": definition,
                "num_neurons": int(known.sum()),
                "num_flips": int(found[column].sum()),
                "share": share,
                "chance": float(chance.mean()),
                "chance_low": float(ends[0]),
                "chance_high": float(ends[1]),
                "p": float(permutation_p(share, chance)),
                "chance_published": float(
                    np.mean([draw.loc[known, column].mean() for draw in mixed])
                ),
            }
        )
    return pd.DataFrame(rows)


def shuffled(
    high: FloatArray, low: FloatArray, *, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """The presentations of both surrounds of each neuron and contrast, dealt out at random.

    Args:
        high: (n, 2, r), NaN: fewer presentations.
        low: the same.
        rng: deals.
    """
    n, _, r = high.shape
    dealt = [rng.permuted(x.reshape(n, -1), axis=1).reshape(n, 2, r) for x in (high, low)]
    return dealt[0], dealt[1]


def shuffled_contrasts(
    high: FloatArray, low: FloatArray, *, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """The presentations of both contrasts of each neuron and surround, dealt out, as published.

    Args:
        high: (n, 2, r), NaN: fewer presentations.
        low: the same.
        rng: deals.
    """
    pooled = rng.permuted(np.concatenate([high, low], axis=2), axis=2)
    return pooled[..., : high.shape[2]], pooled[..., high.shape[2] :]


def preference(
    pair: ArrayLike, *, rng: np.random.Generator, num: int = NUM_PERMUTATIONS
) -> dict[str, float]:
    """Does the population prefer cross to iso surrounds, or the other way round?

    num_neurons; mean_cmi, median_cmi over neurons; p: two-sided, of a permutation test of mean_cmi
    that deals the presentations out to iso and cross, the same for all neurons. All neurons see
    the same presentations, during which the animal runs or rests: tests that take neurons as
    independent find effects of that where surrounds do nothing.

    Args:
        pair: (n, 2, r) responses to iso and cross surrounds at one contrast; NaN: fewer
            presentations, or no neuron.
        rng: permutations.
        num: of them.
    """
    values = np.asarray(pair, dtype=float)
    found = _index(values)
    n, _, r = values.shape
    pooled = values.reshape(n, -1)
    drawn = np.array(
        [_middle(_index(pooled[:, rng.permutation(2 * r)].reshape(n, 2, r))) for _ in range(num)]
    )
    mean = _middle(found)
    return {
        "num_neurons": int(np.isfinite(found).sum()),
        "mean_cmi": mean,
        "median_cmi": float(np.nanmedian(found)) if np.isfinite(found).any() else np.nan,
        "p": float(permutation_p(abs(mean), np.abs(drawn))),
    }


def _middle(index: FloatArray) -> float:
    return float(np.nanmean(index)) if np.isfinite(index).any() else np.nan


def chance_as_published(
    iso: tuple[ArrayLike, ArrayLike],
    cross: tuple[ArrayLike, ArrayLike],
    *,
    num: int = NUM_SHUFFLES,
    seed: int = 1234,
    skip_missing: bool = True,
    threshold: float = THRESHOLD,
) -> float:
    """The published chance level: mean percentage of flips over shuffles of the two contrasts.

    Args:
        iso: (n, r) at high and at low contrast; NaN: fewer presentations.
        cross: likewise.
        num: shuffles.
        seed: of the shuffles.
        skip_missing: False: a neuron with fewer presentations has no mean and never flips, the
            published defect, which makes the chance level 0.
        threshold: see `flips`.
    """
    high, low = (
        np.stack([np.asarray(iso[end], float), np.asarray(cross[end], float)], axis=1)
        for end in (0, 1)
    )
    rng = np.random.default_rng(seed)
    shares = []
    for _ in range(num):
        means = [
            _mean(x) if skip_missing else x.mean(axis=2)
            for x in shuffled_contrasts(high, low, rng=rng)
        ]
        flipped = flips_as_published(*means[0].T, *means[1].T, threshold=threshold)
        shares.append(100 * flipped.mean())
    return float(np.mean(shares))


def _selected(contrasts: list[FloatArray], threshold: float) -> NDArray[np.bool_]:
    high, low = (_index(x) for x in contrasts)
    return exceeds(high, threshold) & exceeds(-low, threshold)


def _index(samples: FloatArray) -> FloatArray:
    """(n,) index of the mean responses (n, 2, r) to iso and cross."""
    return modulation_index(*_mean(samples).T)


def _mean(samples: FloatArray) -> FloatArray:
    """Mean over the last axis of the values that are defined; NaN where none is."""
    known = np.isfinite(samples)
    count = known.sum(axis=-1)
    total = np.where(known, samples, 0.0).sum(axis=-1)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


def _flip_p(high: FloatArray, low: FloatArray) -> FloatArray:
    """(n,) the larger p of the two effects; 1 where there is too little to test."""
    p = [_greater_p(high[:, 1], high[:, 0]), _greater_p(low[:, 0], low[:, 1])]
    return np.nan_to_num(np.max(p, axis=0), nan=1.0)


def _greater_p(a: FloatArray, b: FloatArray) -> FloatArray:
    """(n,) one-sided p of Welch's t test that `a` (n, r) exceeds `b`; NaN are left out."""
    means, errors, degrees = [], [], []
    for x in (a, b):
        count = np.isfinite(x).sum(axis=1)
        mean = _mean(x)
        spread = _mean(np.square(x - mean[:, None])) * count / np.maximum(count - 1, 1)
        means.append(mean)
        errors.append(spread / np.maximum(count, 1))
        degrees.append(np.maximum(count - 1, 1))
    error = errors[0] + errors[1]
    freedom = sum(np.square(e) / d for e, d in zip(errors, degrees, strict=True))
    t = np.divide(means[0] - means[1], np.sqrt(error), out=np.zeros(len(a)), where=error > 0)
    df = np.divide(np.square(error), freedom, out=np.ones(len(a)), where=freedom > 0)
    return np.asarray(stats.t.sf(t, df), dtype=float)
