"""A quantity against training time, one line a model."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from viv1t.plot.axes import label
from viv1t.plot.style import INK, RECORDED, ModelStyle


def learning_curve(
    axes: Axes,
    history: pd.DataFrame,
    *,
    column: str,
    quantity: tuple[str, str],
    styles: Mapping[str, ModelStyle],
) -> None:
    """Draw `column` against the epoch for each model.

    Args:
        axes: the panel.
        history: columns model, epoch and `column`.
        column: what to draw.
        quantity: its name and unit.
        styles: model -> colour and marker.
    """
    for model, rows in history.groupby("model", sort=False):
        shown = rows.dropna(subset=[column])
        alone = "." if len(shown) == 1 else None  # one epoch makes no line
        colour = styles[str(model)].colour
        axes.plot(shown["epoch"], shown[column], color=colour, marker=alone, label=str(model))
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    label(axes, x=("Training time", "epochs"), y=quantity)


def best_markers(
    axes: Axes, history: pd.DataFrame, *, column: str, styles: Mapping[str, ModelStyle]
) -> pd.DataFrame:
    """The best row of each model, marked in the panel and written beside its marker.

    Args:
        axes: the panel.
        history: columns model, epoch and `column`.
        column: what was drawn; larger is better.
        styles: model -> colour and marker.
    """
    history = history.dropna(subset=[column]).reset_index(drop=True)
    best = history.loc[history.groupby("model", sort=False)[column].idxmax()]
    for model, epoch, value in zip(best["model"], best["epoch"], best[column], strict=True):
        style = styles[str(model)]
        axes.plot(
            [epoch],
            [value],
            marker=style.marker,
            markersize=5,
            markeredgecolor="white",
            markeredgewidth=0.8,
            color=style.colour,
            linestyle="none",
            zorder=4,
            label=f"_best {model}",
        )
        axes.annotate(
            f"{value:.3f}",
            (epoch, value),
            xytext=(0, -5),
            textcoords="offset points",
            ha="center",
            va="top",
            color=style.colour,
            fontsize=6.5,
            fontweight="bold",
        )
    return best


def level_line(axes: Axes, level: float, text: str) -> None:
    """Draw a dashed horizontal line at `level` with `text` above its left end."""
    axes.axhline(level, color=RECORDED, linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)
    axes.annotate(
        text,
        (0.02, level),
        xycoords=("axes fraction", "data"),
        xytext=(0, 1.5),
        textcoords="offset points",
        va="bottom",
        color=INK,
        fontsize=6.5,
    )
