"""Where a core attended while it watched recorded movies."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from viv1t.analysis.rollout import agreement, fold, patch_contrast, patch_means
from viv1t.plot.axes import label
from viv1t.plot.style import (
    BLUE,
    INK,
    PAGE_MM,
    RECORDED,
    VERMILION,
    Plate,
    house_style,
    new_figure,
)
from viv1t.results.attention import AttentionFiles

NUM_MOVIES: Final = 3
CAVEAT: Final = (
    "Rollout follows attention weights alone (Abnar & Zuidema 2020): not the sizes of what they "
    "move, nor what the readout uses. 1 is an even share; over time, what attention by lag alone "
    "would give."
)
_PAIRS: Final = (
    ("attention", "gradient"),
    ("attention", "contrast"),
    ("gradient", "contrast"),
)


def repeats_of_movies(files: AttentionFiles) -> pd.DataFrame:
    """One row a movie: video_id, and the trials that showed it; unknown movies stand alone."""
    table = pd.DataFrame(files.facts["trials"])
    table = table[table["trial"].isin(files.trial_ids())]
    alone = -1 - table["trial"]
    table["movie"] = table["video_id"].where(table["video_id"] >= 0, alone)
    trials = table.groupby("movie", sort=True)["trial"].agg(list)
    return trials.rename("trials").reset_index().rename(columns={"movie": "video_id"})


def movie_name(video_id: int) -> str:
    """What a row of `repeats_of_movies` is called."""
    return f"movie {video_id}" if video_id >= 0 else f"trial {-1 - video_id}"


def mean_of(files: AttentionFiles, variable: str, trials: Sequence[int]) -> NDArray[np.floating]:
    """The mean of a variable over trials of one length."""
    mean: NDArray[np.floating] = np.mean(files.read_several(variable, trials), axis=0)
    return mean


def attention_figure(files: AttentionFiles) -> Plate:
    """Attention of one mouse to recorded movies: over space, over time, and beside the gradient.

    Args:
        files: of `misc/extract_attention.py`.
    """
    geometry, fps = files.facts["geometry"], float(files.facts["fps"])
    movies = repeats_of_movies(files)
    has_gradient = "sensitivities" in files.variables()
    maps, gradients, rows, over_time, lags = [], [], [], [], []
    for video_id, trials in movies.itertuples(index=False):
        places = mean_of(files, "spatial_attentions", trials)
        maps.append(places.mean(axis=0))
        videos = files.read("videos", trials[0])[-len(places) :]
        of_patch = {"attention": places, "contrast": patch_contrast(videos, **geometry)}
        if has_gradient:
            gradient = mean_of(files, "sensitivities", trials)
            gradients.append(gradient.mean(axis=0))
            of_patch["gradient"] = patch_means(gradient, **geometry)
        rows += [
            {"video_id": video_id, "pair": f"{a},\n{b}", "r": agreement(of_patch[a], of_patch[b])}
            for a, b in _PAIRS
            if a in of_patch and b in of_patch
        ]
        over_time.append(_over_time(files, video_id, trials))
        if "temporal_lags" in files.variables():
            lags.append(mean_of(files, "temporal_lags", trials))
    tables = {
        "map": _cells(fold(np.mean(maps, axis=0), **geometry), "attention"),
        "agreement": pd.DataFrame(rows),
        "time": pd.concat(over_time, ignore_index=True),
    }
    with house_style():
        figure = new_figure(PAGE_MM, 92)
        grid = figure.subplots(2, 3, height_ratios=[0.82, 1])
        _map(
            grid[0, 0],
            fold(np.mean(maps, axis=0), **geometry),
            f"Attention, mouse {files.facts['mouse']}",
        )
        if has_gradient:
            mean = np.mean(gradients, axis=0)
            _map(grid[0, 1], mean / mean.mean(), "Gradient of the responses")
            tables["gradient"] = _cells(mean / mean.mean(), "gradient")
        else:
            grid[0, 1].set_axis_off()
            grid[0, 1].text(0.5, 0.5, "no gradient:\nextract with --sensitivity", ha="center")
        _agreement(grid[0, 2], tables["agreement"])
        merged = grid[1, 0].get_gridspec()
        for axes in grid[1, :2]:
            axes.remove()
        _times(figure.add_subplot(merged[1, :2]), tables["time"], fps=fps)
        if lags:
            tables["lag"] = _by_lag(grid[1, 2], np.mean(lags, axis=0), fps=fps)
        else:
            grid[1, 2].set_axis_off()
    return Plate(figure, tables, f"Attention of the core, mouse {files.facts['mouse']}. {CAVEAT}")


def _over_time(files: AttentionFiles, video_id: int, trials: Sequence[int]) -> pd.DataFrame:
    values = mean_of(files, "temporal_attentions", trials)
    first = files.facts["skip_frames"]
    time_s = (first + np.arange(len(values))) / files.facts["fps"]
    return pd.DataFrame({"video_id": video_id, "time_s": time_s, "attention": values})


def _map(axes: Axes, image: NDArray[np.floating], title: str) -> None:
    drawn = axes.imshow(image, cmap="inferno", vmin=0, interpolation="nearest")
    axes.set_title(title)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.colorbar(
        drawn, ax=axes, shrink=0.8, label="1 = even share", location="bottom", pad=0.02, aspect=30
    )


def _cells(image: NDArray[np.floating], name: str) -> pd.DataFrame:
    y, x = np.indices(image.shape)
    return pd.DataFrame({"x_px": x.ravel(), "y_px": y.ravel(), name: image.ravel()})


def _agreement(axes: Axes, table: pd.DataFrame) -> None:
    for place, (_, group) in enumerate(table.groupby("pair", sort=False)):
        spread = np.linspace(-0.12, 0.12, len(group))
        axes.plot(place + spread, group["r"], "o", color=BLUE, markersize=3, markeredgewidth=0)
        axes.plot([place - 0.25, place + 0.25], [group["r"].mean()] * 2, color=INK)
    names = list(dict.fromkeys(table["pair"]))
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.axhline(0, color=RECORDED, linewidth=0.6, zorder=0)
    axes.set_ylim(min(-0.5, table["r"].min() - 0.05), 1)
    axes.set_title("Agreement over patches")
    label(axes, y=("Correlation", "Spearman"))


def _times(axes: Axes, table: pd.DataFrame, *, fps: float) -> None:
    colours = (BLUE, VERMILION, INK)
    for colour, (video_id, movie) in zip(colours, table.groupby("video_id"), strict=False):
        name = movie_name(int(str(video_id)))
        axes.plot(movie["time_s"], movie["attention"], color=colour, linewidth=0.9, label=name)
    axes.axhline(1, color=RECORDED, linewidth=0.6, zorder=0)
    axes.set_xlim(table["time_s"].min(), table["time_s"].max() + 1 / fps)
    axes.set_title("Which frames later frames attend to")
    axes.legend(loc="upper left", ncols=NUM_MOVIES, borderaxespad=0)
    axes.set_ylim(0, 1.2 * table["attention"].max())
    label(axes, x=("Time in movie", "s"), y=("Attention", "1 = by lag alone"))


def _by_lag(axes: Axes, weights: NDArray[np.floating], *, fps: float) -> pd.DataFrame:
    lag_s = (np.arange(len(weights)) - len(weights) // 2) / fps
    shown = (lag_s >= 0) | (weights[0] > 0)  # without the future, if the core is causal
    lag_s, weights = lag_s[shown], weights[shown]
    axes.plot(lag_s, 100 * weights, color=BLUE)
    axes.set_yscale("log")
    axes.set_ylim(bottom=1e-3)
    axes.set_xlim(lag_s[0], lag_s[-1])
    axes.set_title("How far back")
    label(axes, x=("Lag", "s"), y=("Attention", "%"))
    return pd.DataFrame({"lag_s": lag_s, "percent": 100 * weights})
