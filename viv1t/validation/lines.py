"""What each analysis must recover (science.md b3), measured on tables and truth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from viv1t.analysis.stats import auc

Rows: TypeAlias = pd.DataFrame
Relation: TypeAlias = Literal[">=", "<=", "within"]


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What a measured value must be.

    Attributes:
        relation: of the value to the limit; "within": between the two limits.
        limit: the limit.
        upper: the other limit of "within".
    """

    relation: Relation
    limit: float
    upper: float = np.nan

    def is_met(self, value: float) -> bool:
        """Whether `value` is as it must be; NaN never is."""
        if self.relation == "within":
            return self.limit <= value <= self.upper
        return value >= self.limit if self.relation == ">=" else value <= self.limit

    def __str__(self) -> str:
        if self.relation == "within":
            return f"{self.limit:g} to {self.upper:g}"
        return f"{self.relation} {self.limit:g}"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the proof.

    Attributes:
        name: analysis and measure.
        cells: which neurons count, in words.
        table: the table of results, joined with the truth.
        measure: of these rows; NaN if none counts.
        oracle: the tolerance for the populations themselves; None: reported only.
        end_to_end: for a model that was trained on recordings of them; None: not asked.
    """

    name: str
    cells: str
    table: str
    measure: Callable[[Rows], float]
    oracle: Bound | None
    end_to_end: Bound | None = None


def at_least(limit: float) -> Bound:
    """Values from `limit`."""
    return Bound(relation=">=", limit=limit)


def at_most(limit: float) -> Bound:
    """Values up to `limit`."""
    return Bound(relation="<=", limit=limit)


def angle_error(rows: Rows, found: str, true: str, period: float) -> NDArray[np.float64]:
    """Distances of two angles in degrees, each row with both."""
    both = rows[[found, true]].dropna().to_numpy(float)
    half = period / 2
    return np.abs((both[:, 0] - both[:, 1] + half) % period - half)


def same_bin(rows: Rows, found: str, true: str, period: float) -> float:
    """Share of rows whose angles are nearest to the same multiple of 45 degrees; NaN is wrong."""
    bins = np.round(rows[[found, true]].to_numpy(float) / 45) % (period / 45)
    return float(np.mean(bins[:, 0] == bins[:, 1])) if len(rows) else np.nan


def rank(rows: Rows, found: str, true: str) -> float:
    """Spearman's correlation of two columns."""
    both = rows[[found, true]].dropna()
    if len(both) < 3 or both.nunique().min() < 2:
        return np.nan
    return float(stats.spearmanr(both[found], both[true]).statistic)


def share(flags: pd.Series) -> float:
    """Share of true values; NaN of nothing."""
    return float(flags.astype(bool).mean()) if len(flags) else np.nan


def without_feedback(rows: Rows) -> Rows:
    """Cells without feedback."""
    return rows[rows["w_feedback"].eq(0)]


def centre_error(rows: Rows) -> NDArray[np.float64]:
    """Distance in pixels of found and true receptive fields, of good fits."""
    good = rows[~rows["bad_fit"].astype(bool)]
    x, y = (good[f"{axis}_px"].to_numpy(float) - good[f"rf_{axis}_px"] for axis in "xy")
    return np.hypot(x.to_numpy(), y.to_numpy())


def median(values: NDArray[np.float64]) -> float:
    """The median; NaN of nothing."""
    return float(np.median(values)) if len(values) else np.nan


def sigma_error(rows: Rows) -> float:
    """Median relative error of the sigma of the envelope (mean of both axes), of good fits."""
    good = rows[~rows["bad_fit"].astype(bool)]
    found = np.sqrt(good["sigma_x_px"] * good["sigma_y_px"])
    return float(np.median(np.abs(found / good["rf_sigma_px"] - 1))) if len(good) else np.nan


def _directional(rows: Rows) -> Rows:
    return rows[rows["direction_selectivity"] > 0.4]


def _sign(rows: Rows) -> float:
    clear = rows[rows["true_cmi"].abs() > 0.05]
    return share(np.sign(clear["cmi"]) == np.sign(clear["true_cmi"]))


def _precision(rows: Rows) -> float:
    return share(rows.loc[rows["flip"].astype(bool), "w_facilitation"] > 0)


def _recall(rows: Rows) -> float:
    return share(rows.loc[rows["w_facilitation"] > 0, "flip"])


def _delay_ms(rows: Rows) -> float:
    chosen = rows[rows["w_feedback"].gt(0) & rows["isolated"].astype(bool)]
    return 1000 * float(chosen["delay_s"].median())


def _tuned_auc(rows: Rows) -> float:
    known = rows.dropna(subset=["iti"])
    return auc(known["iti"].to_numpy(float), known["w_feedback"].to_numpy() > 0)


def _size_error(rows: Rows) -> pd.Series:
    return (rows["classical_deg"] - rows["true_classical_deg"]).abs()


