"""What stands on top of data: brackets of significance, medians, windows, chance levels."""

from matplotlib.axes import Axes

from viv1t.analysis.significance import TestResult
from viv1t.plot.style import CHANCE_STYLE, INK, ModelStyle

WINDOW_COLOUR = "#EBEBEB"


def significance(
    axes: Axes, x0: float, x1: float, test: TestResult, *, y: float | None = None
) -> float:
    """Draw a bracket from `x0` to `x1` with the stars of a test; the height of its top.

    Brackets drawn one after the other stand above each other; the y axis grows with them.

    Args:
        axes: the panel, with its data drawn.
        x0: left end of the bracket.
        x1: right end; equal to `x0`: stars without a bracket.
        test: what was found.
        y: height of the bracket; None: above all that was drawn.
    """
    low, high = axes.get_ylim()
    top = float(axes.dataLim.y1)
    base = min(low, top) if axes.get_autoscaley_on() else low
    step = 0.035 * ((top if y is None else max(top, y)) - base or 1.0)
    level = top + 2 * step if y is None else y
    if x0 != x1:
        heights = [level, level + step, level + step, level]
        axes.plot([x0, x0, x1, x1], heights, color=INK, linewidth=0.7, zorder=6, clip_on=False)
    is_star = test.stars.startswith("*")
    axes.annotate(
        test.stars,
        ((x0 + x1) / 2, level + step),
        xytext=(0, -2.5 if is_star else 0.5),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=8 if is_star else 6,
        color=INK,
        zorder=8,
        annotation_clip=False,
    )
    reach = level + 4 * step
    axes.update_datalim([((x0 + x1) / 2, reach)], updatex=False)
    axes.set_ylim(low, max(high, reach))
    return reach


def median_triangle(axes: Axes, value: float, style: ModelStyle) -> None:
    """Draw a triangle at `value` of the x axis, on the upper edge of the panel."""
    axes.plot(
        [value],
        [1.0],
        transform=axes.get_xaxis_transform(),
        marker="v",
        markersize=4.5,
        color=style.colour,
        markeredgecolor="white",
        markeredgewidth=0.4,
        linestyle="none",
        clip_on=False,
        zorder=6,
        label="_median",
    )


def presentation_window(axes: Axes, start: float, stop: float) -> None:
    """Shade the times from `start` to `stop`, at which a stimulus is on."""
    axes.axvspan(start, stop, color=WINDOW_COLOUR, linewidth=0, zorder=0)


def chance_line(axes: Axes, level: float, text: str = "chance") -> None:
    """Draw a dashed horizontal line at `level` with a small `text` above its right end."""
    axes.axhline(level, color=CHANCE_STYLE.colour, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
    axes.annotate(
        text,
        (1.0, level),
        xycoords=("axes fraction", "data"),
        xytext=(-1, 1),
        textcoords="offset points",
        ha="right",
        va="bottom",
        color="#666666",
        fontsize=6,
    )


def corner_text(axes: Axes, text: str, *, right: bool = False, top: bool = True) -> None:
    """Write `text` into a corner of the panel; upper left unless `right` or not `top`."""
    axes.text(
        0.97 if right else 0.03,
        0.97 if top else 0.03,
        text,
        transform=axes.transAxes,
        ha="right" if right else "left",
        va="top" if top else "bottom",
        fontsize=6,
        color=INK,
        zorder=7,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8},
    )
