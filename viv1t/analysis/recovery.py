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

PAIR_COLUMNS: Final = (
    *("quantity", "unit", "measure", "cells"),
    *("mouse", "neuron", "true", "recovered"),
)


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
        cells: which neurons count, in words.
        among: the same as a function of the rows; None: all.
        period: of an angle in degrees; None: no angle.
    """

    name: str
    unit: str
    table: str
    recovered: str | Callable[[pd.DataFrame], pd.Series]
    true: str | Callable[[pd.DataFrame], pd.Series]
    measure: Measure
    needs: tuple[str, ...] = ()
    cells: str = "all"
    among: Callable[[pd.DataFrame], pd.Series] | None = None
    period: float | None = None


# A disc that covers the receptive field: its radius over the sigma of the field (decisions.md).
COVERING: Final = 2.5


def _good(rows: pd.DataFrame) -> pd.Series:
    return ~rows["bad_fit"].astype(bool)


def _directional(rows: pd.DataFrame) -> pd.Series:
    return rows["direction_selectivity"] > 0.4


def _without_feedback(rows: pd.DataFrame) -> pd.Series:
    return rows["w_feedback"].eq(0)


def _isolated(rows: pd.DataFrame) -> pd.Series:
    return rows["w_feedback"].gt(0) & rows["isolated"].astype(bool)


def _latency_ms(rows: pd.DataFrame) -> pd.Series:
    return 1000 * (rows["feedback_latency_frames"] - rows["latency_frames"]) / rows["fps"]


_DIRECTION: Final = tuple(
    quantity
    for table, shown in (("selectivity", ""), ("gabor_selectivity", ", Gabors"))
    for quantity in (
        Quantity(
            name=f"Preferred orientation{shown}",
            unit="°",
            table=table,
            recovered="preferred_orientation_deg",
            true=lambda rows: rows["direction_deg"] % 180,
            measure="error",
            period=180.0,
        ),
        Quantity(
            name=f"Preferred direction{shown}",
            unit="°",
            table=table,
            recovered="preferred_direction_deg",
            true="direction_deg",
            measure="error",
            cells="true selectivity above .4",
            among=_directional,
            period=360.0,
        ),
        Quantity(
            name=f"Direction selectivity{shown}",
            unit="DSI",
            table=table,
            recovered="dsi",
            true="direction_selectivity",
            measure="rank",
        ),
    )
)
QUANTITIES: Final = (
    *(
        Quantity(
            name=f"Receptive field, {axis}",
            unit="px",
            table="aRF",
            recovered=f"{axis}_px",
            true=f"rf_{axis}_px",
            measure="error",
            needs=("bad_fit",),
            cells="good fits",
            among=_good,
        )
        for axis in ("x", "y")
    ),
    *_DIRECTION,
    Quantity(
        name="Suppression by size",
        unit="index",
        table="size_tuning",
        recovered="suppression_index",
        true="w_iso",
        measure="rank",
        cells="without feedback",
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
        cells="without feedback; disc covers the receptive field",
        among=_without_feedback,
    ),
    Quantity(
        name="Contrast flips",
        unit="interaction",
        table="contrast_flips",
        recovered="interaction",
        true="w_facilitation",
        measure="detection",
        cells="disc covers the receptive field",
    ),
    Quantity(
        name="Delay of feedback",
        unit="ms",
        table="response_onset",
        recovered=lambda rows: 1000 * rows["delay_s"],
        true=_latency_ms,
        measure="median",
        needs=("delay_s", "isolated"),
        cells="with feedback; hole spares the receptive field",
        among=_isolated,
    ),
)


def covering_discs(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """`tables` with one row a neuron in those of contextual modulation and contrast flips.

    That row is of the smallest disc that covers the receptive field (2.5 sigma), and of the
    highest contrast; neurons without such a disc are left out.

    Args:
        tables: name -> table.
    """
    found = dict(tables)
    modulation = found.get("contextual_modulation")
    if modulation is None or not {"contrast", "disc_ratio", "size_deg"} <= set(modulation):
        return found
    highest = modulation[modulation["contrast"].eq(modulation["contrast"].max())]
    covering = highest[highest["disc_ratio"] >= COVERING].sort_values("size_deg", kind="stable")
    chosen = covering.drop_duplicates(["mouse", "neuron"])
    found["contextual_modulation"] = chosen
    if "contrast_flips" in found:
        key = ["mouse", "neuron", "size_deg"]
        found["contrast_flips"] = found["contrast_flips"].merge(chosen[key], on=key)
    return found


def recovered_pairs(tables: Mapping[str, pd.DataFrame], truth: pd.DataFrame) -> pd.DataFrame:
    """One row a quantity and neuron: columns `PAIR_COLUMNS`; angles as near the truth as they go.

    Quantities whose table or columns are not there are left out, and so are undefined values.

    Args:
        tables: name -> table with columns mouse and neuron.
        truth: the true parameters with columns mouse and neuron, numbered as in the tables.
    """
    parts, one_size = [], covering_discs(tables)
    for quantity in QUANTITIES:
        table = one_size.get(quantity.table)
        if table is None or not _needed(quantity) <= set(table):
            continue
        rows = table.merge(truth, on=["mouse", "neuron"], suffixes=("", "_true"))
        if quantity.among is not None:
            rows = rows[quantity.among(rows)]
        pairs = rows[["mouse", "neuron"]].assign(
            quantity=quantity.name,
            unit=quantity.unit,
            measure=quantity.measure,
            cells=quantity.cells,
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
    """How well each quantity is recovered, one row each.

    Columns: quantity, measure, value, unit, p, n, num_mice, cells (which neurons count).
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
                "cells": group["cells"].iloc[0],
            }
        )
    columns = ["quantity", "measure", "value", "unit", "p", "n", "num_mice", "cells"]
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
