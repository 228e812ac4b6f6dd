"""Gratings with surrounds at two contrasts, recorded: indices, and neurons that flip."""

from dataclasses import replace
from typing import Final, Literal, TypeAlias, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from viv1t.analysis.contextual import contextual_modulation, modulation_index
from viv1t.analysis.flips import THRESHOLD, exceeds, flips_as_published
from viv1t.analysis.stats import FloatArray, benjamini_hochberg, permutation_p
from viv1t.errors import DataError
from viv1t.experiments.contextual_responses import grey_of
from viv1t.experiments.discs import SIZE
from viv1t.experiments.table import ResponseTable
from viv1t.in_vivo.session import Session
from viv1t.names import SURROUND_KINDS

# What is shown to animals; the fourth kind, opposite phase, is not.
KINDS: Final = SURROUND_KINDS[:3]
NUM_SHUFFLES: Final = 100
ALPHA: Final = 0.05
Definition: TypeAlias = Literal["cross-validated", "published"]
DEFINITIONS: Final[tuple[Definition, ...]] = ("cross-validated", "published")


def grating_responses(table: ResponseTable) -> ResponseTable:
    """The responses to gratings with surrounds, conditions with a column kind.

    Args:
        table: of a session, or of predictions for it, see `session.responses_of`.

    Raises:
        DataError: there are none, or not all kinds at two contrasts.
    """
    kinds = table.conditions["kind"]
    shown = kinds.isin(KINDS)
    found = set(zip(kinds[shown], table.conditions.loc[shown, "contrast"], strict=True))
    contrasts = {contrast for _, contrast in found}
    if len(found) < 2 * len(KINDS) or len(found) != len(contrasts) * len(KINDS):
        listed = ", ".join(f"{kind} at {contrast:g}" for kind, contrast in sorted(found))
        raise DataError(
            f"expected gratings with surrounds {', '.join(KINDS)} at two contrasts or more, found "
            f"{listed or 'none'}; in_vivo_analysis/grating_contextual_modulation/make_gratings.py "
            "makes them"
        )
    shown_table = table.select(kind=list(KINDS))
    # One disc: what the size is does not matter, only that it is stated.
    return replace(shown_table, conditions=shown_table.conditions.assign(**{SIZE: 0.0}))


def samples_of(
    table: ResponseTable, *, above_grey: bool = True
) -> tuple[FloatArray, pd.DataFrame, FloatArray]:
    """Responses to each presentation, by contrast and surround.

    Returns (n, k, r) means over the stimulus, NaN where a condition has fewer presentations, in
    the order in which they were shown; k conditions: contrast, kind, size (0: one disc); and the
    response to grey (n,), 0 unless `above_grey`. Directions stand together, as published.

    Args:
        table: of `grating_responses`.
        above_grey: the response to grey is wanted.
    """
    assert table.amplitude is not None
    of_shown = table.conditions[["contrast", "kind"]].iloc[table.presentations["condition"]]
    places = by_condition(of_shown)
    samples = np.full(
        (len(table.neurons), len(places), max(map(len, places.values()))), np.nan, dtype=float
    )
    for column, rows in enumerate(places.values()):
        samples[:, column, : len(rows)] = table.amplitude[:, rows]
    keys = pd.DataFrame(list(places), columns=["contrast", "kind"]).assign(size=0.0)
    grey = grey_of(table) if above_grey else np.zeros(len(samples))
    return samples, keys, grey


def by_condition(shown: pd.DataFrame) -> dict[tuple[float, str], NDArray[np.int64]]:
    """(contrast, kind) -> rows of the presentations that showed it, contrasts ascending.

    Args:
        shown: contrast and kind of each presentation.
    """
    groups = shown.reset_index(drop=True).groupby(["contrast", "kind"]).indices
    found: dict[tuple[float, str], NDArray[np.int64]] = {}
    for key, rows in groups.items():
        contrast, kind = cast("tuple[float, str]", key)
        found[float(contrast), str(kind)] = np.asarray(rows)
    return found


