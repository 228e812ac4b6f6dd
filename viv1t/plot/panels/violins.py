"""Distributions as violins whose two halves are two sources."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike
from scipy.stats import gaussian_kde

from viv1t.plot.axes import label, log_y
from viv1t.plot.style import INK, ModelStyle

_WIDTH: Final = 0.42
_NUM_POINTS: Final = 120


def split_violins(
    axes: Axes,
    groups: Sequence[str],
    values: Mapping[str, Mapping[str, ArrayLike]],
    *,
    styles: Mapping[str, ModelStyle],
    quantity: tuple[str, str],
) -> pd.DataFrame:
    """Quartiles of positive values, drawn as half violins on a log axis, a side a source.

    Columns of the table: group, label, n, num_left_out (not above 0), low, median, high
    (quartiles), mean.

    Args:
        axes: the panel.
        groups: order along x.
        values: one or two labels -> group -> (n,); NaN are left out. One label fills both halves.
        styles: label -> colour.
        quantity: name and unit of the values.
    """
    rows = []
    ends = (np.inf, -np.inf)
    sides = {name: (-1, 1)[place] for place, name in enumerate(values)}
    for name, of_label in values.items():
        colour = styles[name].colour
        halves = (-1, 1) if len(sides) == 1 else (sides[name],)
        for place, group in enumerate(groups):
            flat = np.asarray(of_label.get(group, ()), dtype=np.float64).ravel()
            known = flat[~np.isnan(flat)]
            positive = known[known > 0]
            logs = np.log10(positive)
            if len(positive):
                ends = (min(ends[0], positive.min()), max(ends[1], positive.max()))
            if len(logs) > 1 and np.ptp(logs) > 0:
                grid = np.linspace(logs.min(), logs.max(), _NUM_POINTS)
                density = gaussian_kde(logs)(grid)
                for side in halves:
                    edge = place + side * _WIDTH * density / density.max()
                    axes.fill_betweenx(10**grid, place, edge, color=colour, alpha=0.45, linewidth=0)
            low, median, high = (
                np.quantile(positive, [0.25, 0.5, 0.75]) if len(positive) else [np.nan] * 3
            )
            for side in halves:
                x = place + side * 0.06
                axes.plot([x, x], [low, high], color=INK, linewidth=1.0)
                axes.plot(
                    [x],
                    [median],
                    marker=styles[name].marker,
                    markersize=3.4,
                    markeredgecolor="white",
                    markeredgewidth=0.4,
                    color=colour,
                    linestyle="none",
                    zorder=5,
                    label=name if place == 0 and side == halves[0] else f"_{name}",
                )
            rows.append(
                (
                    group,
                    name,
                    len(positive),
                    len(known) - len(positive),
                    low,
                    median,
                    high,
                    float(known.mean()) if len(known) else np.nan,
                )
            )
    if np.isfinite(ends).all():
        log_y(axes, *ends)
    axes.set_xticks(range(len(groups)), list(groups))
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.6, len(groups) - 0.4)
    label(axes, y=quantity)
    columns = ["group", "label", "n", "num_left_out", "low", "median", "high", "mean"]
    return pd.DataFrame(rows, columns=columns)
