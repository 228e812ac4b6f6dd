"""Surrounds that a twin chose or made, shown to the twin and to the population behind it."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from viv1t.analysis.stats import TestResult
from viv1t.plot.axes import label, legend_below
from viv1t.plot.panels import corner_text, significance
from viv1t.plot.style import (
    BLUE,
    FAINT,
    INK,
    ORANGE,
    PAGE_MM,
    RECORDED,
    VERMILION,
    ModelStyle,
    Plate,
    house_style,
    new_figure,
)

ORIGIN_STYLES: Final[Mapping[str, ModelStyle]] = MappingProxyType(
    {
        "grating": ModelStyle(BLUE, "s"),
        "natural": ModelStyle(ORANGE, "D"),
        "generated": ModelStyle(VERMILION, "o"),
    }
)
_TITLES: Final = MappingProxyType({"excite": "most exciting", "inhibit": "most inhibiting"})
_SHARES: Final = MappingProxyType({"same_order": "all", "same_top": "best", "pairs_hold": "pairs"})
_RELATIVE: Final = ("Response", "of centre alone")


def twin_and_truth_figure(table: pd.DataFrame, tests: pd.DataFrame, shares: pd.DataFrame) -> Plate:
    """Responses to surrounds of equal contrast under twin and truth; one row of panels a goal.

    Args:
        table: mouse, neuron, goal, kind ("none" is the centre alone), twin and truth; at least one
            neuron with all kinds.
        tests: of `analysis.rankings.kind_tests`, responders "twin" and "truth".
        shares: of `analysis.rankings.agreement`.
    """
    kinds = tuple(kind for kind in ORIGIN_STYLES if kind in set(table["kind"]))
    goals = list(shares["goal"])
    relative = relative_to_centre(table, kinds)
    with house_style():
        figure = new_figure(PAGE_MM, 58 * len(goals) + 6)
        panels = figure.subplots(len(goals), 4, squeeze=False, width_ratios=(1.2, 1.2, 1, 0.75))
        for row, goal in zip(panels, goals, strict=True):
            of_goal = relative[relative["goal"] == goal]
            for axes, name in zip(row[:2], ("twin", "truth"), strict=True):
                _joined(axes, of_goal, name, kinds)
                chosen = (tests["responder"] == name) & (tests["goal"] == goal)
                _brackets(axes, tests[chosen], kinds)
                axes.set_title(f"{name.capitalize()}: {_TITLES.get(goal, goal)}")
            _scatter(row[2], of_goal, kinds)
            _bars(row[3], shares[shares["goal"] == goal].iloc[0], len(kinds))
        legend_below(figure, *panels[:, 2])
    caption = (
        "Surrounds of one RMS contrast and mean around a fixed centre, each the best for the twin: "
        "of gratings, of natural clips, generated. Left: responses of the twin and of the "
        "population it was trained on, divided by those to the centre alone; a line a neuron, bars "
        "are medians, stars are Wilcoxon tests, the three pairs corrected after Holm. Right: both "
        "against each other, and neurons in which the order found in the twin holds in the truth: "
        "of all three, of the best, of pairs; dashes: by chance."
    )
    numbers = {"responses": relative, "tests": tests, "shares": shares}
    return Plate(figure, numbers, caption)


def relative_to_centre(table: pd.DataFrame, kinds: Sequence[str]) -> pd.DataFrame:
    """Rows of `kinds` with twin and truth divided by the response to the centre alone.

    Args:
        table: as in `twin_and_truth_figure`.
        kinds: of surrounds.
    """
    key = ["mouse", "neuron", "goal"]
    centre = table[table["kind"] == "none"].set_index(key)[["twin", "truth"]]
    rows = table[table["kind"].isin(kinds)].join(centre.add_suffix("_centre"), on=key)
    for name in ("twin", "truth"):
        rows[name] = rows[name] / rows[f"{name}_centre"]
    return rows[[*key, "kind", "twin", "truth"]].reset_index(drop=True)


def _joined(axes: Axes, rows: pd.DataFrame, name: str, kinds: Sequence[str]) -> None:
    """A line a neuron over the kinds, and the median of each kind."""
    wide = rows.pivot(index=["mouse", "neuron"], columns="kind", values=name)[list(kinds)]
    places = np.arange(len(kinds))
    lines = [np.column_stack([places, values]) for values in wide.to_numpy(float)]
    axes.add_collection(LineCollection(lines, colors=FAINT, linewidths=0.7, zorder=1))
    for place, kind in enumerate(kinds):
        values, style = wide[kind].to_numpy(float), ORIGIN_STYLES[kind]
        axes.plot(
            np.full(len(values), place),
            values,
            marker=style.marker,
            markersize=2.8,
            markeredgewidth=0,
            color=style.colour,
            alpha=0.7,
            linestyle="none",
            zorder=3,
            label="_neurons",
        )
        median = float(np.nanmedian(values))
        axes.plot([place - 0.25, place + 0.25], [median] * 2, color=INK, linewidth=1.6, zorder=4)
    axes.axhline(1.0, color=RECORDED, linewidth=0.7, linestyle=(0, (4, 2)), zorder=0)
    axes.set_xticks(places, list(kinds))
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.5, len(kinds) - 0.5)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    label(axes, y=_RELATIVE)


def _brackets(axes: Axes, tests: pd.DataFrame, kinds: Sequence[str]) -> None:
    """Stars of the corrected p values, short brackets first."""
    place = {kind: number for number, kind in enumerate(kinds)}
    found = {frozenset((t["first"], t["second"])): t for t in tests.to_dict("records")}
    for first, second in sorted(combinations(kinds, 2), key=lambda p: place[p[1]] - place[p[0]]):
        row = found[frozenset((first, second))]
        test = TestResult(
            name="Wilcoxon signed-rank test",
            statistic=row["statistic"],
            p=row["p_holm"],
            n=row["n"],
            effect=row["effect"],
            effect_name="rank-biserial r",
        )
        significance(axes, place[first], place[second], test)


def _scatter(axes: Axes, rows: pd.DataFrame, kinds: Sequence[str]) -> None:
    ends = np.nanmax(rows[["twin", "truth"]].to_numpy(float)) * 1.08
    axes.plot([0, ends], [0, ends], color=RECORDED, linewidth=0.8, zorder=0, label="_identity")
    for kind in kinds:
        chosen, style = rows[rows["kind"] == kind], ORIGIN_STYLES[kind]
        axes.plot(
            chosen["twin"],
            chosen["truth"],
            marker=style.marker,
            markersize=3.2,
            markeredgewidth=0,
            color=style.colour,
            alpha=0.75,
            linestyle="none",
            label=f"{kind} surround",
        )
    axes.set(xlim=(0, ends), ylim=(0, ends), aspect="equal", title="Both")
    axes.set_anchor("N")
    axes.locator_params(nbins=4)
    rho = rows[["twin", "truth"]].corr(method="spearman").to_numpy()[0, 1]
    text = f"n = {rows.groupby(['mouse', 'neuron']).ngroups}\nrank r = {rho:.2f}"
    corner_text(axes, text, right=True, top=False)
    label(axes, x=("Twin", "of centre"), y=("Truth", "of centre"))


def _bars(axes: Axes, shares: pd.Series, num_kinds: int) -> None:
    chance = (1 / np.prod(np.arange(1, num_kinds + 1)), 1 / num_kinds, 1 / 2)
    for place, (name, level) in enumerate(zip(_SHARES, chance, strict=True)):
        axes.bar([place], [100 * shares[name]], width=0.62, color=INK, alpha=0.55)
        ends = [place - 0.4, place + 0.4]
        axes.plot(ends, [100 * level] * 2, color=VERMILION, linewidth=1.2, linestyle=(0, (2, 1)))
    axes.set_xticks(range(len(_SHARES)), list(_SHARES.values()))
    axes.tick_params(axis="x", length=0)
    axes.set(ylim=(0, 105), title="Order holds")
    label(axes, y=("Neurons", "%"))
