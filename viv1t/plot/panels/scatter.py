"""One dot a neuron."""

import pandas as pd
from matplotlib.axes import Axes

from viv1t.plot.axes import label, proportional_line
from viv1t.plot.style import INK, RECORDED, ModelStyle


def dots(
    axes: Axes, x: pd.Series, y: pd.Series, *, style: ModelStyle, name: str, alpha: float = 0.65
) -> None:
    """Draw one dot a neuron.

    Args:
        axes: the panel.
        x: (n,) where the dots are along x.
        y: (n,) the same along y.
        style: colour and marker.
        name: for the legend.
        alpha: opacity.
    """
    axes.plot(
        x,
        y,
        marker=style.marker,
        color=style.colour,
        linestyle="none",
        markersize=3.2,
        markeredgewidth=0,
        alpha=alpha,
        label=name,
    )


def against_ceiling(
    axes: Axes, scores: pd.DataFrame, *, style: ModelStyle, model: str, limit: float
) -> None:
    """Draw each neuron's correlation against its noise ceiling, and the two means as a cross.

    Args:
        axes: the panel.
        scores: of one model and mouse; columns correlation and ceiling.
        style: colour and marker of the model.
        model: its label.
        limit: upper end of both axes.
    """
    dots(axes, scores["ceiling"], scores["correlation"], style=style, name=model)
    means = scores[["ceiling", "correlation"]].mean()
    axes.plot(
        [means["ceiling"]],
        [means["correlation"]],
        marker=style.marker,
        color=style.colour,
        markersize=7,
        markeredgecolor="white",
        markeredgewidth=1.0,
        linestyle="none",
        zorder=5,
        label=f"_mean {model}",
    )
    axes.set_xlim(0, limit)
    axes.set_ylim(min(0.0, float(scores["correlation"].min()) * 1.05, axes.get_ylim()[0]), limit)
    axes.set_aspect("equal")
    label(axes, x=("Noise ceiling", "r"), y=("Correlation with recording", "r"))


def ceiling_lines(axes: Axes, *, limit: float, share: float) -> None:
    """Draw the unity line and the line at `share` of the ceiling, up to x = `limit`."""
    proportional_line(axes, 1.0, "100 %", upto=limit, dashed=False)
    proportional_line(axes, share, f"{100 * share:.0f} %", upto=limit, dashed=True)


def learned_against_true(
    axes: Axes, positions: pd.DataFrame, *, axis: str, style: ModelStyle, correlation: float
) -> None:
    """Draw learned against true positions along one axis of the frame.

    Args:
        axes: the panel.
        positions: columns true_<axis>_px and learned_<axis>_px.
        axis: "x" or "y".
        style: colour and marker of the model.
        correlation: written into the panel.
    """
    true, learned = positions[f"true_{axis}_px"], positions[f"learned_{axis}_px"]
    lower, upper = min(true.min(), learned.min()), max(true.max(), learned.max())
    margin = 0.05 * (upper - lower) + 0.5
    limits = (lower - margin, upper + margin)
    axes.plot(limits, limits, color=RECORDED, linewidth=0.8, zorder=0, label="_unity")
    dots(axes, true, learned, style=style, name="neurons")
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.locator_params(nbins=5)
    axes.text(0.05, 0.95, f"r = {correlation:.3f}", transform=axes.transAxes, va="top", color=INK)
    label(axes, x=(f"True centre, {axis}", "px"), y=(f"Learned position, {axis}", "px"))
