"""Direction tuning curves of models beside those of the recordings: shape, width, agreement."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from viv1t.analysis.agreement import (
    curve_agreement,
)
from viv1t.analysis.curve_fits import MIN_HELD_OUT_R2
from viv1t.analysis.stats import hierarchical_bootstrap, paired_test
from viv1t.analysis.tuning_curves import aligned
from viv1t.plot.axes import label, legend_below
from viv1t.plot.direction_sources import Chosen, DirectionComparison
from viv1t.plot.panels import (
    bars_with_points,
    box_and_dots,
    direction_axis,
    significance,
    step_histogram,
    tuning_curve,
)
from viv1t.plot.style import CHANCE_STYLE, PAGE_MM, Plate, house_style, new_figure

NUM_EXAMPLES = 8
SHUFFLED = "shuffled"


def tuning_curves_figure(comparison: DirectionComparison) -> Plate:
    """Curves of eight neurons drawn at random among the selective ones, each source by itself.

    Every curve is divided by its own largest mean + standard error.
    """
    tuning = comparison.drawn()[0]
    chosen = comparison.chosen(tuning)
    of_reference = chosen[comparison.reference]
    rng = np.random.default_rng(comparison.seed)
    count = min(NUM_EXAMPLES, len(of_reference.table))
    rows = np.sort(rng.choice(len(of_reference.table), count, replace=False))
    numbers = []
    with house_style():
        figure = new_figure(PAGE_MM, 38 * -(-count // 4) + 10)
        panels = figure.subplots(-(-count // 4), 4, squeeze=False, sharey=True)
        for axes, row in zip(panels.flat, rows, strict=False):
            for name, of_source in chosen.items():
                mean, sem = of_source.mean[row], np.nan_to_num(of_source.sem[row])
                top = np.nanmax(mean + sem)
                x = np.append(of_source.directions, 360.0)
                closed = [np.append(v, v[0]) / top for v in (mean, sem)]
                style = comparison.styles[name]
                tuning_curve(axes, x, closed[0], closed[1], style, name=name)
                numbers.append(_long(of_source.table.iloc[row], name, x, closed))
            direction_axis(axes, np.arange(0, 361, 90))
            who = of_reference.table.iloc[row]
            axes.set_title(f"Mouse {who['mouse']}, neuron {who['neuron']}")
            label(axes, y=("Response", "share of peak"))
            axes.label_outer()
        table = pd.concat(numbers, ignore_index=True)
        panels[0, 0].set_ylim(min(0.0, table["mean"].min() - 0.05), 1.1)
        for axes in list(panels.flat)[count:]:
            axes.set_axis_off()
        legend_below(figure, panels.flat[0])
    return Plate(
        figure,
        {"curves": table},
        caption=f"Direction tuning (mean and standard error) of {count} of "
        f"{len(of_reference.table)} neurons that are {tuning} selective in "
        f"{comparison.reference}, drawn at random.",
    )


def _long(
    who: pd.Series, source: str, x: NDArray[np.float64], closed: list[NDArray[np.float64]]
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "source": source,
            "mouse": who["mouse"],
            "neuron": who["neuron"],
            "direction_deg": x,
            "mean": closed[0],
            "sem": closed[1],
        }
    )


def curve_correlation_figure(comparison: DirectionComparison) -> Plate:
    """Correlation of each model's curves with those of the reference, and what noise allows.

    Raises:
        ConfigError: there is nothing to compare with the reference, or no neuron is selective.
    """
    kinds, others = comparison.drawn(), comparison.needs_others()
    numbers: dict[str, pd.DataFrame] = {}
    summary = []
    with house_style():
        figure = new_figure(PAGE_MM, 58 * len(kinds) + 8)
        panels = figure.subplots(len(kinds), 2, squeeze=False, width_ratios=[1.4, 1])
        for (left, right), tuning in zip(panels, kinds, strict=True):
            chosen = comparison.chosen(tuning)
            reference = chosen[comparison.reference]
            neurons = reference.table[["mouse", "neuron"]]
            found = {
                name: curve_agreement(
                    reference.curves(tuning),
                    chosen[name].curves(tuning),
                    reference_reliability=reference.table["reliability"].fillna(1.0),
                    other_reliability=chosen[name].table["reliability"].fillna(1.0),
                    seed=comparison.seed,
                )
                for name in others
            }
            groups = {name: table["correlation"] for name, table in found.items()}
            groups[SHUFFLED] = pd.concat([table["shuffled"] for table in found.values()])
            styles = {**comparison.styles, SHUFFLED: CHANCE_STYLE}
            quantity = ("Correlation with " + comparison.reference, "r")
            step_histogram(left, groups, np.linspace(-1, 1, 21), styles=styles, quantity=quantity)
            left.set_title(f"{tuning.capitalize()} curves, n = {len(neurons)} neurons")
            bars = _agreement_bars(found, neurons["mouse"])
            models = {name: comparison.styles[name] for name in others}
            bars_with_points(
                right,
                bars,
                groups=["raw", "noise\ncorrected", "ceiling"],
                styles=models,
                quantity=("Mean correlation", "r"),
                chance={"raw": float(np.nanmean(groups[SHUFFLED]))},
            )
            right.set_ylim(top=max(1.0, right.get_ylim()[1]))
            numbers[tuning] = pd.concat(
                [pd.concat([neurons, t.assign(source=s)], axis=1) for s, t in found.items()]
            )
            summary += [_summary(name, tuning, t, neurons["mouse"]) for name, t in found.items()]
        legend_below(figure, *panels[:, 0])
    numbers["summary"] = pd.DataFrame(summary)
    said = "; ".join(f"{r['source']}, {r['tuning']}: {r['text']}" for r in summary)
    return Plate(
        figure,
        numbers,
        caption=f"Correlation of tuning curves with {comparison.reference}, of neurons selective "
        f"there; shuffled: bins of a curve in random order; ceiling: what repeats allow. {said}.",
    )


def _agreement_bars(found: Mapping[str, pd.DataFrame], mice: pd.Series) -> pd.DataFrame:
    """Means by mouse: label, group, mouse, value."""
    parts = []
    for name, table in found.items():
        means = table.groupby(mice.to_numpy())[["correlation", "corrected", "ceiling"]].mean()
        means.columns = ["raw", "noise\ncorrected", "ceiling"]
        parts.append(
            means.rename_axis("mouse")
            .reset_index()
            .melt("mouse", var_name="group")
            .assign(label=name)
        )
    return pd.concat(parts, ignore_index=True)


def _summary(name: str, tuning: str, table: pd.DataFrame, mice: pd.Series) -> dict[str, object]:
    """Mean correlation with its interval over mice and neurons, and the test against shuffling."""
    estimate = hierarchical_bootstrap(table["correlation"], mice, rng=np.random.default_rng(0))
    test = paired_test(table["correlation"], table["shuffled"])
    return {
        "source": name,
        "tuning": tuning,
        "mean": estimate.mean,
        "low": estimate.low,
        "high": estimate.high,
        "num_neurons": estimate.num_neurons,
        "num_mice": estimate.num_mice,
        "p_shuffled": test.p,
        "text": f"r = {estimate.text}",
    }


def tuning_width_figure(comparison: DirectionComparison) -> Plate:
    """Mean curves around the preferred angle, and half widths of fitted curves.

    The angle comes from one half of the presentations and the curve from the other, so that the
    peak is not too high by chance.
    """
    kinds = comparison.drawn()
    numbers: dict[str, pd.DataFrame] = {}
    said = []
    with house_style():
        figure = new_figure(PAGE_MM, 56 * len(kinds) + 8)
        panels = figure.subplots(len(kinds), 2, squeeze=False)
        for (left, right), tuning in zip(panels, kinds, strict=True):
            chosen = comparison.chosen(tuning)
            numbers[f"{tuning}_curves"] = pd.concat(
                [_mean_curve(left, comparison, n, c, tuning) for n, c in chosen.items()]
            )
            lowest = (numbers[f"{tuning}_curves"]["mean"] - 0.03).min()
            left.set_ylim(bottom=min(0.0, float(lowest)))
            count = len(chosen[comparison.reference].table)
            left.set_title(f"{tuning.capitalize()} tuning, n = {count} neurons")
            numbers[f"{tuning}_half_width"], text = _half_widths(right, comparison, chosen)
            said.append(f"{tuning}: {text}")
        legend_below(figure, *panels[:, 0])
    return Plate(
        figure,
        numbers,
        caption="Left: mean curves (standard error over mice; over neurons if there is one mouse) "
        "around the preferred angle, which comes from other presentations than the curve. Right: "
        f"half width at half height of curves whose fit explains {MIN_HELD_OUT_R2:.0%} of held-out "
        f"responses. {'; '.join(said)}.",
    )


def _mean_curve(
    axes: Axes, comparison: DirectionComparison, name: str, chosen: Chosen, tuning: str
) -> pd.DataFrame:
    """Draw the mean of aligned curves; its numbers."""
    angles = chosen.angles(tuning)
    halves = [chosen.curves(tuning, column) for column in ("half_a", "half_b")]
    peaks = [np.argmax(np.nan_to_num(half), axis=1) for half in halves]
    both = [aligned(half, peak) for half, peak in zip(halves, reversed(peaks), strict=True)]
    middle = len(angles) // 2
    curves = np.mean(both, axis=0)
    curves = curves / np.maximum(np.nanmax(chosen.curves(tuning), axis=1), 1e-9)[:, None]
    by_mouse = pd.DataFrame(curves).groupby(chosen.mice).mean().to_numpy()
    units = by_mouse if len(by_mouse) > 1 else curves
    mean, sem = units.mean(0), units.std(0, ddof=1) / np.sqrt(len(units))
    x = (np.arange(len(angles) + 1) - middle) * (angles[1] - angles[0])
    tuning_curve(axes, x, mean, sem, comparison.styles[name], name=name)
    axes.set_xticks(x[:: max(1, len(x) // 4)])
    label(axes, x=(f"Angle from preferred {tuning}", "°"), y=("Response", "share of peak"))
    return pd.DataFrame({"source": name, "angle_deg": x, "mean": mean, "sem": sem})


def _half_widths(
    axes: Axes, comparison: DirectionComparison, chosen: Mapping[str, Chosen]
) -> tuple[pd.DataFrame, str]:
    """Draw half widths; their table, and medians and tests against the reference as text."""
    widths = {}
    for name, of_source in chosen.items():
        table = of_source.table
        clear = table["fit_r2_held_out"] >= MIN_HELD_OUT_R2
        widths[name] = table["half_width_deg"].where(clear).to_numpy(float)
    box_and_dots(
        axes,
        widths,
        styles=comparison.styles,
        quantity=("Half width at half height", "°"),
        limits=(0.0, 95.0),
    )
    mice = chosen[comparison.reference].mice
    reference, said = widths[comparison.reference], []
    first = list(widths).index(comparison.reference)
    for place, (name, values) in enumerate(widths.items()):
        known = values[np.isfinite(values)]
        text = f"{name} {np.median(known):.0f}°" if len(known) else f"{name} none"
        test = paired_test(values, reference)
        if name != comparison.reference and test.n >= 2:
            significance(axes, min(first, place), max(first, place), test)
            rng = np.random.default_rng(comparison.seed)
            gap = hierarchical_bootstrap(values - reference, mice, rng=rng)
            text += f" (mean difference {gap.text}; {test.name} of neurons, {test.p_text})"
        said.append(text)
    return pd.DataFrame(widths).assign(mouse=mice), "median half width " + ", ".join(said)
