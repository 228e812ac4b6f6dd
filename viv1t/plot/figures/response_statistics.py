"""How recorded and predicted responses are distributed, neuron by neuron."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import pandas as pd

from viv1t.plot.panels import paired_scatter
from viv1t.plot.style import PAGE_MM, ModelStyle, Plate, house_style, new_figure

QUANTITIES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "mean": ("Mean response", "a.u."),
        "sd": ("SD", "a.u."),
        "skewness": ("Skewness", "1"),
        "sparseness": ("Lifetime sparseness", "0 to 1"),
        "reliability": ("Reliability", "r"),
    }
)


def response_statistics_figure(table: pd.DataFrame, *, style: ModelStyle, tier: str) -> Plate:
    """Statistics of predicted against those of recorded responses, a dot a neuron.

    Args:
        table: response_statistics.
        style: of the model.
        tier: whose trials they are.
    """
    wide = table.pivot(index=["mouse", "neuron"], columns="source", values=list(QUANTITIES))
    with house_style():
        figure = new_figure(PAGE_MM, 46)
        for axes, (name, (words, unit)) in zip(
            figure.subplots(1, len(QUANTITIES)), QUANTITIES.items(), strict=True
        ):
            paired_scatter(
                axes,
                wide[name, "recorded"],
                wide[name, "predicted"],
                style=style,
                x_quantity=("Recorded", unit),
                y_quantity=("Predicted", unit),
            )
            axes.set_title(words)
    caption = (
        f"Statistics of the responses of each neuron over the frames of all trials of {tier}: "
        "recorded against predicted. Predictions are without noise: they vary less, and repeats "
        "differ by behaviour only."
    )
    flat = wide.set_axis([f"{column[1]}_{column[0]}" for column in wide.columns], axis=1)
    return Plate(figure, {"neurons": flat.reset_index()}, caption)
