"""Two values of each neuron against each other."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from viv1t.analysis.significance import TestResult
from viv1t.plot.axes import label
from viv1t.plot.panels.marks import corner_text
from viv1t.plot.style import RECORDED, ModelStyle


def paired_scatter(
    axes: Axes,
    x: ArrayLike,
    y: ArrayLike,
    *,
    style: ModelStyle,
    x_quantity: tuple[str, str],
    y_quantity: tuple[str, str],
    identity: bool = True,
    test: TestResult | None = None,
    limits: tuple[float, float] | None = None,
    name: str = "",
) -> None:
    """Draw one dot a neuron on axes of one scale, and what a test of the pairs found.

    Dots beyond `limits` are drawn at the edge.

    Args:
        axes: the panel.
        x: (n,); neurons with a NaN are left out.
        y: (n,).
        style: colour and marker.
        x_quantity: name and unit.
        y_quantity: name and unit.
        identity: draw the line on which both are equal.
        test: its n and p are written into the emptiest corner; None: n only.
        limits: of both axes; None: all dots lie within.
        name: for the legend; empty: none.
    """
    pairs = np.stack([np.asarray(v, dtype=float).ravel() for v in (x, y)])
    pairs = pairs[:, ~np.isnan(pairs).any(axis=0)]
    if limits is None:
        low, high = (float(pairs.min()), float(pairs.max())) if pairs.size else (0.0, 1.0)
        room = 0.05 * (high - low) or 0.5
        limits = (low - room, high + room)
    shown = np.clip(pairs, *limits)
    if identity:
        axes.plot(limits, limits, color=RECORDED, linewidth=0.8, zorder=0, label="_identity")
    axes.plot(
        *shown,
        marker=style.marker,
        markersize=2.6,
        markeredgewidth=0,
        color=style.colour,
        alpha=0.6,
        linestyle="none",
        zorder=style.zorder,
        clip_on=not shown.size,  # an empty line has no extent
        label=name or "_neurons",
    )
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.locator_params(nbins=5)
    text = f"n = {pairs.shape[1]}" if test is None else f"{test.n_text}\n{test.p_text}"
    right, top = _emptiest_corner((shown - limits[0]) / (limits[1] - limits[0]))
    corner_text(axes, text, right=right, top=top)
    label(axes, x=x_quantity, y=y_quantity)


def _emptiest_corner(dots: np.ndarray) -> tuple[bool, bool]:
    """(right, top) of the corner off the diagonal, of a unit square, with the fewest `dots`."""
    x, y = dots
    upper_left = int(np.sum((x < 0.4) & (y > 0.75)))
    lower_right = int(np.sum((x > 0.6) & (y < 0.25)))
    return (False, True) if upper_left <= lower_right else (True, False)
