"""Neurons where they lie in cortex, coloured by a number."""

from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from viv1t.plot.style import COLUMN_MM, Plate, house_style, new_figure

# The share of values lies within the colours, so that one neuron does not take them all.
WITHIN: Final = (0.02, 0.98)


def cortex_figure(table: pd.DataFrame, *, quantity: tuple[str, str], title: str) -> Plate:
    """A dot a neuron in three dimensions, depth downwards.

    Args:
        table: mouse, neuron, x_um, y_um, z_um (depth) and value; neurons without a place or value
            are left out.
        quantity: name and unit of the value.
        title: of the panel.
    """
    shown = table.dropna(subset=["x_um", "y_um", "z_um", "value"])
    low, high = (float(v) for v in np.quantile(shown["value"], WITHIN)) if len(shown) else (0, 1)
    with house_style():
        figure = new_figure(1.3 * COLUMN_MM, 88)
        axes: Any = figure.add_subplot(projection="3d")
        drawn = axes.scatter(
            shown["x_um"],
            shown["y_um"],
            shown["z_um"],
            c=shown["value"],
            cmap="viridis",
            vmin=low,
            vmax=high if high > low else low + 1,
            s=7,
            linewidths=0,
            depthshade=False,
        )
        axes.tick_params(pad=-2)
        for axis, name in (("x", "x (µm)"), ("y", "y (µm)"), ("z", "Depth (µm)")):
            getattr(axes, f"set_{axis}label")(name, labelpad=-3)
        axes.invert_zaxis()
        axes.set_title(f"{title}, n = {len(shown)} neurons")
        axes.view_init(elev=22, azim=-58)
        for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
            axis.set_major_locator(MaxNLocator(4))
        figure.colorbar(
            drawn, ax=axes, label=f"{quantity[0]} ({quantity[1]})", shrink=0.6, pad=0.14
        )
    caption = f"{title}: neurons where they lie in cortex, coloured by {quantity[0].lower()}."
    return Plate(figure, {"neurons": shown}, caption)
