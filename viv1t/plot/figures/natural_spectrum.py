"""The spatial spectrum of natural movies, and how far single clips are from it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from viv1t.plot.axes import label
from viv1t.plot.panels.distributions import step_histogram
from viv1t.plot.style import (
    BLUE,
    INK,
    PAGE_MM,
    VERMILION,
    ModelStyle,
    Plate,
    house_style,
    new_figure,
)

WITHOUT_DC, WITH_DC = "mean luminance left out", "with the mean luminance"
_TICKS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
STYLES: Final[Mapping[str, ModelStyle]] = MappingProxyType(
    {
        "frequencies": ModelStyle(INK, "o"),
        WITHOUT_DC: ModelStyle(BLUE, "o", 4.0),
        WITH_DC: ModelStyle(VERMILION, "s"),
    }
)


def natural_spectrum_figure(frequencies: pd.DataFrame, clips: pd.DataFrame) -> Plate:
    """Log power of spatial frequencies, its course over frequency, and divergences of clips.

    Args:
        frequencies: columns mouse, cycles_per_px (radial), log_power; one row a frequency.
        clips: columns mouse, kl, kl_with_dc; one row a clip.
    """
    with house_style():
        figure = new_figure(PAGE_MM, 62)
        left, middle, right = figure.subplots(1, 3)
        counts = _histogram(
            left,
            {"frequencies": frequencies["log_power"]},
            frequencies["mouse"],
            _edges(frequencies["log_power"]),
            quantity=("Power of a frequency", "natural log"),
            counted="Frequencies",
        )
        course = _course(middle, frequencies)
        values = {WITHOUT_DC: clips["kl"], WITH_DC: clips["kl_with_dc"]}
        divergences = _histogram(
            right,
            values,
            clips["mouse"],
            _log_edges(np.concatenate(list(values.values()))),
            quantity=("Divergence from the mean", "nats"),
            counted="Clips",
        )
        right.set_xscale("log")
        right.legend(loc="upper right", fontsize=6)
    caption = (
        "Spatial power spectrum of the training movies: grey values 0 to 255, mean over frames. "
        "Right: Kullback-Leibler divergence of the mean spectrum from that of each clip, power "
        "normalised. Triangles: medians. Thin lines: mice."
    )
    numbers = {"power": counts, "course": course, "divergence": divergences}
    return Plate(figure, numbers, caption)


def _histogram(
    axes: Axes,
    values: Mapping[str, pd.Series],
    mice: pd.Series,
    edges: np.ndarray,
    *,
    quantity: tuple[str, str],
    counted: str,
) -> pd.DataFrame:
    owners = dict.fromkeys(values, mice)
    table = step_histogram(
        axes, values, edges, styles=STYLES, quantity=quantity, mice_by_group=owners
    )
    label(axes, y=(counted, "%"))
    axes.set_title(f"{len(mice):,} {counted.lower()}")
    return table


def _edges(values: pd.Series) -> np.ndarray:
    low, high = np.floor(values.min()), np.ceil(values.max())
    return np.linspace(low, max(high, low + 1), 41)


def _log_edges(values: np.ndarray) -> np.ndarray:
    """Edges of equal ratio around all values; those below 1e-4 share the first bin."""
    low = max(1e-4, 0.9 * float(values.min()))
    high = max(1.1 * float(values.max()), 2 * low)
    edges = np.geomspace(low, high, 41)
    edges[0] = min(edges[0], float(values.min()))
    return edges


def _course(axes: Axes, frequencies: pd.DataFrame) -> pd.DataFrame:
    """Mean log power in rings of frequency, the mean luminance left out."""
    known = frequencies[frequencies["cycles_per_px"] > 0]
    edges = np.linspace(0, known["cycles_per_px"].max(), 25)
    ring = np.clip(np.digitize(known["cycles_per_px"], edges), 1, len(edges) - 1)
    table = known.assign(ring=ring).groupby(["mouse", "ring"], as_index=False).mean()
    means = table.groupby("ring", as_index=False)[["cycles_per_px", "log_power"]].mean()
    for _, of_mouse in table.groupby("mouse") if table["mouse"].nunique() > 1 else ():
        axes.plot(of_mouse["cycles_per_px"], of_mouse["log_power"], color=INK, linewidth=0.5)
    axes.plot(means["cycles_per_px"], means["log_power"], color=INK, linewidth=1.4)
    axes.set_xscale("log")
    ticks = [tick for tick in _TICKS if tick >= means["cycles_per_px"].min()]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_title("Mean over directions")
    label(axes, x=("Spatial frequency", "cycles/px"), y=("Power", "natural log"))
    whole = means.assign(mouse="all")
    return pd.concat([whole, table], ignore_index=True)[["mouse", "cycles_per_px", "log_power"]]
