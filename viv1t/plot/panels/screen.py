"""Where receptive fields lie on the screen."""

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike
from scipy.stats import gaussian_kde

from viv1t.plot.axes import label
from viv1t.plot.style import FAINT, INK, TRUTH

MIN_DENSITY: Final = 0.05


def centre_density(
    axes: Axes,
    x_px: ArrayLike,
    y_px: ArrayLike,
    *,
    frame_px: tuple[int, int],
    true_px: tuple[ArrayLike, ArrayLike] | None = None,
) -> None:
    """Draw the density of centres over the frame, and a dot a neuron.

    Shades are tenths of the largest density, from 5 %.

    Args:
        axes: the panel.
        x_px: (n,) columns.
        y_px: (n,) rows.
        frame_px: (h, w); row 0 is drawn at the top.
        true_px: the same of the true centres, drawn as rings; None: unknown.
    """
    height, width = frame_px
    x, y = np.asarray(x_px, dtype=float), np.asarray(y_px, dtype=float)
    frame = Rectangle((-0.5, -0.5), width, height, facecolor="white", edgecolor=FAINT, zorder=0)
    axes.add_patch(frame)
    if len(x) > 5 and min(np.ptp(x), np.ptp(y)) > 0:
        rows, columns = np.mgrid[-0.5 : height - 0.5 : 80j, -0.5 : width - 0.5 : 120j]
        density = gaussian_kde(np.stack([x, y]))(np.stack([columns.ravel(), rows.ravel()]))
        levels = np.append(MIN_DENSITY, np.arange(1, 11) / 10)
        shades = (density / density.max()).reshape(rows.shape)
        axes.contourf(columns, rows, shades, levels=levels, cmap="Blues", alpha=0.85, zorder=1)
    if true_px is not None:
        axes.plot(
            *true_px,
            marker="o",
            markersize=3.4,
            markerfacecolor="none",
            markeredgecolor=TRUTH,
            markeredgewidth=0.7,
            linestyle="none",
            zorder=2,
            label="true centre",
        )
    axes.plot(
        *(x, y),
        marker=".",
        markersize=2.2,
        markeredgewidth=0,
        color=INK,
        linestyle="none",
        zorder=3,
        label="fitted centre",
    )
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), aspect="equal")
    label(axes, x=("Column of the screen", "px"), y=("Row of the screen", "px"))
