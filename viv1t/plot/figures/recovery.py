"""What was recovered of neurons whose tuning is known."""

import numpy as np
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
            if measure == "detection":
                _detection(axes, group, quantity)
            else:
                _scatter(axes, group, quantity, same_scale=measure in ("error", "median"))
            row = measures.loc[str(name)]
            value = f"{row['measure']} {row['value']:.2f} {row['unit']}".strip()
            corner_text(axes, f"{value}\nn = {row['n']}")
            axes.set_title(str(name))
        for axes in panels[len(groups) :]:
            axes.set_axis_off()
    return Plate(figure, {"pairs": pairs, "summary": summary})


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
    axes.margins(x=0.06, y=0.22 if not same_scale else 0.12)
    label(axes, x=("True", quantity[1] if same_scale else "parameter"), y=quantity)


def _detection(axes: Axes, group: pd.DataFrame, quantity: tuple[str, str]) -> None:
    present = group["true"].to_numpy() > 0
    values = group["recovered"].to_numpy(dtype=float)
    styles = {"absent": CHANCE_STYLE, "present": ModelStyle(BLUE, "o")}
    groups = {"absent": values[~present], "present": values[present]}
    box_and_dots(axes, groups, styles=styles, quantity=quantity)
    low, high = np.nanmin(values), np.nanmax(values)
    axes.set_ylim(low - 0.05 * (high - low) - 1e-6, high + 0.25 * (high - low) + 1e-6)
