"""Small things that all panels need: labels with units, letters, reference lines."""

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from viv1t.plot.style import RECORDED


def label(
    axes: Axes, *, x: tuple[str, str] | None = None, y: tuple[str, str] | None = None
) -> None:
    """Label the axes with a quantity and its unit.

    Args:
        axes: the panel.
        x: quantity and unit of the x axis, for example ("Time", "s").
        y: the same for the y axis.
    """
    if x is not None:
        axes.set_xlabel(f"{x[0]} ({x[1]})")
    if y is not None:
        axes.set_ylabel(f"{y[0]} ({y[1]})")


def legend_below(figure: Figure, *panels: Axes) -> None:
    """Put one legend of what `panels` show under the whole figure, each name once.

    Args:
        figure: of `style.new_figure`.
        panels: whose named artists are listed; none: all of the figure.
    """
    named: dict[str, Artist] = {}
    for axes in panels or figure.axes:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(name, handle)
    if named:
        ncols = min(len(named), 6)
        figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=ncols)


def log_y(axes: Axes, low: float, high: float) -> None:
    """Make the y axis logarithmic, with plain numbers between `low` and `high` as ticks."""
    axes.set_yscale("log")
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)):
        ticks = [step * 10.0**k for k in powers for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) >= 4:
            break
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def proportional_line(axes: Axes, slope: float, text: str, *, upto: float, dashed: bool) -> None:
    """Draw y = `slope` x through the origin and write `text` at its upper end.

    Args:
        axes: a panel with its final limits.
        slope: of the line.
        text: what the line means.
        upto: x at which the line ends.
        dashed: draw dashes.
    """
    axes.plot(
        [0, upto],
        [0, slope * upto],
        color=RECORDED,
        linewidth=0.8,
        linestyle=(0, (4, 2)) if dashed else "-",
        zorder=0,
        label="_" + text,
    )
    axes.annotate(
        text,
        (upto, slope * upto),
        xytext=(2, 0),
        textcoords="offset points",
        va="center",
        ha="left",
        color="#666666",
        fontsize=6,
        annotation_clip=False,
    )
