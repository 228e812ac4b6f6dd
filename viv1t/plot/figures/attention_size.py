"""Where a core attended while it watched discs and holes of several sizes."""

from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.analysis.rollout import fold, share_inside
from viv1t.plot.axes import label
from viv1t.plot.figures.attention import CAVEAT
from viv1t.plot.panels.curves import tuning_curve
from viv1t.plot.style import (
    INK,
    PAGE_MM,
    RECORDED,
    VERMILION,
    ModelStyle,
    Plate,
    house_style,
    new_figure,
)
from viv1t.results.attention import AttentionFiles
from viv1t.units import Monitor

CLASSICAL, INVERSE = ModelStyle(INK, "o"), ModelStyle(VERMILION, "s")
# What the condition `inverse` is called and how it is drawn.
KINDS: Final = MappingProxyType({0.0: ("classical", CLASSICAL), 1.0: ("inverse", INVERSE)})


def presentations(files: AttentionFiles) -> pd.DataFrame:
    """One row a presentation: trial, onset, on, size_deg, inverse, direction, repeat, condition."""
    table = pd.DataFrame(files.facts["trials"])
    return table[table["trial"].isin(files.trial_ids())].reset_index(drop=True)


def shown_attention(files: AttentionFiles, table: pd.DataFrame) -> NDArray[np.floating]:
    """(k, on, p): attention over space during each presentation.

    Args:
        files: of `tuning_feedbackRF/extract_attention.py`.
        table: rows of `presentations`.
    """
    return _windows(files, table, "spatial_attentions", int(files.facts["skip_frames"]))


def shown_frames(files: AttentionFiles, table: pd.DataFrame) -> NDArray[np.floating]:
    """(k, on, h, w): the frames of each presentation; see `shown_attention`."""
    return _windows(files, table, "videos", 0)


def _windows(
    files: AttentionFiles, table: pd.DataFrame, variable: str, first: int
) -> NDArray[np.floating]:
    trials = sorted(set(table["trial"]))
    of_trial = dict(zip(trials, files.read_several(variable, trials), strict=True))
    rows = table[["trial", "onset", "on"]].itertuples(index=False)
    return np.stack([of_trial[k][onset - first : onset - first + on] for k, onset, on in rows])


def attention_size_figure(files: AttentionFiles) -> Plate:
    """Attention inside discs and holes against their size, and maps of it.

    Args:
        files: of `tuning_feedbackRF/extract_attention.py`.
    """
    facts, table = files.facts, presentations(files)
    geometry, monitor = facts["geometry"], Monitor(**facts["monitor"])
    maps = fold(shown_attention(files, table).mean(axis=1), **geometry)
    sizes = sorted(set(table["size_deg"]))
    inside = np.full(len(table), np.nan)
    for size in sizes:
        rows, mask = table["size_deg"].eq(size).to_numpy(), monitor.disc(size)
        if mask.any() and not mask.all():
            inside[rows] = share_inside(maps[rows], mask)
    table = table.assign(inside=inside, stimulus=table["inverse"].map(lambda k: KINDS[k][0]))
    by_condition = table.groupby(["stimulus", "size_deg"])["inside"]
    curves = by_condition.agg(["mean", "sem", "count"]).reset_index()
    with house_style():
        figure = new_figure(PAGE_MM, 84)
        grid = figure.add_gridspec(2, 1, height_ratios=[0.78, 1])
        top, bottom = (figure.add_subfigure(grid[row]) for row in (0, 1))
        axes = bottom.subplots()
        for name, style in KINDS.values():
            curve = curves[curves["stimulus"] == name].dropna()
            tuning_curve(axes, curve["size_deg"], curve["mean"], curve["sem"], style, name=name)
        axes.axhline(1, color=RECORDED, linewidth=0.6, zorder=0)
        axes.set_title("Attention inside the disc or hole, over that expected of its area")
        axes.legend(loc="upper right")
        axes.set_ylim(bottom=0)
        label(axes, x=("Diameter of disc or hole", "°"), y=("Attention", "1 = even share"))
        panels = top.subplots(2, len(sizes), squeeze=False)
        highest = float(np.nanquantile(maps, 0.995))
        for row, (inverse, (name, style)) in zip(panels, KINDS.items(), strict=True):
            for panel, size in zip(row, sizes, strict=True):
                chosen = (table["inverse"].eq(inverse) & table["size_deg"].eq(size)).to_numpy()
                image = panel.imshow(
                    maps[chosen].mean(axis=0), cmap="inferno", vmin=0, vmax=highest
                )
                mask = monitor.disc(size)
                if mask.any() and not mask.all():
                    panel.contour(mask, levels=[0.5], colors="white", linewidths=0.6)
                panel.set_xticks([])
                panel.set_yticks([])
                panel.spines[:].set_visible(False)
                panel.set_title(f"{size:g}°", fontweight="normal", pad=2)
            row[0].set_ylabel(name, color=style.colour)
        top.colorbar(image, ax=panels.ravel().tolist(), label="Attention (1 = even)")
    columns = ["trial", "repeat", "stimulus", "size_deg", "direction", "inside"]
    numbers = {"presentations": table[columns], "curves": curves}
    return Plate(figure, numbers, f"Attention to gratings, mouse {facts['mouse']}. {CAVEAT}")