def single_traces(session: Session) -> tuple[FloatArray, list[tuple[float, str]]]:
    """Responses (n, k, r, t) while a grating is on, and (contrast, kind) of the k conditions.

    NaN where a condition has fewer presentations.

    Args:
        session: the day.
    """
    shown = session.presentations.join(session.conditions[["contrast", "kind"]], on="condition")
    shown = shown[shown["kind"].isin(KINDS)].reset_index(drop=True)
    on = session.timing.stimulus
    rows, of_trial = [], dict(iter(shown.groupby("trial")["onset"]))
    for trial, values in session.responses():
        rows += [values[:, start : start + on] for start in of_trial.get(trial, ())]
    places = by_condition(shown)
    most = max(map(len, places.values()))
    found = np.full((session.facts.num_neurons, len(places), most, on), np.nan)
    for column, chosen in enumerate(places.values()):
        for repeat, row in enumerate(chosen):
            found[:, column, repeat] = rows[row]
    return found, list(places)


def modulation(
    samples: FloatArray, conditions: pd.DataFrame, grey: FloatArray, *, rng: np.random.Generator
) -> pd.DataFrame:
    """`analysis.contextual.contextual_modulation` of recorded samples; what was not shown is NaN.

    Presentations beyond the number that all conditions have are left out; missing neurons (NaN)
    have no row.

    Args:
        samples: (n, k, r) of `samples_of`.
        conditions: k rows: contrast, kind, size.
        grey: (n,) response to grey.
        rng: random numbers of the intervals.
    """
    fewest = int(np.isfinite(samples).any(axis=0).sum(axis=1).min())
    whole = samples[..., :fewest]
    known = np.flatnonzero(np.isfinite(whole).all(axis=(1, 2)))
    absent = conditions[["contrast", "size"]].drop_duplicates().assign(kind=SURROUND_KINDS[3])
    filled = np.concatenate(
        [whole[known], np.full((len(known), len(absent), fewest), np.nan)], axis=1
    )
    found = contextual_modulation(
        filled,
        pd.concat([conditions, absent], ignore_index=True),
        baseline=grey[known],
        rng=rng,
    )
    return found.assign(row=known[found["row"]])


def two_contrasts(
    samples: FloatArray, conditions: pd.DataFrame, grey: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Responses above grey (n, 2, r) to iso and cross surrounds, at high and at low contrast.

    Args:
        samples: (n, k, r) of `samples_of`.
        conditions: k rows.
        grey: (n,).
    """
    above = samples - grey[:, None, None]
    ends = conditions["contrast"].max(), conditions["contrast"].min()
    high, low = (
        np.stack(
            [
                above[:, ((conditions["kind"] == kind) & (conditions["contrast"] == end)).argmax()]
                for kind in ("iso", "cross")
            ],
            axis=1,
        )
        for end in ends
    )
    return high, low


def flips(
    high: ArrayLike, low: ArrayLike, *, threshold: float = THRESHOLD, alpha: float = ALPHA
) -> pd.DataFrame:
    """One row a neuron: does its preference flip from cross at high to iso at low contrast?

    Columns: cmi_high, cmi_low; published: the published rule on the means of all presentations,
    with no test; selected: that rule holds in the odd or in the even presentations; p: of a flip
    in the half that did not select, the larger of two one-sided Welch tests (cross > iso at high,
    iso > cross at low contrast); q: its false-discovery rate over the neurons that the other half
    selected, twice the smaller of both halves; flip: q <= `alpha`. Neurons that no half selects
    have p and q of 1. No test sees a presentation that selected the neuron, and as the halves are
    independent, neurons that were not selected do not count.

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
    95 % range of the share when the two contrasts are shuffled (see `shuffled`); p: that shuffled
    contrasts give as many.

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
    draws = [flips(*shuffled(*contrasts, rng=rng), threshold=threshold) for _ in range(num)]
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
            }
        )
    return pd.DataFrame(rows)


def shuffled(
    high: FloatArray, low: FloatArray, *, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """The presentations of both contrasts of each neuron and surround, dealt out at random.

    Args:
        high: (n, 2, r), NaN: fewer presentations.
        low: the same.
        rng: deals.
    """
    pooled = rng.permuted(np.concatenate([high, low], axis=2), axis=2)
    return pooled[..., : high.shape[2]], pooled[..., high.shape[2] :]


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
        means = [_mean(x) if skip_missing else x.mean(axis=2) for x in shuffled(high, low, rng=rng)]
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
