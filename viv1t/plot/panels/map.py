"""Positions on the frame of the movie."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle

from viv1t.plot.axes import label
from viv1t.plot.panels.scatter import dots
from viv1t.plot.style import FAINT, INK, RECORDED, ModelStyle


def position_map(
    axes: Axes, positions: pd.DataFrame, *, frame_px: tuple[int, int], style: ModelStyle
) -> None:
    """Draw each neuron's true centre, its learned position, and a line between the two.

    Args:
        axes: the panel.
        positions: columns true_x_px, true_y_px, learned_x_px, learned_y_px.
        frame_px: (h, w) of the movie; row 0 is drawn at the top.
        style: colour and marker of the model.
    """
    true = positions[["true_x_px", "true_y_px"]].to_numpy()
    learned = positions[["learned_x_px", "learned_y_px"]].to_numpy()
    height, width = frame_px
    frame = Rectangle((-0.5, -0.5), width, height, facecolor="#F7F7F7", edgecolor=FAINT, zorder=0)
    axes.add_patch(frame)
    lines = np.stack((true, learned), axis=1)
    axes.add_collection(LineCollection(list(lines), colors=RECORDED, linewidths=0.6))
    axes.plot(
        *true.T,
        marker="o",
        markerfacecolor="white",
        markeredgecolor=INK,
        markeredgewidth=0.6,
        markersize=3.4,
        linestyle="none",
        label="true centre",
    )
    learned_x, learned_y = positions["learned_x_px"], positions["learned_y_px"]
    dots(axes, learned_x, learned_y, style=style, name="learned position", alpha=1.0)
    points = np.concatenate((true, learned, [[0.5, 0.5], [width - 1.5, height - 1.5]]))
    (left, top), (right, bottom) = points.min(axis=0) - 2, points.max(axis=0) + 2
    axes.set(xlim=(left, right), ylim=(bottom, top))
    axes.set_aspect("equal")
    label(axes, x=("Column of the movie", "px"), y=("Row of the movie", "px"))
