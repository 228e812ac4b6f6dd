"""Responses of single neurons to discs and holes, and what these look like."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.plot.axes import label
from viv1t.plot.figures.size_tuning import STYLES
from viv1t.plot.panels.curves import trace_band
from viv1t.plot.panels.images import thumbnails
from viv1t.plot.style import PAGE_MM, Plate, house_style, new_figure

ON_S = (0.0, 1.0)


def size_responses_figure(traces: pd.DataFrame, *, names: Mapping[int, str]) -> Plate:
    """One row of panels a neuron, one column a size: responses to disc and hole over time.

    Args:
        traces: columns neuron, stimulus, size_deg, time_s, mean, sem.
        names: neuron -> what is written over its row; their order is that of the rows.
    """
    sizes = np.unique(traces["size_deg"])
    with house_style():
        figure = new_figure(PAGE_MM, 28 * len(names) + 10)
        rows = figure.subplots(len(names), len(sizes), squeeze=False, sharex=True, sharey="row")
        for panels, (neuron, name) in zip(rows, names.items(), strict=True):
            of_neuron = traces[traces["neuron"] == neuron]
            for axes, size in zip(panels, sizes, strict=True):
                of_size = of_neuron[of_neuron["size_deg"] == size]
                for stimulus, style in STYLES.items():
                    course = of_size[of_size["stimulus"] == stimulus].sort_values("time_s")
                    trace_band(
                        axes,
                        course["time_s"],
                        course["mean"],
                        course["sem"],
                        style,
                        ON_S,
                        name=stimulus,
                    )
                axes.set_xlabel("")
                axes.set_xticks([0, 1])
            panels[0].set_title(name, fontsize=6.5)
            label(panels[0], y=("Response", "a.u."))
        for axes, size in zip(rows[-1], sizes, strict=True):
            label(axes, x=(f"{size:g}°, time", "s"))
        handles, texts = rows[0, 0].get_legend_handles_labels()
        figure.legend(handles, texts, loc="outside lower center", ncols=len(texts))
    caption = "Mean responses (band: standard error) to discs and holes of each size; grey: shown."
    return Plate(figure, {"traces": traces[traces["neuron"].isin(list(names))]}, caption)


def size_stimuli_figure(
    movies: Mapping[str, NDArray[np.float32]], sizes_deg: NDArray[np.float64], *, title: str
) -> Plate:
    """First frames of discs and of holes of all sizes.

    Args:
        movies: name -> (s, t, h, w) grey values.
        sizes_deg: (s,) diameters.
        title: where they are shown.
    """
    with house_style():
        figure = new_figure(PAGE_MM, 17 * len(movies) + 2)
        rows = figure.subplots(len(movies), 1, squeeze=False)[:, 0]
        for axes, (name, frames) in zip(rows, movies.items(), strict=True):
            thumbnails(axes, frames[:, 0], names=[f"{size:g}°" for size in sizes_deg])
            axes.set_title(f"{name}: {title}" if axes is rows[0] else name)
    shown = pd.DataFrame({"size_deg": sizes_deg})
    for name, frames in movies.items():
        shown[f"{name}_mean"] = frames.mean(axis=(1, 2, 3))
    return Plate(figure, {"frames": shown}, "Discs of grating and grey holes in a grating.")
