"""Responses to generated stimuli over the cutoffs of their low-pass."""

from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from viv1t.analysis.cutoff_grid import cutoff_curves, mean_grid, pick_cutoffs
from viv1t.plot.axes import label
from viv1t.plot.panels import heat_table
from viv1t.plot.style import (
    BLUE,
    PAGE_MM,
    VERMILION,
    ModelStyle,
    Plate,
    house_style,
    new_figure,
)

_GAIN: Final = ("Gain", "%")
_STYLES: Final = MappingProxyType(
    {"spatial": ModelStyle(BLUE, "o"), "temporal": ModelStyle(VERMILION, "s")}
)


def cutoff_grid_figure(table: pd.DataFrame, *, reference: str) -> Plate:
    """Mean gain for each pair of cutoffs, gains over either cutoff, and their elbows.

    Args:
        table: of `analysis.cutoff_grid.gains`.
        reference: what the gain is relative to, in words.
    """
    grid = mean_grid(table)
    pick = pick_cutoffs(grid)
    with house_style():
        figure = new_figure(PAGE_MM, 78)
        left, right = figure.subplots(1, 2, width_ratios=(1.3, 1))
        heat_table(
            left,
            grid,
            x=("Temporal cutoff", "of highest"),
            y=("Spatial cutoff", "of highest"),
            quantity=_GAIN,
            limits=(float(np.nanmin(grid)), float(np.nanmax(grid))),
            digits=0,
        )
        _mark(left, grid, pick.spatial, pick.temporal)
        curves = []
        for name, means in cutoff_curves(grid).items():
            style, chosen = _STYLES[name], getattr(pick, name)
            right.plot(
                means.index,
                means,
                color=style.colour,
                marker=style.marker,
                markersize=3,
                label=name + ("" if chosen is None else f", elbow {chosen:g}"),
            )
            if chosen is not None:
                right.axvline(chosen, color=style.colour, linewidth=0.8, linestyle=(0, (3, 2)))
            curves.append(
                pd.DataFrame({"cutoff": means.index, "gain_percent": means, "axis": name})
            )
        right.legend(loc="lower right", title="Cutoff")
        label(right, x=("Cutoff", "of highest frequency"), y=("Mean gain", "%"))
    num = table.groupby(["mouse", "neuron"]).ngroups
    caption = (
        f"Peak responses to stimuli generated below a spatial and a temporal cutoff, relative to "
        f"{reference}; means over {num} neurons, the best seed of each. Dashed: elbows, beyond "
        "which a higher cutoff adds little."
    )
    picked = pd.DataFrame([vars(pick)])
    numbers = {"gains": table, "curves": pd.concat(curves, ignore_index=True), "picks": picked}
    return Plate(figure, numbers, caption)


def _mark(axes: Axes, grid: pd.DataFrame, spatial: float | None, temporal: float | None) -> None:
    """Lines through the chosen row and column."""
    for name, draw, cutoffs, chosen in (
        ("spatial", axes.axhline, grid.index, spatial),
        ("temporal", axes.axvline, grid.columns, temporal),
    ):
        if chosen is not None:
            place = int(np.flatnonzero(cutoffs.to_numpy(float) == chosen)[0])
            draw(place, color=_STYLES[name].colour, linewidth=1.0, linestyle=(0, (3, 2)))
