"""Neurons in the cortex: how similarity falls with distance, and what they prefer where."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from numpy.typing import ArrayLike

from viv1t.plot.axes import label
from viv1t.plot.panels.marks import chance_line
from viv1t.plot.style import INK, ModelStyle

# A colour map that ends as it begins, for angles.
CYCLIC: Final = "twilight_shifted"


def similarity_lines(
    axes: Axes, bins: pd.DataFrame, style: ModelStyle, *, names: Mapping[float, str]
) -> None:
    """Draw similarity against distance with its intervals, one ever paler line a depth.

    Args:
        axes: the panel.
        bins: columns depth_um, distance_um, similarity, low, high, chance, num_pairs.
        style: colour and marker of the first line.
        names: of the depths, for the legend.
    """
    values = list(names)
    for place, value in enumerate(values):
        rows = bins[bins["depth_um"] == value].sort_values("distance_um")
        share = 0.75 * place / max(1, len(values) - 1)
        colour = tuple((1 - share) * c + share for c in to_rgb(style.colour))
        x = rows["distance_um"].to_numpy(float) + 1.5 * (place - (len(values) - 1) / 2)
        y = rows["similarity"].to_numpy(float)
        spread = np.abs(rows[["low", "high"]].to_numpy(float).T - y)
        axes.errorbar(
            x,
            y,
            yerr=spread,
            color=colour,
            marker=style.marker,
            markersize=3,
            elinewidth=0.7,
            label=names[value],
        )
    chance_line(axes, float(np.average(bins["chance"], weights=bins["num_pairs"])))
    axes.set_xlim(0, 1.2 * float(bins["distance_um"].max()))
    label(axes, x=("Distance in the plane", "µm"), y=("Signal correlation", "r"))


def cortex_map(
    axes: Axes, x_um: ArrayLike, y_um: ArrayLike, angle_deg: ArrayLike, *, period_deg: float
) -> PathCollection:
    """Draw neurons as dots coloured by an angle; what a colour bar needs.

    Args:
        axes: the panel.
        x_um: (n,) along x.
        y_um: (n,) along y.
        angle_deg: (n,) preferred angles.
        period_deg: 360 for directions, 180 for orientations.
    """
    drawn = axes.scatter(
        np.asarray(x_um, dtype=float),
        np.asarray(y_um, dtype=float),
        c=np.asarray(angle_deg, dtype=float),
        cmap=CYCLIC,
        vmin=0,
        vmax=period_deg,
        s=9,
        linewidths=0.3,
        edgecolors=INK,
    )
    axes.set_aspect("equal", adjustable="datalim")
    return drawn
