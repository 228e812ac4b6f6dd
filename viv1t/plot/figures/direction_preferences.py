"""What neurons prefer and how selective they are, in models and recordings."""

from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.analysis.agreement import (
    circular_correlation,
    selectivity_shares,
    shares_of_differences,
)
from viv1t.analysis.tuning_curves import circular_distance, preferred_bin
from viv1t.plot.axes import legend_below
from viv1t.plot.direction_sources import Chosen, DirectionComparison
from viv1t.plot.panels import bars_with_points, heat_table, step_histogram
from viv1t.plot.style import PAGE_MM, Plate, house_style, new_figure

# Lower edges of the published classes of selectivity.
CLASSES = (0.0, 0.3, 0.6)
CLASS_NAMES = ("0-.3", ".3-.6", "≥ .6")
PERIODS: Final = MappingProxyType({"direction": 360.0, "orientation": 180.0})


def preference_differences_figure(comparison: DirectionComparison) -> Plate:
    """How far preferred angles of the models are from those of the reference, and chance.

    Raises:
        ConfigError: there is nothing to compare with the reference, or no neuron is selective.
    """
    kinds, others = comparison.drawn(), comparison.needs_others()
    numbers: dict[str, pd.DataFrame] = {}
    said = []
    with house_style():
        figure = new_figure(PAGE_MM, 62 * len(kinds) + 8)
        panels = figure.subplots(len(kinds), 2, squeeze=False, width_ratios=[1.3, 1])
        for (left, right), tuning in zip(panels, kinds, strict=True):
            chosen = comparison.chosen(tuning)
            parts = {name: _differences(chosen, comparison, name, tuning) for name in others}
            table = pd.concat(parts.values(), ignore_index=True)
            groups = [f"{d:g}" for d in np.unique(table["difference_deg"])]
            bars_with_points(
                left,
                table.assign(
                    group=table["difference_deg"].map("{:g}".format), value=100 * table["share"]
                ),
                groups=groups,
                styles={name: comparison.styles[name] for name in others},
                quantity=("Neurons", "%"),
                chance=dict(zip(groups, 100 * table["chance"][: len(groups)], strict=True)),
            )
            left.set_xlabel(f"Difference of preferred {tuning} (°)")
            count = len(chosen[comparison.reference].table)
            left.set_title(f"{tuning.capitalize()}, n = {count} neurons")
            crosstab = _crosstab(chosen, comparison.reference, others[0], tuning)
            heat_table(
                right,
                crosstab,
                x=(f"Preferred {tuning}, {others[0]}", "°"),
                y=(f"Preferred {tuning}, {comparison.reference}", "°"),
                quantity=("Neurons", "%"),
                digits=0,
            )
            numbers[f"{tuning}_differences"] = table
            numbers[f"{tuning}_crosstab"] = crosstab.reset_index(names="reference_deg")
            said += [_said(chosen, comparison.reference, name, tuning) for name in others]
        legend_below(figure, *panels[:, 0])
    return Plate(
        figure,
        numbers,
        caption="Preferred angles (largest response) of neurons selective in "
        f"{comparison.reference}; dashed: if all angles were equally likely. By vector sums: "
        f"{'; '.join(said)}.",
    )


def _bins(chosen: Chosen, tuning: str) -> NDArray[np.float64]:
    return preferred_bin(chosen.curves(tuning), chosen.angles(tuning))


def _differences(
    chosen: dict[str, Chosen], comparison: DirectionComparison, name: str, tuning: str
) -> pd.DataFrame:
    """Shares of differences by mouse: label, mouse, difference_deg, count, share, chance."""
    reference, other = chosen[comparison.reference], chosen[name]
    step = float(np.diff(reference.directions[:2])[0])
    first, second = _bins(reference, tuning), _bins(other, tuning)
    parts = []
    for mouse in pd.unique(reference.mice):
        rows = reference.mice == mouse
        shares = shares_of_differences(
            first[rows], second[rows], period_deg=PERIODS[tuning], step_deg=step
        )
        parts.append(shares.assign(label=name, mouse=str(mouse)))
    return pd.concat(parts, ignore_index=True)


