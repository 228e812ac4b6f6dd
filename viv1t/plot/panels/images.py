"""Images: receptive fields with their outline, tables as colours, frames of stimuli."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse
from numpy.typing import ArrayLike, NDArray

from viv1t.plot.axes import label
from viv1t.plot.style import INK, VERMILION

MAX_WRITTEN_CELLS = 144


def image_with_contour(
    axes: Axes,
    image: ArrayLike,
    ellipse: Mapping[str, float] | None = None,
    *,
    num_sigma: float = 2.0,
    colour: str = VERMILION,
    limits: tuple[float, float] | None = None,
) -> None:
    """Draw an image in grey and the outline of the Gaussian that was fitted to it.

    Args:
        axes: the panel.
        image: (h, w); row 0 is drawn at the top.
        ellipse: a row of the table "aRF": x_px, y_px, sigma_x_px, sigma_y_px, theta_rad (which
            turns x towards -y, as published); None or NaN: no outline.
        num_sigma: size of the outline in standard deviations.
        colour: of the outline.
        limits: values drawn black and white; None: symmetric around 0 if there are negative ones.
    """
    values = np.asarray(image, dtype=float)
    if limits is None:
        smallest, largest = _range(values)
        top = max(abs(smallest), abs(largest)) or 1.0
        limits = (-top if smallest < 0 else 0.0, top)
    axes.imshow(values, cmap="gray", vmin=limits[0], vmax=limits[1])
    if ellipse is not None and np.isfinite(ellipse["x_px"]):
        axes.add_patch(
            Ellipse(
                (ellipse["x_px"], ellipse["y_px"]),
                2 * num_sigma * abs(ellipse["sigma_x_px"]),
                2 * num_sigma * abs(ellipse["sigma_y_px"]),
                angle=-float(np.degrees(ellipse["theta_rad"])),
                fill=False,
                edgecolor=colour,
                linewidth=1.2,
            )
        )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def heat_table(
    axes: Axes,
    table: pd.DataFrame,
    *,
    x: tuple[str, str],
    y: tuple[str, str],
    quantity: tuple[str, str],
    limits: tuple[float, float] | None = None,
    digits: int = 1,
    written: bool = True,
) -> None:
    """Draw the numbers of a table as shades of grey, the first row at the bottom.

    Small tables have their numbers written into the cells, large ones a colour bar.

    Args:
        axes: the panel.
        table: its columns and index are the tick labels.
        x: name and unit of the columns.
        y: name and unit of the index.
        quantity: name and unit of the numbers.
        limits: numbers drawn white and black; None: from 0 (or the smallest) to the largest.
        digits: after the point.
        written: write the numbers into small tables.
    """
    values = table.to_numpy(dtype=float)
    if limits is None:
        smallest, largest = _range(values)
        limits = (min(0.0, smallest), largest)
    image = axes.imshow(
        values, cmap="Greys", vmin=limits[0], vmax=limits[1], origin="lower", aspect="auto"
    )
    for axis, names in ((axes.xaxis, table.columns), (axes.yaxis, table.index)):
        places = range(0, len(names), 1 + len(names) // 13)
        axis.set_ticks(places, [_short(names[place]) for place in places])
    axes.tick_params(length=0)
    label(axes, x=x, y=y)
    if values.size > MAX_WRITTEN_CELLS or not written:
        figure = axes.get_figure(root=True)
        assert figure is not None
        figure.colorbar(image, ax=axes, label=f"{quantity[0]} ({quantity[1]})")
        return
    middle = sum(limits) / 2
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            axes.text(
                column,
                row,
                f"{value:.{digits}f}",
                ha="center",
                va="center",
                fontsize=6,
                color="white" if value > middle else INK,
            )
    axes.set_title(f"{quantity[0]} ({quantity[1]})", fontweight="normal", fontsize=6.5)


def _range(values: NDArray[np.float64]) -> tuple[float, float]:
    """The smallest and largest of `values`, NaN left out; 0 and 1 if there is none."""
    known = values[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)


def _short(name: object) -> str:
    return f"{name:g}" if isinstance(name, float) else str(name)


def thumbnails(
    axes: Axes, frames: ArrayLike, *, names: Sequence[str] | None = None, gap: float = 0.12
) -> None:
    """Draw frames of a stimulus side by side, from left to right.

    Args:
        axes: the panel; it loses its axes.
        frames: (k, h, w) grey values 0..255.
        names: (k,) written under the frames; None: nothing.
        gap: between frames, as a share of their width.
    """
    pictures = np.asarray(frames)
    num, height, width = pictures.shape
    for place, picture in enumerate(pictures):
        left = place * width * (1 + gap)
        extent = (left, left + width, height, 0.0)
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, extent=extent)
        if names is not None:
            axes.text(
                left + width / 2, 1.08 * height, names[place], ha="center", va="top", fontsize=6
            )
    axes.set_xlim(0, num * width * (1 + gap) - gap * width)
    axes.set_ylim(height * (1.0 if names is None else 1.35), 0)
    axes.set_aspect("equal")
    axes.set_axis_off()