LINES: Final = (
    Line(
        name="preferred orientation: median error (deg)",
        cells="all",
        table="selectivity",
        measure=lambda r: median(angle_error(r, "preferred_orientation_deg", "direction_deg", 180)),
        oracle=at_most(5),
        end_to_end=at_most(15),
    ),
    Line(
        name="preferred orientation: share in the exact bin",
        cells="all",
        table="selectivity",
        measure=lambda r: same_bin(r, "preferred_orientation_deg", "direction_deg", 180),
        oracle=at_least(0.9),
    ),
    Line(
        name="preferred direction: share in the exact bin",
        cells="ds > .4, without feedback",
        table="selectivity",
        measure=lambda r: same_bin(
            _directional(without_feedback(r)), "preferred_direction_deg", "direction_deg", 360
        ),
        oracle=at_least(0.9),
        end_to_end=at_least(0.7),
    ),
    Line(
        name="direction index: rank correlation with ds",
        cells="all",
        table="selectivity",
        measure=lambda r: rank(r, "dsi", "direction_selectivity"),
        oracle=at_least(0.85),
    ),
    Line(
        name="orientation index: correlation with the truth",
        cells="all",
        table="selectivity",
        measure=lambda r: float(r["osi"].corr(r["true_osi"])),
        oracle=None,
        end_to_end=at_least(0.6),
    ),
    Line(
        name="receptive field, spike-triggered average: median error (px)",
        cells="simple fraction > .5",
        table="aRF_sta",
        measure=lambda r: median(centre_error(r[r["simple_fraction"] > 0.5])),
        oracle=at_most(1.5),
    ),
    Line(
        name="receptive field: median error (px)",
        cells="good fits",
        table="aRF",
        measure=lambda r: median(centre_error(r)),
        oracle=at_most(1),
    ),
    Line(
        name="receptive field: share within 3 px",
        cells="all; bad fits count as wrong",
        table="aRF",
        measure=lambda r: float((centre_error(r) <= 3).sum() / len(r)),
        oracle=at_least(0.9),
        end_to_end=at_least(0.7),
    ),
    Line(
        name="receptive field: share accepted",
        cells="all",
        table="aRF",
        measure=lambda r: share(~r["bad_fit"].astype(bool)),
        oracle=at_least(0.8),
    ),
    Line(
        name="maps of noise alone: share rejected",
        cells="all",
        table="aRF_noise",
        measure=lambda r: share(r["bad_fit"]),
        oracle=at_least(0.95),
    ),
    Line(
        name="receptive field, sigma: median relative error",
        cells="good fits",
        table="aRF",
        measure=sigma_error,
        oracle=at_most(0.25),
    ),
    Line(
        name="preferred size: share within 10 deg of the true optimum",
        cells="all",
        table="size_tuning",
        measure=lambda r: share(_size_error(r) <= 10),
        oracle=at_least(0.9),
    ),
    Line(
        name="preferred size: share within 20 deg of the true optimum",
        cells="all",
        table="size_tuning",
        measure=lambda r: share(_size_error(r) <= 20),
        oracle=None,
        end_to_end=at_least(0.9),
    ),
    Line(
        name="suppression index: rank correlation with the iso surround",
        cells="without feedback",
        table="size_tuning",
        measure=lambda r: rank(without_feedback(r), "suppression_index", "w_iso"),
        oracle=at_least(0.75),
    ),
    Line(
        name="inverse tuning index: AUC of feedback",
        cells="all",
        table="size_tuning",
        measure=_tuned_auc,
        oracle=at_least(0.95),
        end_to_end=at_least(0.7),
    ),
    Line(
        name="inverse optimum at size 0: share",
        cells="without feedback",
        table="size_tuning",
        measure=lambda r: share(without_feedback(r)["inverse_deg"].lt(10)),
        oracle=at_least(0.9),
    ),
    Line(
        name="inverse tuned: share",
        cells="with feedback",
        table="size_tuning",
        measure=lambda r: share(r.loc[r["w_feedback"] > 0, "inverse_tuned"]),
        oracle=None,
    ),
    Line(
        name="classical tuned: sensitivity",
        cells="all",
        table="size_tuning",
        measure=lambda r: share(r["classical_tuned"]),
        oracle=at_least(0.9),
    ),
    Line(
        name="contextual modulation: share with the right sign",
        cells="|true index| > .05",
        table="contextual_modulation",
        measure=_sign,
        oracle=at_least(0.9),
    ),
    Line(
        name="contextual modulation: rank correlation with the iso surround",
        cells="without feedback",
        table="contextual_modulation",
        measure=lambda r: rank(without_feedback(r), "cmi", "w_iso"),
        oracle=at_least(0.75),
        end_to_end=at_least(0.4),
    ),
    Line(
        name="contextual modulation: sign of the median as in truth",
        cells="all",
        table="contextual_modulation",
        measure=lambda r: float(np.sign(r["cmi"].median()) == np.sign(r["true_cmi"].median())),
        oracle=at_least(1),
        end_to_end=at_least(1),
    ),
    Line(
        name="contrast flips: precision",
        cells="all",
        table="contrast_flips",
        measure=_precision,
        oracle=at_least(0.8),
    ),
    Line(
        name="contrast flips: recall",
        cells="all",
        table="contrast_flips",
        measure=_recall,
        oracle=at_least(0.8),
    ),
    Line(
        name="delay of feedback: median (ms)",
        cells="with feedback, hole >= 2.5 sigma",
        table="response_onset",
        measure=_delay_ms,
        oracle=Bound(relation="within", limit=75, upper=125),
        end_to_end=at_least(0),
    ),
)


def measure(
    tables: Mapping[str, Rows],
    truth: Rows,
    *,
    lines: Sequence[Line] = LINES,
) -> pd.DataFrame:
    """One row a line whose table is there: line, cells, value, num_neurons.

    Args:
        tables: name -> table of one or several mice.
        truth: columns mouse and neuron, the true parameters and, where lines need them, true_cmi,
            true_classical_deg and true_osi.
        lines: to measure.
    """
    rows = []
    for line in lines:
        if line.table not in tables:
            continue
        merged = tables[line.table].merge(truth, on=["mouse", "neuron"], suffixes=("", "_true"))
        value = float(line.measure(merged)) if len(merged) else np.nan
        rows.append((line.name, line.cells, value, len(merged)))
    return pd.DataFrame(rows, columns=["line", "cells", "value", "num_neurons"])
