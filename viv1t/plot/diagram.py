"""Schematic drawings: a canvas in mm, boxes, arrows, small images and curves."""

from types import MappingProxyType
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from numpy.typing import NDArray

from viv1t.plot.style import BLUE, GREEN, INK, MM_PER_INCH, ORANGE, VERMILION

Point = tuple[float, float]
# The inside of a box, by its edge.
PALE: Final = MappingProxyType(
    {
        BLUE: "#E3EFF8",
        ORANGE: "#FCF1D9",
        GREEN: "#E0F3EC",
        VERMILION: "#FBE9DF",
        "#777777": "white",
    }
)


def canvas(width_mm: float, height_mm: float) -> tuple[Figure, Axes]:
    """A figure and axes that cover it, whose coordinates are mm from the lower left corner."""
    figure = Figure(figsize=(width_mm / MM_PER_INCH, height_mm / MM_PER_INCH))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(0, width_mm), ylim=(0, height_mm))
    axes.set_axis_off()
    return figure, axes


def box(
    axes: Axes,
    corner: Point,
    size: Point,
    *,
    face: str,
    edge: str = INK,
    linewidth: float = 0.8,
    rounding: float = 1.5,
) -> Point:
    """The centre of a rounded box that was drawn.

    Args:
        axes: the canvas.
        corner: lower left corner in mm.
        size: width and height in mm.
        face: colour of the inside.
        edge: colour of the outline.
        linewidth: of the outline in points.
        rounding: radius of the corners in mm.
    """
    shape = f"round,pad=0,rounding_size={rounding}"
    axes.add_patch(
        FancyBboxPatch(
            corner, *size, boxstyle=shape, facecolor=face, edgecolor=edge, linewidth=linewidth
        )
    )
    return corner[0] + size[0] / 2, corner[1] + size[1] / 2


def arrow(
    axes: Axes,
    start: Point,
    end: Point,
    *,
    colour: str = INK,
    linewidth: float = 1.1,
    bend: float = 0.0,
    dashed: bool = False,
) -> None:
    """Draw an arrow from `start` to `end`.

    Args:
        axes: the canvas.
        start: in mm.
        end: in mm.
        colour: of line and head.
        linewidth: in points.
        bend: curvature; 0 is straight.
        dashed: draw dashes.
    """
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>,head_length=2.6,head_width=1.5",
            connectionstyle=f"arc3,rad={bend}",
            color=colour,
            linewidth=linewidth,
            linestyle=(0, (3, 2)) if dashed else "-",
            shrinkA=0,
            shrinkB=0,
        )
    )


def picture(
    axes: Axes, image: NDArray[np.floating], corner: Point, size: Point, *, zorder: float = 2
) -> None:
    """Draw a grey-level image with a white rim.

    Args:
        axes: the canvas.
        image: (h, w) grey values 0..255.
        corner: lower left corner in mm.
        size: width and height in mm.
        zorder: higher is further in front.
    """
    extent = (corner[0], corner[0] + size[0], corner[1], corner[1] + size[1])
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, extent=extent, aspect="auto", zorder=zorder)
    left, right, bottom, top = extent
    axes.plot(
        [left, right, right, left, left],
        [bottom, bottom, top, top, bottom],
        color="white",
        linewidth=1.2,
        zorder=zorder + 0.1,
    )
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())


def curve(
    axes: Axes,
    values: NDArray[np.floating],
    corner: Point,
    size: Point,
    *,
    limits: Point,
    colour: str,
    linewidth: float = 1.0,
) -> None:
    """Draw `values` (t,) as a line that fills a rectangle.

    Args:
        axes: the canvas.
        values: the curve.
        corner: lower left corner of the rectangle in mm.
        size: its width and height in mm.
        limits: values at its lower and upper edge.
        colour: of the line.
        linewidth: in points.
    """
    x = corner[0] + np.linspace(0, size[0], len(values))
    y = corner[1] + (values - limits[0]) / (limits[1] - limits[0]) * size[1]
    axes.plot(x, y, color=colour, linewidth=linewidth, zorder=3)
