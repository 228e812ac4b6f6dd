"""Mean correlation of each model per mouse and tier, beside the noise ceiling."""

import pandas as pd

from viv1t.names import TIERS
from viv1t.plot.panels.bars import bars_below_ceiling
from viv1t.plot.style import PAGE_MM, Plate, house_style, model_styles, new_figure


def scores_figure(summary: pd.DataFrame) -> Plate:
    """One panel a mouse, one group of bars a tier.

    Args:
        summary: one row a model, mouse and tier; columns model, mouse_id, tier, shows (types of
            stimulus, written under the tier), correlation, ceiling, share (in %).
    """
    styles = model_styles(summary["model"].tolist())
    order = {tier: place for place, tier in enumerate(TIERS)}
    table = summary.sort_values("tier", key=lambda column: column.map(order), kind="stable")
    shows = table["shows"].str.replace("_", " ").str.replace(" + ", " +\n", regex=False)
    table = table.assign(group=table["tier"] + "\n" + shows)
    mice = list(table.groupby("mouse_id"))
    with house_style():
        figure = new_figure(PAGE_MM, 50 * len(mice) + 8)
        panels = figure.subplots(len(mice), 1, squeeze=False, sharey=True)[:, 0]
        for axes, (mouse_id, of_mouse) in zip(panels, mice, strict=True):
            groups = list(dict.fromkeys(of_mouse["group"]))
            bars_below_ceiling(axes, of_mouse, groups=groups, styles=styles)
            axes.set_title(f"Mouse {mouse_id}: mean over neurons, share of the ceiling above bars")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    caption = (
        "Correlation of predictions with single recorded responses, mean over neurons, on each "
        "part of the recordings. Pale: noise ceiling; in %: share of it that is reached."
    )
    return Plate(figure, {"bars": table.drop(columns="group")}, caption)
