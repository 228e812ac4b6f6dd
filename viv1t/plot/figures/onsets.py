"""When responses to discs and to holes begin (Figure 3F of the paper)."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from viv1t.analysis.significance import TestResult, paired_test
from viv1t.analysis.stats import Estimate, hierarchical_bootstrap
from viv1t.plot.axes import label
from viv1t.plot.figures.size_tuning import STYLES
from viv1t.plot.panels.curves import trace_band
from viv1t.plot.panels.distributions import box_and_dots
from viv1t.plot.panels.marks import corner_text, median_triangle, significance
from viv1t.plot.panels.paired import paired_scatter
from viv1t.plot.style import INK, PAGE_MM, ModelStyle, Plate, house_style, new_figure
from viv1t.rng import child

MS: Final = 1000.0
# Keller, Roth & Scanziani (2020): 15 neurons, mean and standard error.
KELLER_MS: Final = (50.0, 20.0)


def onset_figure(onsets: pd.DataFrame, traces: pd.DataFrame, *, labels: Sequence[str]) -> Plate:
    """Onsets against each other, mean responses and onsets as boxes; one row of panels a source.

    Args:
        onsets: rows of table response_onset that a delay can be read from, with a column label.
        traces: table onset_traces with a column label; only neurons of `onsets` are drawn.
        labels: order of the sources.
    """
    numbers: dict[str, list[pd.DataFrame]] = {"onsets": [onsets], "traces": [], "delays": []}
    keys = ["label", "mouse", "neuron"]
    chosen = traces.merge(onsets[keys], on=keys)
    with house_style():
        figure = new_figure(PAGE_MM, 54 * len(labels) + 4)
        rows = figure.subplots(len(labels), 3, squeeze=False, width_ratios=(1, 1.3, 1))
        for (left, middle, right), name in zip(rows, labels, strict=True):
            of_source = onsets[onsets["label"] == name]
            left.set_title(f"{name}, neurons with both fields: {len(of_source)}")
            _pairs(left, of_source)
            of_traces = chosen[chosen["label"] == name]
            numbers["traces"].append(_traces(middle, of_traces, of_source).assign(label=name))
            numbers["delays"].append(_boxes(right, of_source).assign(label=name))
    caption = (
        "Onset of responses to a disc (classical) and to a hole (inverse): 25 % of each response's "
        "own peak, interpolated. Keller et al. (2020) saw a delay of 50 ± 20 ms."
    )
    return Plate(figure, {name: pd.concat(parts) for name, parts in numbers.items()}, caption)


def _pairs(axes: Axes, onsets: pd.DataFrame) -> None:
    x, y = (MS * onsets[f"{name}_onset_s"].to_numpy(float) for name in STYLES)
    highest = np.nanmax([*x, *y]) if len(x) else 250.0
    paired_scatter(
        axes,
        x,
        y,
        style=ModelStyle(INK, "o"),
        x_quantity=("Onset, classical", "ms"),
        y_quantity=("Onset, inverse", "ms"),
        limits=(0.0, float(np.ceil(highest / 50) * 50 + 25)),
    )


def _traces(axes: Axes, traces: pd.DataFrame, onsets: pd.DataFrame) -> pd.DataFrame:
    """Mean responses over their own peaks, from 0.1 s before the stimulus to 0.5 s after."""
    rows = []
    near = traces[traces["time_s"].between(-0.1, 0.5)]
    for stimulus, style in STYLES.items():
        of_stimulus = near[near["stimulus"] == stimulus]
        if of_stimulus.empty:
            continue
        course = of_stimulus.pivot_table(index="time_s", columns=["mouse", "neuron"], values="mean")
        course -= course[course.index < 0].mean()
        course /= course.max()
        mean, sem = course.mean(axis=1), course.sem(axis=1)
        trace_band(axes, mean.index, mean, sem, style, (0.0, 0.5), name=stimulus)
        median_triangle(axes, float(onsets[f"{stimulus}_onset_s"].median()), style)
        table = pd.DataFrame({"mean": mean, "sem": sem}).reset_index()
        rows.append(table.assign(stimulus=stimulus))
    label(axes, x=("Time", "s"), y=("Response", "share of own peak"))
    if not rows:
        corner_text(axes, "no neuron with both fields")
        return pd.DataFrame(columns=["time_s", "mean", "sem", "stimulus"])
    axes.legend(loc="lower right")
    return pd.concat(rows)


def _boxes(axes: Axes, onsets: pd.DataFrame) -> pd.DataFrame:
    """Onsets as boxes; the median delay, its mean with an interval over mice, and the test."""
    groups = {name: MS * onsets[f"{name}_onset_s"] for name in STYLES}
    highest = max((g.max() for g in groups.values() if len(g)), default=250.0)
    box_and_dots(
        axes,
        groups,
        styles=STYLES,
        quantity=("Onset", "ms"),
        limits=(0.0, 1.45 * float(highest)),
    )
    test = paired_test(onsets["inverse_onset_s"], onsets["classical_onset_s"])
    if len(onsets) > 1:
        significance(axes, 0, 1, test, y=1.06 * float(highest))
    return _delay(axes, onsets, test)


def _delay(axes: Axes, onsets: pd.DataFrame, test: TestResult) -> pd.DataFrame:
    delays = MS * onsets["delay_s"].to_numpy(float)
    if not len(delays):
        columns = ["median_ms", "mean_ms", "low_ms", "high_ms", "num_neurons", "num_mice", "p"]
        return pd.DataFrame(columns=columns)
    mean: Estimate = hierarchical_bootstrap(delays, onsets["mouse"], rng=child(0, "delay"))
    interval = f"\nmean [{mean.low:.0f}, {mean.high:.0f}] ms\n{test.p_text}"
    text = f"median delay {np.median(delays):.0f} ms{interval if len(delays) > 1 else ''}"
    corner_text(axes, text, right=True)
    row = {
        "median_ms": float(np.median(delays)),
        "mean_ms": mean.mean,
        "low_ms": mean.low,
        "high_ms": mean.high,
        "num_neurons": mean.num_neurons,
        "num_mice": mean.num_mice,
        "test": test.name,
        "p": test.p,
        "effect": test.effect,
        "effect_name": test.effect_name,
        "keller_ms": KELLER_MS[0],
    }
    return pd.DataFrame([row])
