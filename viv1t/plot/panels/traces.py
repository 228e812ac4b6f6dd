"""Responses of a neuron over time, and the movie that caused them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from viv1t.plot.axes import label
from viv1t.plot.style import FAINT, INK, TRUTH, ModelStyle

_LOOKS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "trial": {"color": FAINT, "linewidth": 0.5, "zorder": 1},
        "mean": {"color": INK, "linewidth": 1.1, "zorder": 3, "label": "recorded, repeat mean"},
        "truth": {
            "color": TRUTH,
            "linewidth": 1.0,
            "linestyle": (0, (3, 1.2)),
            "zorder": 5,
            "label": "true rate",
        },
    }
)


def response_traces(axes: Axes, traces: pd.DataFrame, *, styles: Mapping[str, ModelStyle]) -> None:
    """Draw single trials faintly, their mean, the truth and the predictions of each model.

    Args:
        axes: the panel.
        traces: of one neuron; columns kind (trial, mean, truth or predicted), source (name of the
            trial or model), time_s, response.
        styles: model -> colour and marker.
    """
    for (kind, source), line in traces.groupby(["kind", "source"], sort=False):
        look = _LOOKS.get(str(kind)) or {
            "color": styles[str(source)].colour,
            "linewidth": 1.2,
            "zorder": 4,
            "label": str(source),
        }
        axes.plot(line["time_s"], line["response"], **look)
    trials = [line for line in axes.get_lines() if line.get_zorder() == 1]
    if trials:
        trials[0].set_label("recorded, single trials")
    # A rare noisy frame of a single trial must not flatten everything else.
    single = traces.loc[traces["kind"] == "trial", "response"].to_numpy()
    others = traces.loc[traces["kind"] != "trial", "response"].to_numpy()
    top = max(np.nanmax(others), np.nanquantile(single, 0.99) if single.size else 0.0)
    axes.set_ylim(min(0.0, float(np.nanmin(others))), 1.05 * float(top))
    axes.set_xlim(traces["time_s"].min(), traces["time_s"].max())
    label(axes, y=("Response", "a.u."))


def stimulus_strip(axes: Axes, frames: np.ndarray, times_s: np.ndarray, *, width_s: float) -> None:
    """Draw movie frames side by side, each centred on its own time.

    Args:
        axes: the panel; shares its x axis with the traces below it.
        frames: (t, h, w) grey values 0..255.
        times_s: (t,) time of each frame.
        width_s: width of a drawn frame in seconds.
    """
    for frame, time in zip(frames, times_s, strict=True):
        extent = (time - width_s / 2, time + width_s / 2, 0.0, 1.0)
        axes.imshow(frame, cmap="gray", vmin=0, vmax=255, extent=extent, aspect="auto")
    axes.set_ylim(0, 1)
    axes.set_axis_off()
