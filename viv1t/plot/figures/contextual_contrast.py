"""What contrast does to surrounds: relative responses, neurons that flip, and their traces."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import NullFormatter

from viv1t.analysis.stats import TestResult, paired_test
from viv1t.plot.axes import label, legend_below
from viv1t.plot.figures.contextual import KIND_STYLES, whisker_limits
from viv1t.plot.panels import (
    box_and_dots,
    corner_text,
    significance,
    thumbnails,
    trace_band,
    tuning_curve,
)
from viv1t.plot.style import (
    BLUE,
    INK,
    PAGE_MM,
    RECORDED,
    VERMILION,
    ModelStyle,
    Plate,
    house_style,
    new_figure,
)

_HIGH: Final = ModelStyle(VERMILION, "s", 4.0)
_LOW: Final = ModelStyle(BLUE, "v", 3.0)
_SURROUNDS: Final = ("iso", "cross", "shift")
# Traces begin here: earlier frames hold the end of the response to the stimulus before.
FIRST_S: Final = -0.25


def contrast_figure(table: pd.DataFrame, flips: pd.DataFrame, sweep: pd.DataFrame) -> Plate:
    """Responses relative to the centre, iso against cross at both contrasts, and flips.

    Args:
        table: contextual_modulation of one source, one disc a neuron.
        flips: contrast_flips of the same neurons and discs.
        sweep: of `analysis.flips.flip_sweep`.
    """
    relative = relative_responses(table)
    with house_style():
        figure = new_figure(PAGE_MM, 112)
        (boxes, scatter), (indices, shares) = figure.subplots(2, 2)
        tests = _ratios(boxes, relative)
        _both_contrasts(scatter, relative, flips)
        _indices(indices, flips)
        titles = ("Relative to the centre alone", "Two contrasts", "Flips", "Flips and chance")
        for axes, title in zip((boxes, scatter, indices, shares), titles, strict=True):
            axes.set_title(title)
        _sweep(shares, sweep)
    caption = (
        "Upper left: responses divided by those to the centre alone at the same contrast. Upper "
        "right: divided by those to the centre at high contrast; lines join the two contrasts of "
        "neurons that flip. Lower left: modulation indices of the two contrasts; flips lie in the "
        "lower right. Lower right: neurons whose preference flips by a threshold, and those "
        "expected if the two contrasts were independent."
    )
    numbers = {"relative": relative, "tests": tests, "flips": flips, "sweep": sweep}
    return Plate(figure, numbers, caption)


def relative_responses(table: pd.DataFrame) -> pd.DataFrame:
    """One row a neuron, contrast and surround, above the baseline.

    Columns: mouse, neuron, contrast ("high", "low"), kind, ratio (over the centre at the same
    contrast), of_high (over the centre at high contrast); neurons without response to the centre
    have none.

    Args:
        table: contextual_modulation, one disc a neuron; of its contrasts the highest and lowest.
    """
    key = ["mouse", "neuron"]
    ends = {"high": table["contrast"].max(), "low": table["contrast"].min()}
    parts = []
    for name, contrast in ends.items():
        part = table[table["contrast"] == contrast].set_index(key)
        above = part[["centre", *_SURROUNDS]].sub(part["baseline"], axis=0)
        above = above.where(above["centre"] > 0)
        if name == "high":
            reference = above["centre"]
        for kind in _SURROUNDS:
            values = {
                "contrast": name,
                "kind": kind,
                "ratio": above[kind] / above["centre"],
                "of_high": above[kind] / reference,
            }
            parts.append(pd.DataFrame(values).reset_index())
    return pd.concat(parts, ignore_index=True)


def _ratios(axes: Axes, relative: pd.DataFrame) -> pd.DataFrame:
    wide = relative.pivot(index=["mouse", "neuron"], columns=["kind", "contrast"], values="ratio")
    groups, styles, tests = {}, {}, []
    kinds = [kind for kind in _SURROUNDS if wide[kind].notna().to_numpy().any()]
    for kind in kinds:
        for name, style in (("high", _HIGH), ("low", _LOW)):
            groups[f"{kind}\n{name}"] = wide[kind, name]
            styles[f"{kind}\n{name}"] = style
    limits = whisker_limits(*groups.values(), [1.05])
    box_and_dots(axes, groups, styles=styles, quantity=("Response", "of centre"), limits=limits)
    axes.axhline(1, color=RECORDED, linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=0)
    for place, kind in enumerate(kinds):
        test = paired_test(wide[kind, "high"], wide[kind, "low"])
        significance(axes, 2 * place, 2 * place + 1, test, y=limits[1])
        tests.append(_row(kind, test))
    return pd.DataFrame(tests)


def _row(kind: str, test: TestResult) -> dict[str, object]:
    return {"kind": kind, "compared": "high, low"} | vars(test)


def _both_contrasts(axes: Axes, relative: pd.DataFrame, flips: pd.DataFrame) -> None:
    key = ["mouse", "neuron"]
    wide = relative.pivot(index=key, columns=["contrast", "kind"], values="of_high")
    every = wide.drop(columns="shift", level="kind").to_numpy()
    positive = every[every > 0]
    limits = (0.05, 2.0)
    if positive.size:
        lowest, highest = np.quantile(positive, 0.02) / 1.5, positive.max() * 1.5
        limits = (min(limits[0], float(lowest)), max(limits[1], float(highest)))
    points = {name: wide[name][["cross", "iso"]].clip(limits[0]) for name in ("high", "low")}
    for name, style in (("high", _HIGH), ("low", _LOW)):
        axes.plot(
            *points[name].to_numpy().T,
            marker=style.marker,
            color=style.colour,
            markersize=2.8,
            markeredgewidth=0,
            alpha=0.7,
            linestyle="none",
            label=f"{name} contrast",
        )
    flipping = wide.index.isin(pd.MultiIndex.from_frame(flips.loc[flips["flip"], key]))
    ends = [points[name][flipping].to_numpy() for name in ("high", "low")]
    lines = LineCollection(list(np.stack(ends, axis=1)), colors=INK, linewidths=0.5, zorder=2)
    lines.set_label("flips")
    axes.add_collection(lines)
    axes.plot(limits, limits, color=RECORDED, linewidth=0.8, zorder=0, label="_identity")
    axes.set(xscale="log", yscale="log", xlim=limits, ylim=limits, aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter(NullFormatter())
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    label(axes, x=("Cross", "of centre, high contrast"), y=("Iso", "of centre, high contrast"))


def _indices(axes: Axes, flips: pd.DataFrame) -> None:
    for name, chosen, style in (
        ("others", ~flips["flip"], ModelStyle(RECORDED, "o", 2.0)),
        ("flips", flips["flip"], ModelStyle(INK, "D", 4.0)),
    ):
        axes.plot(
            flips.loc[chosen, "cmi_high"],
            flips.loc[chosen, "cmi_low"],
            marker=style.marker,
            color=style.colour,
            markersize=2.8,
            markeredgewidth=0,
            linestyle="none",
            label=name,
            zorder=style.zorder,
        )
    for line in (axes.axhline, axes.axvline):
        line(0, color=RECORDED, linewidth=0.6, linestyle=(0, (4, 2)), zorder=0)
    axes.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), aspect="equal")
    corner_text(axes, f"{int(flips['flip'].sum())} of {len(flips)} flip")
    label(axes, x=("High contrast", "CMI"), y=("Low contrast", "CMI"))


def _sweep(axes: Axes, sweep: pd.DataFrame) -> None:
    percent = 100 * sweep["threshold"]
    for column, style, name in (
        ("flips", ModelStyle(INK, "D", 4.0), "both: flips"),
        ("expected", ModelStyle(RECORDED, "x", 3.0), "expected by chance"),
        ("high", _HIGH, "cross at high"),
        ("low", _LOW, "iso at low"),
    ):
        tuning_curve(axes, percent, 100 * sweep[column], None, style, name=name)
    top = min(100.0, axes.get_ylim()[1])
    axes.set_ylim(0, 1.5 * top)  # room for the legend
    axes.set_yticks([tick for tick in axes.get_yticks() if tick <= top])
    axes.legend(loc="upper right", ncols=2)
    label(axes, x=("Threshold", "%"), y=("Neurons", "%"))


def surround_traces_figure(
    traces: pd.DataFrame,
    *,
    on_s: float,
    kinds: Sequence[str] = ("centre", "iso", "cross"),
    frames: np.ndarray | None = None,
) -> Plate:
    """Mean responses over time, one column a neuron, one row a contrast.

    Responses are shown relative to the peak of those to the centre at the highest contrast.

    Args:
        traces: of `experiments.contextual.traces_of` with a column name (of the neuron), at most
            six neurons.
        on_s: duration of the stimulus in seconds.
        kinds: which surrounds are drawn.
        frames: (len(kinds), h, w) a frame of each stimulus; None: not drawn.
    """
    every = relative_traces(traces)
    shown = every[every["kind"].isin(list(kinds)) & every["time_s"].ge(FIRST_S)]
    names = list(dict.fromkeys(shown["name"]))
    contrasts = sorted(shown["contrast"].unique(), reverse=True)
    first = 0 if frames is None else 1
    ratios = [0.8] * first + [1.0] * len(contrasts)
    with house_style():
        figure = new_figure(PAGE_MM, 22 * first + 38 * len(contrasts) + 8)
        grid = figure.add_gridspec(len(ratios), len(names), height_ratios=ratios)
        if frames is not None:
            strip = figure.add_subplot(grid[0, :])
            thumbnails(strip, frames, names=[kind.capitalize() for kind in kinds])
        panels: list[list[Axes]] = []
        for row, contrast in enumerate(contrasts):
            panels.append([])
            for column, name in enumerate(names):
                left = panels[row][0] if column else None
                axes = figure.add_subplot(grid[first + row, column], sharey=left)
                part = shown[(shown["contrast"] == contrast) & (shown["name"] == name)]
                _traces(axes, part, kinds, on_s)
                if row == 0:
                    axes.set_title(name)
                if column == 0:
                    label(axes, y=(f"Contrast {100 * contrast:g} %", "of peak"))
                if column:
                    axes.tick_params(labelleft=False)
                if row < len(contrasts) - 1:
                    axes.set_xlabel("")
                panels[row].append(axes)
        legend_below(figure, panels[0][0])
    caption = (
        "Mean responses and their standard error over presentations, above the response to grey, "
        "relative to the peak of the response to the centre at the highest contrast; the stimulus "
        "is on where it is shaded."
    )
    return Plate(figure, {"traces": shown}, caption)


def relative_traces(traces: pd.DataFrame) -> pd.DataFrame:
    """`traces` above the response to grey, over the peak of the centre at the highest contrast.

    Args:
        traces: columns name, contrast, kind, time_s, mean, sem.
    """
    parts = []
    for _, part in traces.groupby("name", sort=False):
        grey = part.loc[part["time_s"].between(-5.5 / 30, -1e-9), "mean"].mean()
        strongest = part[(part["contrast"] == part["contrast"].max()) & (part["kind"] == "centre")]
        peak = float((strongest["mean"] - grey).max())
        scale = peak if peak > 0 else 1.0
        parts.append(part.assign(mean=(part["mean"] - grey) / scale, sem=part["sem"] / scale))
    return pd.concat(parts, ignore_index=True)


def _traces(axes: Axes, part: pd.DataFrame, kinds: Sequence[str], on_s: float) -> None:
    for place, kind in enumerate(kinds):
        line = part[part["kind"] == kind].sort_values("time_s")
        window = (0.0, on_s) if place == 0 else None
        trace_band(
            axes,
            line["time_s"],
            line["mean"],
            line["sem"],
            KIND_STYLES[kind],
            window,
            name=kind.capitalize(),
        )