def _crosstab(chosen: dict[str, Chosen], reference: str, other: str, tuning: str) -> pd.DataFrame:
    """Percent of neurons by preferred angle of the reference (rows) and of the other (columns)."""
    angles = chosen[reference].angles(tuning)
    table = pd.crosstab(
        pd.Categorical(_bins(chosen[reference], tuning), angles),
        pd.Categorical(_bins(chosen[other], tuning), angles),
        normalize="all",
        dropna=False,
    )
    return pd.DataFrame(100 * table.to_numpy(), index=angles, columns=angles)


def _said(chosen: dict[str, Chosen], reference: str, other: str, tuning: str) -> str:
    """Median difference and correlation of the preferred angles by vector sums."""
    column = f"preferred_{tuning}_deg"
    first, second = (chosen[name].table[column] for name in (reference, other))
    gap = np.nanmedian(circular_distance(first, second, PERIODS[tuning]))
    r = circular_correlation(first, second, period_deg=PERIODS[tuning])
    return f"{other}, {tuning}: median difference {gap:.0f}°, circular correlation {r:.2f}"


def selectivity_distributions_figure(comparison: DirectionComparison) -> Plate:
    """Distributions of the indexes of all neurons, and shares of weak and strong ones."""
    tables = {name: of.table for name, of in comparison.chosen().items()}
    numbers: dict[str, pd.DataFrame] = {}
    said = []
    with house_style():
        figure = new_figure(PAGE_MM, 112)
        panels = figure.subplots(2, 2, squeeze=False)
        for (left, right), (index, tuning) in zip(
            panels, (("osi", "orientation"), ("dsi", "direction")), strict=True
        ):
            column = _column(tables, index)
            values = {name: table[column].to_numpy(float) for name, table in tables.items()}
            mice = {name: table["mouse"].to_numpy() for name, table in tables.items()}
            numbers[index] = step_histogram(
                left,
                values,
                np.linspace(0, 1, 21),
                styles=comparison.styles,
                quantity=(f"{tuning.capitalize()} selectivity", "1 - circular variance"),
                mice_by_group=mice,
            )
            numbers[f"{index}_classes"] = bars_with_points(
                right,
                _classes(tables, column),
                groups=CLASS_NAMES,
                styles=comparison.styles,
                quantity=("Neurons", "%"),
            )
            right.set_xlabel(f"{tuning.capitalize()} selectivity (1 - circular variance)")
            shares = ", ".join(
                f"{name} {t[f'{tuning}_selective'].mean():.0%}" for name, t in tables.items()
            )
            said.append(f"{tuning} selective: {shares}")
        legend_below(figure, *panels[:, 1])
    return Plate(
        figure,
        numbers,
        caption="Selectivity of all neurons, bias removed (as published: raw); thin lines and "
        f"points: mice. After control of false discoveries at 5 %, {'; '.join(said)}.",
    )


def _column(tables: dict[str, pd.DataFrame], index: str) -> str:
    """The unbiased index, or the raw one if some table was made as published."""
    known = all(table[f"{index}_unbiased"].notna().any() for table in tables.values())
    return f"{index}_unbiased" if known else index


def _classes(tables: dict[str, pd.DataFrame], column: str) -> pd.DataFrame:
    """Percent of neurons in each class: label, mouse, group, value."""
    rows = []
    for name, table in tables.items():
        for mouse, of_mouse in table.groupby("mouse"):
            shares = 100 * selectivity_shares(of_mouse[column], CLASSES)
            rows += [(name, mouse, *pair) for pair in zip(CLASS_NAMES, shares, strict=True)]
    return pd.DataFrame(rows, columns=["label", "mouse", "group", "value"])
