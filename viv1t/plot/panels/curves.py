"""Curves with their standard errors: over direction, over stimulus size, over time."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from viv1t.plot.axes import label
from viv1t.plot.panels.marks import median_triangle, presentation_window
from viv1t.plot.style import ModelStyle

# Motion as it is seen: 0 is leftward, 90 downward. Bars stand across their motion.
_ARROWS: Final[Mapping[int, str]] = MappingProxyType(
    {0: "←", 45: "↙", 90: "↓", 135: "↘", 180: "→", 225: "↗", 270: "↑", 315: "↖"}
)
_BARS: Final[Mapping[int, str]] = MappingProxyType({0: "|", 45: "\\", 90: "–", 135: "/"})


def tuning_curve(
    axes: Axes,
    x: ArrayLike,
    mean: ArrayLike,
    sem: ArrayLike | None,
    style: ModelStyle,
    *,
    name: str = "",
) -> None:
    """Draw a line through `mean` with its standard errors as bars.

    Args:
        axes: the panel.
        x: (k,) conditions, for example directions in degrees.
        mean: (k,).
        sem: (k,) standard errors; None: not known.
        style: colour and marker.
        name: for the legend; empty: none.
    """
    axes.errorbar(
        np.asarray(x, dtype=float),
        np.asarray(mean, dtype=float),
        yerr=None if sem is None else np.asarray(sem, dtype=float),
        color=style.colour,
        marker=style.marker,
        markersize=2.8,
        markeredgewidth=0.8 if style.marker == "x" else 0,
        elinewidth=0.8,
        capsize=1.5,
        capthick=0.8,
        zorder=style.zorder,
        label=name or "_curve",
    )


def direction_axis(axes: Axes, directions_deg: ArrayLike, *, bars: bool = False) -> None:
    """Label the x axis with degrees, and with arrows in the directions of motion.

    Args:
        axes: the panel.
        directions_deg: (k,) where to put ticks; 0 is leftward, 90 downward.
        bars: bars at right angles to the motion, for orientations, instead of arrows.
    """
    directions = np.asarray(directions_deg, dtype=float)
    period, glyphs = (180, _BARS) if bars else (360, _ARROWS)
    names = []
    for direction in directions:
        glyph = glyphs.get(int(direction % period)) if direction % 45 == 0 else None
        names.append(f"{direction:g}\n{glyph}" if glyph else f"{direction:g}")
    axes.set_xticks(directions, names, linespacing=1.0)
    label(axes, x=("Orientation" if bars else "Direction of motion", "°"))


def size_curve(
    axes: Axes,
    sizes_deg: ArrayLike,
    mean: ArrayLike,
    sem: ArrayLike | None,
    style: ModelStyle,
    *,
    name: str = "",
    median_deg: float | None = None,
) -> None:
    """Draw responses against stimulus size, and a triangle at the median preferred size.

    Args:
        axes: the panel.
        sizes_deg: (s,) diameters.
        mean: (s,).
        sem: (s,) standard errors; None: not known.
        style: colour and marker.
        name: for the legend; empty: none.
        median_deg: median preferred size; None: no triangle.
    """
    tuning_curve(axes, sizes_deg, mean, sem, style, name=name)
    if median_deg is not None and np.isfinite(median_deg):
        median_triangle(axes, median_deg, style)
    axes.set_xlim(left=min(0.0, float(np.min(np.asarray(sizes_deg)))))
    axes.locator_params(axis="x", nbins=5)
    label(axes, x=("Stimulus size", "°"))


def trace_band(
    axes: Axes,
    time_s: ArrayLike,
    mean: ArrayLike,
    sem: ArrayLike | None,
    style: ModelStyle,
    window: tuple[float, float] | None = None,
    *,
    name: str = "",
) -> None:
    """Draw a response over time within a band of its standard error.

    Args:
        axes: the panel.
        time_s: (t,) seconds.
        mean: (t,).
        sem: (t,) standard errors; None: not known.
        style: colour and marker.
        window: from when to when the stimulus is on, shaded; None: not shaded.
        name: for the legend; empty: none.
    """
    time, middle = np.asarray(time_s, dtype=float), np.asarray(mean, dtype=float)
    if window is not None:
        presentation_window(axes, *window)
    if sem is not None:
        spread = np.asarray(sem, dtype=float)
        low, high = middle - spread, middle + spread
        axes.fill_between(
            time, low, high, color=style.colour, alpha=0.25, linewidth=0, zorder=style.zorder - 0.5
        )
    axes.plot(time, middle, color=style.colour, zorder=style.zorder, label=name or "_trace")
    axes.set_xlim(time[0], time[-1])
    label(axes, x=("Time", "s"))
