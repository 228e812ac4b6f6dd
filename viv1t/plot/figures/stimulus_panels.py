"""Stimuli of one neuron side by side: frames, and the responses to them below."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from viv1t.errors import DataError
from viv1t.plot.axes import label, legend_below
from viv1t.plot.panels import presentation_window, thumbnails
from viv1t.plot.style import PAGE_MM, RECORDED, ModelStyle, Plate, house_style, new_figure

NUM_FRAMES = 4
MAX_COLUMNS = 3
# Of a line of a title.
MAX_CHARACTERS = 36


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """A stimulus and what was answered.

    Attributes:
        title: what it is.
        frames: (t, h, w) grey values.
        traces: responder -> (t',) responses, grey before and after the stimulus included.
        window: the frames of the traces at which the stimulus is on.
    """

    title: str
    frames: NDArray[np.floating]
    traces: Mapping[str, NDArray[np.floating]]
    window: slice


def stimulus_panels_figure(
    shown: Sequence[Shown],
    *,
    fps: float,
    styles: Mapping[str, ModelStyle],
    name: str,
    reference: int | None = 0,
) -> Plate:
    """Frames of each stimulus over the responses, y of all in peaks of the reference.

    Args:
        shown: stimuli in order; some have responses.
        fps: frames per second.
        styles: responder -> style.
        name: of the neuron or population.
        reference: the stimulus whose peak counts as 1, for each responder by itself; None: they
            are drawn as they are.

    Raises:
        DataError: no stimulus, or one without responses.
    """
    if not shown or any(not one.traces for one in shown):
        raise DataError(f"{name}: stimuli are drawn over responses to them, found none")
    peaks = {
        responder: float(np.max(shown[reference].traces[responder][shown[reference].window]))
        if reference is not None and responder in shown[reference].traces
        else 1.0
        for one in shown
        for responder in one.traces
    }
    columns = min(MAX_COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    height, width = shown[0].frames.shape[1:]
    strip_mm = (PAGE_MM / columns - 8) / NUM_FRAMES * height / width + 5
    table = pd.concat([_long(one, peaks, fps) for one in shown], ignore_index=True)
    low, high = min(0.0, float(table["relative"].min())), float(table["relative"].max())
    unit = "a.u." if reference is None else "of first peak"
    with house_style():
        figure = new_figure(PAGE_MM, rows * (strip_mm + 30) + 12)
        figure.suptitle(name, x=0.01, ha="left", fontsize=7.5, fontweight="bold")
        grid = figure.add_gridspec(2 * rows, columns, height_ratios=[strip_mm, 26] * rows)
        panels = []
        for place, one in enumerate(shown):
            row, column = divmod(place, columns)
            strip = figure.add_subplot(grid[2 * row, column])
            picks = np.linspace(0, len(one.frames) - 1, NUM_FRAMES).round().astype(int)
            thumbnails(strip, one.frames[picks], names=[f"{k / fps:.2f} s" for k in picks])
            strip.set_anchor("W")
            strip.set_title(fill(one.title, MAX_CHARACTERS), fontsize=6.5)
            axes = figure.add_subplot(grid[2 * row + 1, column])
            _traces(axes, one, peaks, fps, styles)
            axes.set_ylim(low - 0.03 * (high - low), high + 0.08 * (high - low))
            if reference is not None:
                axes.axhline(1, color=RECORDED, linewidth=0.7, linestyle=(0, (4, 2)), zorder=1)
            label(axes, x=("Time", "s"), y=("Response", unit) if column == 0 else None)
            panels.append(axes)
        legend_below(figure, panels[0])
    caption = (
        f"{name}: frames of its stimuli, and responses to them; the stimulus is on where it is "
        "shaded."
    )
    if reference is not None:
        caption += f" Responses are over the peak of that to: {shown[reference].title} (dashed)."
    return Plate(figure, {"traces": table}, caption)


def _long(one: Shown, peaks: Mapping[str, float], fps: float) -> pd.DataFrame:
    parts = []
    for responder, trace in one.traces.items():
        values = np.asarray(trace, dtype=float)
        parts.append(
            pd.DataFrame(
                {
                    "stimulus": one.title,
                    "responder": responder,
                    "time_s": (np.arange(len(values)) - one.window.start) / fps,
                    "response": values,
                    "relative": values / (peaks[responder] or 1.0),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _traces(
    axes: Axes,
    one: Shown,
    peaks: Mapping[str, float],
    fps: float,
    styles: Mapping[str, ModelStyle],
) -> None:
    presentation_window(axes, 0.0, (one.window.stop - one.window.start) / fps)
    for responder, line in _long(one, peaks, fps).groupby("responder", sort=False):
        style = styles[str(responder)]
        axes.plot(
            line["time_s"],
            line["relative"],
            color=style.colour,
            zorder=style.zorder,
            label=str(responder),
        )
        axes.set_xlim(line["time_s"].min(), line["time_s"].max())
