"""Mean correlations as bars, each inside the bar of its ceiling."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from viv1t.plot.axes import label
from viv1t.plot.style import FAINT, ModelStyle

_GROUP_WIDTH = 0.8


def bars_below_ceiling(
    axes: Axes,
    table: pd.DataFrame,
    *,
    groups: list[str],
    styles: Mapping[str, ModelStyle],
) -> None:
    """Draw a wide pale bar for each group's ceiling and a bar for each model in front of it.

    The share of the ceiling stands above each bar.

    Args:
        axes: the panel.
        table: one row a model and group; columns model, group, correlation, ceiling, share (in %).
        groups: order of the groups along x.
        styles: model -> colour and marker.
    """
    ceilings = table.groupby("group")["ceiling"].first().reindex(groups)
    centres = np.arange(len(groups), dtype=float)
    if ceilings.notna().any():
        axes.bar(centres, ceilings, width=_GROUP_WIDTH + 0.1, color=FAINT, label="noise ceiling")
    width = _GROUP_WIDTH / len(styles)
    for place, (model, style) in enumerate(styles.items()):
        rows = table[table["model"] == model].set_index("group").reindex(groups)
        x = centres + (place - (len(styles) - 1) / 2) * width
        axes.bar(x, rows["correlation"], width=0.88 * width, color=style.colour, label=model)
        for left, value, share in zip(x, rows["correlation"], rows["share"], strict=True):
            if np.isfinite(share):
                axes.annotate(
                    f"{share:.0f} %",
                    (left, max(value, 0.0)),
                    xytext=(0, 1),
                    textcoords="offset points",
                    ha="center",
                    va="bottom",
                    fontsize=5.5,
                    color=style.colour,
                    fontweight="bold",
                )
    axes.set_xticks(centres, groups)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.6, len(groups) - 0.4)
    label(axes, y=("Mean correlation", "r"))
