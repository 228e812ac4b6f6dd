"""Size tuning of classical and inverse receptive fields (Figure 3E of the paper)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from viv1t.analysis.significance import TestResult, one_sample_test, paired_test
from viv1t.plot.axes import label
from viv1t.plot.panels.curves import size_curve
from viv1t.plot.panels.distributions import box_and_dots, step_histogram
from viv1t.plot.panels.marks import significance
from viv1t.plot.style import (
    INK,
    PAGE_MM,
    RECORDED,
    VERMILION,
    ModelStyle,
    Plate,
    house_style,
    new_figure,
)

STYLES: Final[Mapping[str, ModelStyle]] = MappingProxyType(
    {"classical": ModelStyle(INK, "o", 4.0), "inverse": ModelStyle(VERMILION, "s", 3.0)}
)
# Keller, Roth & Scanziani (2020), digitised.
KELLER_DEG: Final = (0.0, *range(5, 95, 10))
KELLER: Final[Mapping[str, tuple[float, ...]]] = MappingProxyType(
    {
        "classical": (0.0009, 0.661, 0.766, 0.775, 0.604, 0.480, 0.321, 0.254, 0.269, 0.215),
        "inverse": (0.0009, 0.302, 0.734, 0.771, 0.774, 0.608, 0.427, 0.318, 0.258, 0.224),
    }
)


def size_tuning_figure(
    tuning: pd.DataFrame, curves: pd.DataFrame, *, labels: Sequence[str]
) -> Plate:
    """Mean curves, largest responses and inverse tuning index; one row of panels a source.

    Only classical tuned neurons are drawn, the same ones for both curves. Each neuron's curves are
    divided by its largest mean response to a disc.

    Args:
        tuning: table size_tuning with a column label.
        curves: table size_curves with a column label.
        labels: order of the sources.
    """
    tuned = tuning[tuning["classical_tuned"].astype(bool)]
    keys = ["label", "mouse", "neuron"]
    shown = curves.merge(tuned[keys], on=keys)
    discs = shown[shown["stimulus"] == "classical"].groupby(keys)["mean"].max()
    largest = discs.loc[list(shown[keys].itertuples(index=False, name=None))].to_numpy()
    shown = shown.assign(normalised=shown["mean"] / largest)
    numbers: dict[str, list[pd.DataFrame]] = {"curves": [], "iti": [], "tests": []}
    with house_style():
        figure = new_figure(PAGE_MM, 56 * len(labels) + 6)
        rows = figure.subplots(len(labels), 3, squeeze=False, width_ratios=(1.5, 1, 1.1))
        for (left, middle, right), name in zip(rows, labels, strict=True):
            of_source = tuned[tuned["label"] == name]
            left.set_title(f"{name}, classical tuned neurons: {len(of_source)}")
            of_curves = shown[shown["label"] == name]
            numbers["curves"].append(_curves(left, of_curves, of_source).assign(label=name))
            tests = _boxes(middle, of_source)
            numbers["iti"].append(_index(right, of_source, tests).assign(label=name))
            numbers["tests"].append(_as_rows(tests).assign(label=name))
        handles, texts = rows[0, 0].get_legend_handles_labels()
        figure.legend(handles, texts, loc="outside lower center", ncols=len(texts))
    caption = (
        "Responses to discs of grating (classical) and to grey holes in a grating (inverse). "
        "Triangles: median preferred size. Dashed: mouse V1 (Keller et al. 2020, digitised; median "
        "preferred sizes 11.7° and 24.2°)."
    )
    return Plate(figure, {name: pd.concat(parts) for name, parts in numbers.items()}, caption)


def _curves(axes: Axes, curves: pd.DataFrame, tuned: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for stimulus, style in STYLES.items():
        axes.plot(
            KELLER_DEG,
            KELLER[stimulus],
            color=style.colour,
            alpha=0.45,
            linestyle=(0, (3, 2)),
            linewidth=0.9,
            label=f"{stimulus}, Keller et al.",
            zorder=1,
        )
        of_stimulus = curves[curves["stimulus"] == stimulus]
        if of_stimulus.empty:
            continue
        groups = of_stimulus.groupby("size_deg")["normalised"]
        mean, sem = groups.mean(), groups.sem()
        size_curve(
            axes,
            mean.index,
            mean,
            sem,
            style,
            name=stimulus,
            median_deg=float(tuned[f"{stimulus}_deg"].median()),
        )
        for mouse, of_mouse in of_stimulus.groupby("mouse"):
            line = of_mouse.groupby("size_deg")["normalised"].mean()
            rows.append(line.reset_index(name="mean").assign(mouse=mouse, stimulus=stimulus))
            if of_stimulus["mouse"].nunique() > 1:
                axes.plot(line.index, line, color=style.colour, linewidth=0.6, linestyle=":")
        whole = pd.DataFrame({"mean": mean, "sem": sem}).reset_index()
        rows.append(whole.assign(mouse="all", stimulus=stimulus))
    axes.set_ylim(bottom=0)
    label(axes, x=("Stimulus size", "°"), y=("Response", "share of largest to a disc"))
    return pd.concat(rows) if rows else pd.DataFrame(columns=["size_deg", "mean", "sem"])


def _boxes(axes: Axes, tuned: pd.DataFrame) -> dict[str, TestResult]:
    """Largest responses, inverse tuned or not, and the tests of what is drawn here."""
    groups = {name: tuned[name] for name in STYLES}
    highest = tuned[list(STYLES)].quantile(0.98).max() if len(tuned) else 1.0
    box_and_dots(
        axes,
        groups,
        styles=STYLES,
        quantity=("Response to the best size", "a.u."),
        limits=(0.0, 1.25 * float(highest)),
    )
    test = paired_test(tuned["inverse"], tuned["classical"])
    significance(axes, 0, 1, test, y=1.08 * float(highest))
    return {
        "inverse - classical": test,
        "inverse tuning index - .5": one_sample_test(tuned["iti"], value=0.5),
    }


def _index(axes: Axes, tuned: pd.DataFrame, tests: dict[str, TestResult]) -> pd.DataFrame:
    axes.axvline(0.5, color=RECORDED, linestyle=(0, (4, 2)), linewidth=0.8, zorder=1)
    groups = {
        "all": tuned["iti"],
        "inverse tuned": tuned.loc[tuned["inverse_tuned"].astype(bool), "iti"],
    }
    styles = {"all": STYLES["classical"], "inverse tuned": STYLES["inverse"]}
    table = step_histogram(
        axes,
        groups,
        np.linspace(0, 1, 16),
        styles=styles,
        quantity=("Inverse tuning index", "0 disc .. 1 hole"),
    )
    test = tests["inverse tuning index - .5"]
    share = 100 * len(groups["inverse tuned"]) / max(1, len(tuned))
    text = f"{share:.0f} % inverse tuned; index against .5: {test.p_text}"
    axes.set_title(text, loc="right", fontsize=6, fontweight="normal", pad=8)
    axes.set_ylim(0, 100)
    return table


def _as_rows(tests: dict[str, TestResult]) -> pd.DataFrame:
    """One row a test."""
    rows = [
        (name, test.name, test.statistic, test.p, test.n, test.effect, test.effect_name)
        for name, test in tests.items()
    ]
    columns = ["comparison", "test", "statistic", "p", "n", "effect", "effect_name"]
    return pd.DataFrame(rows, columns=columns)
