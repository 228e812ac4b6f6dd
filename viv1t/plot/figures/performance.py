"""How well models predict: by cortical depth, and by the amount of training data."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from viv1t.plot.axes import legend_below
from viv1t.plot.panels import bars_with_points, heat_table
from viv1t.plot.style import COLUMN_MM, PAGE_MM, ModelStyle, Plate, house_style, new_figure


def depth_figure(
    scores: pd.DataFrame, summary: pd.DataFrame, *, styles: Mapping[str, ModelStyle], tier: str
) -> Plate:
    """Bars of each model at each imaging plane, and its mean over all planes.

    Args:
        scores: one row a neuron and model: model, mouse, depth_um, correlation.
        summary: model, depth_um, mean, gain_percent, num_neurons.
        styles: model -> colour.
        tier: what was predicted.
    """
    of_mice = scores.dropna(subset=["depth_um"]).groupby(["model", "depth_um", "mouse"])
    table = of_mice["correlation"].mean().reset_index(name="value")
    table = table.assign(label=table["model"], group=table["depth_um"].map("{:g}".format))
    depths = sorted(table["depth_um"].unique())
    with house_style():
        figure = new_figure(PAGE_MM, 62)
        axes = figure.subplots()
        bars_with_points(
            axes,
            table,
            groups=[f"{depth:g}" for depth in depths],
            styles=styles,
            quantity=("Correlation", "r"),
        )
        for name, style in styles.items():
            level = scores.loc[scores["model"] == name, "correlation"].mean()
            axes.axhline(level, color=style.colour, linestyle=(0, (3, 2)), linewidth=0.8)
        axes.set_xlabel("Cortical depth (µm)")
        axes.set_title(f"Single trials of {tier}; points: mice; dashed: all neurons")
        legend_below(figure, axes)
    caption = (
        "Correlation of predictions with single recorded responses by depth of the imaging plane: "
        "mean over neurons of each mouse (points), mean and standard error over mice (bars)."
    )
    return Plate(
        figure, {"planes": summary, "mice": table.drop(columns=["label", "group"])}, caption
    )


def limited_data_figure(grid: pd.DataFrame, *, full: float) -> Plate:
    """Performance of models that were trained on fewer trials and neurons.

    Args:
        grid: percent of the run with all data; rows neurons, columns trials.
        full: the score of that run.
    """
    with house_style():
        figure = new_figure(COLUMN_MM, 70)
        axes = figure.subplots()
        heat_table(
            axes,
            grid.rename(index=_amount, columns=_amount),
            x=("Training trials", "per mouse"),
            y=("Neurons", "per mouse"),
            quantity=(f"Of the full r = {full:.3f}", "%"),
            digits=0,
        )
    caption = "Performance of models trained on fewer trials and neurons, in % of the full model."
    return Plate(figure, {"grid": grid.reset_index()}, caption)


def _amount(limit: float) -> str:
    return "all" if np.isinf(limit) else f"{limit:g}"
