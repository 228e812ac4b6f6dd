"""What was recovered of neurons whose tuning is known."""

import pandas as pd
from matplotlib.axes import Axes

from viv1t.plot.axes import label
from viv1t.plot.panels.distributions import box_and_dots
from viv1t.plot.panels.marks import corner_text
from viv1t.plot.style import (
    BLUE,
    CHANCE_STYLE,
    PAGE_MM,
    RECORDED,
    TRUTH,
    ModelStyle,
    Plate,
    house_style,
    new_figure,
)

NUM_COLUMNS = 3


def recovery_figure(pairs: pd.DataFrame, summary: pd.DataFrame) -> Plate:
    """Recovered against true parameters, one panel a quantity, one dot a neuron.

    Args:
        pairs: of `viv1t.analysis.recovery.recovered_pairs`, at least one row.
        summary: of `viv1t.analysis.recovery.recovery_summary`.
    """
    measures = summary.set_index("quantity")
    groups = list(pairs.groupby("quantity", sort=False))
    num_rows = -(-len(groups) // NUM_COLUMNS)
    with house_style():
        figure = new_figure(PAGE_MM, 56 * num_rows)
        panels = figure.subplots(num_rows, NUM_COLUMNS, squeeze=False).ravel()
        for axes, (name, group) in zip(panels, groups, strict=False):
            measure = group["measure"].iloc[0]
            quantity = ("Recovered", str(group["unit"].iloc[0]))
            if measure in ("detection", "median"):
                _boxes(axes, group, quantity, truth_is_one=measure == "median")
            else:
                _scatter(axes, group, quantity, same_scale=measure == "error")
            row = measures.loc[str(name)]
            value = f"{row['measure']} {row['value']:.2f} {row['unit']}".strip()
            corner_text(axes, f"{value}\nn = {row['n']}")
            axes.set_title(str(name))
        for axes in panels[len(groups) :]:
            axes.set_axis_off()
    caption = "What the analyses found, against the true parameters of the synthetic neurons."
    return Plate(figure, {"pairs": pairs, "summary": summary}, caption)


def _scatter(
    axes: Axes, group: pd.DataFrame, quantity: tuple[str, str], *, same_scale: bool
) -> None:
    x, y = group["true"].to_numpy(), group["recovered"].to_numpy()
    if same_scale:
        ends = [min(x.min(), y.min()), max(x.max(), y.max())]
        axes.plot(ends, ends, color=RECORDED, linewidth=0.8, zorder=0, label="_identity")
    axes.plot(
        *(x, y),
        marker="o",
        markersize=2.6,
        markeredgewidth=0,
        color=BLUE,
        alpha=0.6,
        linestyle="none",
        label="_neurons",
    )
    axes.margins(x=0.06, y=0.12)
    _leave_room(axes)
    label(axes, x=("True", quantity[1] if same_scale else "parameter"), y=quantity)


def _boxes(
    axes: Axes, group: pd.DataFrame, quantity: tuple[str, str], *, truth_is_one: bool
) -> None:
    """Neurons with and without what is looked for; or all of them beside their one true value."""
    values = group["recovered"].to_numpy(dtype=float)
    present = group["true"].to_numpy() > 0
    styles = {"absent": CHANCE_STYLE, "present": ModelStyle(BLUE, "o")}
    groups = {"absent": values[~present], "present": values[present]}
    if truth_is_one:
        styles, groups = {"recovered": ModelStyle(BLUE, "o")}, {"recovered": values}
    box_and_dots(axes, groups, styles=styles, quantity=quantity)
    if truth_is_one:
        axes.axhline(
            float(group["true"].median()), color=TRUTH, linewidth=1.2, linestyle=(0, (3, 1.2))
        )
        axes.annotate(
            "true",
            (1.0, float(group["true"].median())),
            xycoords=("axes fraction", "data"),
            xytext=(-1, 1.5),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=6,
            color=TRUTH,
        )
    _leave_room(axes)


def _leave_room(axes: Axes) -> None:
    """Raise the upper end of the y axis, so that text has a place above the data."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.22 * (high - low))
