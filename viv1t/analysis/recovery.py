"""What the analyses say of neurons whose tuning is known, beside that truth."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from viv1t.analysis.significance import two_sample_test
from viv1t.analysis.stats import auc

Measure: TypeAlias = Literal["error", "rank", "detection", "median"]

PAIR_COLUMNS: Final = ("quantity", "unit", "measure", "mouse", "neuron", "true", "recovered")


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A number that an analysis finds and that the synthetic population knows.

    Attributes:
        name: what it is.
        unit: of what was recovered.
        table: the table of results that holds it.
        recovered: its column, or a function of the rows of table and truth.
        true: the column of the truth, or a function of the rows.
        measure: how well it is recovered: "error", the median distance; "rank", Spearman's
            correlation; "detection", the area under the ROC curve for truths above 0; "median",
            the difference of the medians.
        needs: columns of the table besides that of `recovered`.
        among: which rows count; None: all.
        period: of an angle in degrees; None: no angle.
    """

    name: str
    unit: str
    table: str
    recovered: str | Callable[[pd.DataFrame], pd.Series]
    true: str | Callable[[pd.DataFrame], pd.Series]
    measure: Measure
    needs: tuple[str, ...] = ()
    among: Callable[[pd.DataFrame], pd.Series] | None = None
    period: float | None = None


def _good(rows: pd.DataFrame) -> pd.Series:
    return ~rows["bad_fit"].astype(bool)


def _directional(rows: pd.DataFrame) -> pd.Series:
    return rows["direction_selectivity"] > 0.4


def _without_feedback(rows: pd.DataFrame) -> pd.Series:
    return rows["w_feedback"].eq(0)


def _with_feedback(rows: pd.DataFrame) -> pd.Series:
    return rows["w_feedback"].gt(0)


def _latency_ms(rows: pd.DataFrame) -> pd.Series:
    return 1000 * (rows["feedback_latency_frames"] - rows["latency_frames"]) / rows["fps"]


QUANTITIES: Final = (
    Quantity(
        name="Receptive field, x",
        unit="px",
        table="aRF",
        recovered="x_px",
        true="rf_x_px",
        measure="error",
        needs=("bad_fit",),
        among=_good,
    ),
    Quantity(
        name="Receptive field, y",
        unit="px",
        table="aRF",
        recovered="y_px",
        true="rf_y_px",
        measure="error",
        needs=("bad_fit",),
        among=_good,
    ),
    Quantity(
        name="Preferred orientation",
        unit="°",
        table="selectivity",
        recovered="preferred_orientation_deg",
        true=lambda rows: rows["direction_deg"] % 180,
        measure="error",
        period=180.0,
    ),
    Quantity(
        name="Preferred direction",
        unit="°",
        table="selectivity",
        recovered="preferred_direction_deg",
        true="direction_deg",
        measure="error",
        among=_directional,
        period=360.0,
    ),
    Quantity(
        name="Direction selectivity",
        unit="DSI",
        table="selectivity",
        recovered="dsi",
        true="direction_selectivity",
        measure="rank",
    ),
    Quantity(
        name="Suppression by size",
        unit="index",
        table="size_tuning",
        recovered="suppression_index",
        true="w_iso",
        measure="rank",
        among=_without_feedback,
    ),
    Quantity(
        name="Inverse tuning",
        unit="ITI",
        table="size_tuning",
        recovered="iti",
        true="w_feedback",
        measure="detection",
    ),
    Quantity(
        name="Contextual modulation",
        unit="CMI",
        table="contextual_modulation",
        recovered="cmi",
        true="w_iso",
        measure="rank",
        among=_without_feedback,
    ),
    Quantity(
        name="Delay of feedback",
        unit="ms",
        table="response_onset",
        recovered="delay_ms",
        true=_latency_ms,
        measure="median",
        among=_with_feedback,
    ),
)


def recovered_pairs(tables: Mapping[str, pd.DataFrame], truth: pd.DataFrame) -> pd.DataFrame:
    """One row a quantity and neuron: columns `PAIR_COLUMNS`; angles as near the truth as they go.

    Quantities whose table or columns are not there are left out, and so are undefined values.

    Args:
        tables: name -> table with columns mouse and neuron.
        truth: the true parameters with columns mouse and neuron, numbered as in the tables.
    """
    parts = []
    for quantity in QUANTITIES:
        table = tables.get(quantity.table)
        if table is None or not _needed(quantity) <= set(table):
            continue
        rows = table.merge(truth, on=["mouse", "neuron"], suffixes=("", "_true"))
        if quantity.among is not None:
            rows = rows[quantity.among(rows)]
        pairs = rows[["mouse", "neuron"]].assign(
            quantity=quantity.name,
            unit=quantity.unit,
            measure=quantity.measure,
            true=_values(rows, quantity.true),
            recovered=_values(rows, quantity.recovered),
        )
        pairs = pairs.replace([np.inf, -np.inf], np.nan).dropna(subset=["true", "recovered"])
        if quantity.period is not None:
            half = quantity.period / 2
            step = (pairs["recovered"] - pairs["true"] + half) % quantity.period - half
            pairs["recovered"] = pairs["true"] + step
        if len(pairs):
            parts.append(pairs[list(PAIR_COLUMNS)])
    if not parts:
        return pd.DataFrame(columns=list(PAIR_COLUMNS))
    return pd.concat(parts, ignore_index=True)


def _needed(quantity: Quantity) -> set[str]:
    column = quantity.recovered
    own = {column} if isinstance(column, str) else set()
    return {"mouse", "neuron", *quantity.needs} | own


def _values(rows: pd.DataFrame, column: str | Callable[[pd.DataFrame], pd.Series]) -> pd.Series:
    found = rows[column] if isinstance(column, str) else column(rows)
    return found.astype(np.float64)


def recovery_summary(pairs: pd.DataFrame) -> pd.DataFrame:
    """How well each quantity is recovered: quantity, measure, value, unit, p, n, num_mice.

    `p` tests rank correlations and detections (Mann-Whitney); it is NaN for errors.

    Args:
        pairs: what `recovered_pairs` gave.
    """
    rows = []
    for name, group in pairs.groupby("quantity", sort=False):
        true, recovered = (group[column].to_numpy(dtype=float) for column in ("true", "recovered"))
        measure, unit = group["measure"].iloc[0], group["unit"].iloc[0]
        text, value, p = _measured(measure, true, recovered)
        rows.append(
            {
                "quantity": name,
                "measure": text,
                "value": value,
                "unit": unit if measure in ("error", "median") else "",
                "p": p,
                "n": len(group),
                "num_mice": group["mouse"].nunique(),
            }
        )
    columns = ["quantity", "measure", "value", "unit", "p", "n", "num_mice"]
    return pd.DataFrame(rows, columns=columns)


def _measured(
    measure: Measure, true: NDArray[np.float64], recovered: NDArray[np.float64]
) -> tuple[str, float, float]:
    """Name and value of the measure, and its p value."""
    if measure == "error":
        return "median error", float(np.median(np.abs(recovered - true))), np.nan
    if measure == "median":
        return "median minus true", float(np.median(recovered) - np.median(true)), np.nan
    if measure == "detection":
        above, below = recovered[true > 0], recovered[true <= 0]
        if not len(above) or not len(below):
            return "AUC", np.nan, np.nan
        return "AUC", auc(recovered, true > 0), two_sample_test(above, below).p
    if len(true) < 3 or np.ptp(true) == 0 or np.ptp(recovered) == 0:
        return "Spearman r", np.nan, np.nan
    found = stats.spearmanr(true, recovered)
    return "Spearman r", float(found.statistic), float(found.pvalue)
