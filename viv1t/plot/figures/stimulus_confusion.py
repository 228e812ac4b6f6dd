"""Every stimulus shown to every neuron: who is driven most by what was made for whom."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from viv1t.analysis.significance import FloatArray
from viv1t.plot.axes import label, legend_below
from viv1t.plot.panels import corner_text, heat_table
from viv1t.plot.style import BLUE, PAGE_MM, VERMILION, ModelStyle, Plate, house_style, new_figure

MATCHED = ModelStyle(VERMILION, "o", 4.0)
AS_MADE = ModelStyle(BLUE, "s", 3.0)


def confusion_figure(confusion: pd.DataFrame, ranks: pd.DataFrame) -> Plate:
    """Matrices of z scores as made and moved to each receptive field, and ranks of the own neuron.

    Args:
        confusion: stimulus_confusion of one responder and mouse.
        ranks: stimulus_ranks of the same.
    """
    with house_style():
        figure = new_figure(PAGE_MM, 66)
        left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 1))
        limits = float(np.nanquantile(np.abs(confusion["z"]), 0.99)) or 1.0
        for axes, matched, title in (
            (left, False, "As made"),
            (middle, True, "On each receptive field"),
        ):
            _matrix(axes, confusion[confusion["matched"] == matched], limits)
            axes.set_title(title)
        shares = _ranks(right, ranks)
        legend_below(figure, right)
    num = int(ranks["num_neurons"].iloc[0])
    caption = (
        "Responses of each neuron to the best stimulus of every neuron, z-scored per neuron over "
        "stimuli (darker: more); on the diagonal neurons see their own. Right: stimuli whose own "
        "neuron is among the most driven; dashed: by chance. As made, position alone can tell "
        f"neurons apart; moved to each receptive field it cannot. n = {num} neurons."
    )
    numbers = {"matrix": confusion, "ranks": ranks, "shares": shares}
    return Plate(figure, numbers, caption)


def _matrix(axes: Axes, table: pd.DataFrame, top: float) -> None:
    wide = table.pivot_table(index="made_for", columns="neuron", values="z")
    heat_table(
        axes,
        wide,
        x=("Neuron", "row"),
        y=("Stimulus made for", "row"),
        quantity=("Response", "z"),
        limits=(-top, top),
        written=False,
    )
    axes.set_aspect("equal")
    axes.tick_params(axis="x", rotation=90)


def _ranks(axes: Axes, ranks: pd.DataFrame) -> pd.DataFrame:
    """Share of stimuli whose own neuron is among the first k, against k."""
    num = int(ranks["num_neurons"].iloc[0])
    places: FloatArray = np.arange(1, num + 1, dtype=float)
    parts, said = [], []
    for matched, style, name in (
        (False, AS_MADE, "as made"),
        (True, MATCHED, "moved"),
    ):
        found = ranks.loc[ranks["matched"] == matched, "rank"].to_numpy(float)
        share = 100 * (found[:, None] <= places).mean(axis=0)
        axes.step(places, share, where="post", color=style.colour, label=name, zorder=style.zorder)
        axes.plot(places[:1], share[:1], marker=style.marker, markersize=4, color=style.colour)
        said.append(f"{name}: median {np.median(found):g}, first {share[0]:.0f} %")
        parts.append(pd.DataFrame({"matched": matched, "rank": places, "percent": share}))
    axes.plot(
        places,
        100 * places / num,
        color="#8C8C8C",
        linewidth=0.8,
        linestyle=(0, (4, 2)),
        label="chance",
    )
    axes.set_box_aspect(1)
    axes.set(xlim=(0.5, num + 0.5), ylim=(0, 105), title="Rank of the own neuron")
    corner_text(axes, "\n".join(said), right=True, top=False)
    label(axes, x=("Most driven", "neurons"), y=("Stimuli", "%"))
    return pd.concat(parts, ignore_index=True)
