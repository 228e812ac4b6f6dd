"""Responses to gratings with surrounds at two contrasts, by presentation, and their indices."""

from dataclasses import replace
from typing import Final, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.analysis.contextual import contextual_modulation
from viv1t.analysis.stats import FloatArray
from viv1t.errors import DataError
from viv1t.experiments.contextual_responses import grey_of
from viv1t.experiments.discs import SIZE
from viv1t.experiments.table import ResponseTable
from viv1t.in_vivo.session import Session
from viv1t.names import SURROUND_KINDS

# What is shown to animals; the fourth kind, opposite phase, is not.
KINDS: Final = SURROUND_KINDS[:3]


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
    low, high = (
        pair_of(samples, conditions, grey, contrast=end, kinds=("iso", "cross"))
        for end in ends_of(conditions)
    )
    return high, low


def ends_of(conditions: pd.DataFrame) -> tuple[float, float]:
    """The lowest and the highest contrast."""
    return float(conditions["contrast"].min()), float(conditions["contrast"].max())


def pair_of(
    samples: FloatArray,
    conditions: pd.DataFrame,
    grey: FloatArray,
    *,
    contrast: float,
    kinds: tuple[str, str],
) -> FloatArray:
    """Responses above grey (n, 2, r) to two kinds of gratings at one contrast.

    Args:
        samples: (n, k, r) of `samples_of`.
        conditions: k rows.
        grey: (n,).
        contrast: of the gratings.
        kinds: of `KINDS`.
    """
    rows = [
        int(((conditions["kind"] == kind) & (conditions["contrast"] == contrast)).argmax())
        for kind in kinds
    ]
    found: FloatArray = samples[:, rows] - grey[:, None, None]
    return found
