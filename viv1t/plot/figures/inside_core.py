"""What is inside a core: feature maps of a movie, filters of patches, embeddings of positions."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from viv1t.plot.axes import label
from viv1t.plot.panels import thumbnails
from viv1t.plot.style import BLUE, PAGE_MM, Plate, house_style, new_figure

FloatArray = NDArray[np.floating]

DIVERGING: Final = "RdBu_r"
# The share of values that is not drawn in the darkest colours.
STRONGEST: Final = 0.995


def core_outputs_figure(
    video: FloatArray, features: FloatArray, *, fps: float, title: str, num_channels: int = 6
) -> Plate:
    """Frames of a movie over the feature maps of the channels that vary most.

    Args:
        video: (t, h, w) grey values.
        features: (c, t', h', w'), aligned with the end of the movie.
        fps: frames per second.
        title: which movie.
        num_channels: that are drawn.
    """
    spread = features.reshape(len(features), -1).std(axis=1)
    order = np.argsort(-spread, kind="stable")
    chosen = order[:num_channels]
    num_out = features.shape[1]
    lead = len(video) - num_out
    frames = np.unique(np.linspace(lead + num_out / 12, len(video) - 1, 6).astype(int))
    cells = []
    with house_style():
        aspect = video.shape[1] / video.shape[2]
        row_mm = (PAGE_MM - 20) / len(frames) * aspect + 1.5
        figure = new_figure(PAGE_MM, row_mm * (1 + len(chosen)) + 10)
        grid = figure.subplots(1 + len(chosen), len(frames), squeeze=False)
        for axes, frame in zip(grid[0], frames, strict=True):
            axes.imshow(video[frame], cmap="gray", vmin=0, vmax=255)
            axes.set_title(f"{frame / fps:.2f} s", fontweight="normal", loc="center", pad=2)
        for row, channel in zip(grid[1:], chosen, strict=True):
            values = features[channel][frames - lead]
            middle = float(features[channel].mean())
            reach = float(np.quantile(np.abs(features[channel] - middle), STRONGEST)) or 1.0
            limits = {"vmin": middle - reach, "vmax": middle + reach}
            for axes, image, frame in zip(row, values, frames, strict=True):
                axes.imshow(image, cmap=DIVERGING, interpolation="nearest", **limits)
                cells.append(_cells(image, "value").assign(channel=int(channel), frame=int(frame)))
            row[0].set_ylabel(f"channel {channel}\nSD {spread[channel]:.2g}")
        grid[0, 0].set_ylabel("movie")
        for axes in grid.ravel():
            axes.set_xticks([])
            axes.set_yticks([])
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=7.5)
    caption = (
        f"{title}: frames and what the core makes of them. Channels that vary most over places and "
        "frames; red above, blue below the mean of the channel."
    )
    channels = pd.DataFrame({"channel": order, "sd": spread[order]})
    maps = pd.concat(cells, ignore_index=True)
    return Plate(figure, {"maps": maps, "channels": channels}, caption)


def tokenizer_figure(
    filters: FloatArray,
    positions: Mapping[str, FloatArray],
    *,
    fps: float,
    num_filters: int = 12,
) -> Plate:
    """The strongest filters of patches, frame by frame, and how alike embeddings of positions are.

    Args:
        filters: (d, c, t, h, w); those of the first channel are drawn.
        positions: "space" (h', w', d) and "time" (t', d), where they are learned.
        fps: frames per second.
        num_filters: that are drawn.
    """
    of_movie = filters[:, 0]
    energy = np.square(of_movie).sum(axis=(1, 2, 3))
    order = np.argsort(-energy, kind="stable")
    chosen = order[:num_filters]
    num_frames = of_movie.shape[1]
    frames = np.unique(np.linspace(0, num_frames - 1, min(7, num_frames)).astype(int))
    lags = (num_frames - 1 - np.arange(num_frames)) / fps
    tables = {"filters": _filter_cells(of_movie, chosen, lags)}
    with house_style():
        lines = -(-len(chosen) // 2)
        figure = new_figure(PAGE_MM, 11 * lines + 62)
        rows = figure.add_gridspec(2, 1, height_ratios=[11 * lines + 8, 54])
        upper, lower = (figure.add_subfigure(rows[row]) for row in (0, 1))
        grid = upper.subplots(lines, 2, squeeze=False)
        for axes in grid.ravel():
            axes.set_axis_off()
        for axes, number in zip(grid.T.ravel(), chosen, strict=False):
            reach = float(np.abs(of_movie[number]).max()) or 1.0
            shown = 127.5 + 127.5 * of_movie[number][frames] / reach
            thumbnails(axes, shown)
            axes.text(-0.02, 0.5, str(number), transform=axes.transAxes, ha="right", va="center")
        for axes in grid[0]:
            _write_lags(axes, lags[frames])
        upper.suptitle(
            "Filters with most energy, by entry of the token; seconds before its frame",
            x=0.01,
            ha="left",
            fontweight="bold",
            fontsize=7.5,
        )
        course, *others = lower.subplots(1, 1 + len(positions), squeeze=False)[0]
        tables["energy"] = _energies(course, of_movie, lags)
        for axes, (name, table) in zip(others, positions.items(), strict=True):
            tables[f"positions_{name}"] = _similarity(axes, name, table)
    caption = (
        "Filters with which the tokenizer weighs a patch of the movie (grey: 0, each scaled to its "
        "own maximum; entries of the token by number), and the energy of all filters over time. "
    )
    caption += (
        "Cosine similarity of learned embeddings of positions: with the middle one (space), of all "
        "pairs (time)."
        if positions
        else "This core learns no embeddings of positions."
    )
    return Plate(figure, tables, caption)


def _energies(axes: Axes, filters: FloatArray, lags: FloatArray) -> pd.DataFrame:
    share = np.square(filters).sum(axis=(0, 2, 3))
    share = 100 * share / share.sum()
    axes.plot(-lags, share, "o-", color=BLUE, markersize=2.5)
    axes.set_ylim(0, 1.1 * share.max())
    axes.set_title("All filters")
    label(axes, x=("Before the frame of the token", "s"), y=("Energy", "%"))
    return pd.DataFrame({"lag_s": lags, "percent": share})


def _write_lags(axes: Axes, lags: FloatArray) -> None:
    """Write lags above the frames that `thumbnails` drew."""
    for lag, image in zip(lags, axes.get_images(), strict=True):
        left, right, _, _ = image.get_extent()
        axes.annotate(
            f"{lag:.2f}",
            ((left + right) / 2, 0),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            fontsize=6,
            annotation_clip=False,
        )


def _similarity(axes: Axes, name: str, table: FloatArray) -> pd.DataFrame:
    """Draw the similarity of positions with the middle one (space), or of all pairs (time)."""
    axes.set_title(f"Positions in {name}")
    flat = table.reshape(-1, table.shape[-1])
    unit = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12)
    if name == "space":
        rows, columns = table.shape[:2]
        middle = rows // 2 * columns + columns // 2
        image = (unit @ unit[middle]).reshape(rows, columns)
        words = ("Column of patches", "Row of patches")
    else:
        image, words = unit @ unit.T, ("Frame", "Frame")
    drawn = axes.imshow(image, cmap=DIVERGING, vmin=-1, vmax=1, interpolation="nearest")
    axes.set(xlabel=words[0], ylabel=words[1])
    axes.locator_params(integer=True)
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.colorbar(drawn, ax=axes, label="Similarity (cosine)", shrink=0.8)
    return _cells(image, "similarity")


def _filter_cells(filters: FloatArray, chosen: NDArray[np.int64], lags: FloatArray) -> pd.DataFrame:
    parts = [
        _cells(image, "weight").assign(entry=int(number), lag_s=lag)
        for number in chosen
        for image, lag in zip(filters[number], lags, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def _cells(image: FloatArray, name: str) -> pd.DataFrame:
    row, column = np.indices(image.shape)
    return pd.DataFrame({"row": row.ravel(), "column": column.ravel(), name: image.ravel()})
