"""How well models predict and how fast they answer, beside what was published."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from viv1t.plot.axes import label
from viv1t.plot.panels import bars_with_points
from viv1t.plot.style import FAINT, PAGE_MM, RECORDED, ModelStyle, Plate, house_style, new_figure

# Model -> normalised correlation on Sensorium 2023 and trials/s, as printed in Figure 1C.
PUBLISHED: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "LN": (0.247, 37.2),
        "fCNN": (0.551, 34.7),
        "DwiseNeuro": (0.660, 0.45),
        "ViV1T": (0.696, 10.41),
    }
)


def model_stats_figure(
    stats: pd.DataFrame, mice: pd.DataFrame, *, styles: Mapping[str, ModelStyle]
) -> Plate:
    """Bars of correlation and of throughput; those of the paper stand apart, in grey.

    Args:
        stats: the table model_stats.
        mice: model, mouse and value, the mean correlation over neurons.
        styles: model -> colour.
    """
    models = list(styles)
    published = pd.DataFrame(
        [(name, *values) for name, values in PUBLISHED.items()],
        columns=["model", "normalized_correlation", "trials_per_s"],
    )
    metric = str(stats["metric"].iloc[0]).replace("_", " ").capitalize()
    with house_style():
        figure = new_figure(PAGE_MM, 66)
        widths = [max(2, len(models)), len(PUBLISHED)] * 2
        ours, theirs, speed, their_speed = figure.subplots(1, 4, width_ratios=widths)
        long = mice.assign(label=mice["model"], group="runs")
        bars_with_points(ours, long, groups=["runs"], styles=styles, quantity=(metric, "r"))
        places = (np.arange(len(models)) - (len(models) - 1) / 2) * 0.8 / len(models)
        ours.set_xticks(places, models, rotation=30, ha="right", rotation_mode="anchor")
        ours.set_title("These runs")
        _bars(theirs, published["normalized_correlation"], list(PUBLISHED), None)
        theirs.set_title("Published")
        top = 1.1 * max(ours.get_ylim()[1], published["normalized_correlation"].max())
        for axes in (ours, theirs):
            axes.set_ylim(0, top)
        rates = stats.set_index("model")["trials_per_s"].reindex(models)
        _bars(speed, rates, models, styles)
        label(speed, y=("Throughput", "trials/s"))
        speed.set_title("This machine")
        _bars(their_speed, published["trials_per_s"], list(PUBLISHED), None)
        their_speed.set_title("Published")
        both = np.concatenate([rates.to_numpy(float), published["trials_per_s"].to_numpy(float)])
        for axes in (speed, their_speed):
            axes.set_yscale("log")
            axes.set_ylim(0.4 * np.nanmin(both), 3 * np.nanmax(both))
        for axes in (theirs, their_speed):
            axes.set_facecolor("#F7F7F7")
    row = stats.iloc[0]
    caption = (
        f"{metric} with recorded responses of {row['tier']} (bars: mean and standard error over "
        f"mice, points: mice) and movies answered per second: {row['num_frames']} frames of "
        f"{row['height_px']} x {row['width_px']} pixels, {row['batch_size']} at a time, on "
        f"{row['machine']}. Grey: normalised correlation on Sensorium 2023 and speed as "
        "published, of other data on another machine, not to be compared with the colours."
    )
    numbers = {"models": stats, "mice": mice, "published": published}
    return Plate(figure, numbers, caption)


def _bars(
    axes: Axes, values: pd.Series, names: list[str], styles: Mapping[str, ModelStyle] | None
) -> None:
    """One bar a model with its number above; grey and hatched without styles."""
    for place, (name, value) in enumerate(zip(names, values, strict=True)):
        colour = FAINT if styles is None else styles[name].colour
        axes.bar(
            [place],
            [value],
            width=0.7,
            color=colour,
            alpha=1.0 if styles is None else 0.55,
            edgecolor=RECORDED if styles is None else colour,
            linewidth=0.6,
            hatch="////" if styles is None else None,
        )
        axes.annotate(
            f"{value:.3g}",
            (place, value),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            fontsize=6,
        )
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right", rotation_mode="anchor")
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.6, len(names) - 0.4)
