"""What recordings hold: frames of each type of stimulus, one trial with all its signals."""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from viv1t.plot.axes import label
from viv1t.plot.figures.traces import fill_strip
from viv1t.plot.panels import thumbnails
from viv1t.plot.style import BLUE, PAGE_MM, VERMILION, Plate, house_style, new_figure

# Rows of behaviour in the Sensorium format; more are numbered.
BEHAVIORS: Final = ("Pupil size", "Speed")
# The share of responses that is not drawn black.
BRIGHTEST: Final = 0.99


class ShownFrames(Protocol):
    """Some frames of a recorded movie, as `insilico.shown_examples.example_frames` gives them."""

    @property
    def stimulus(self) -> str:
        """Type of the stimulus."""

    @property
    def trial(self) -> int:
        """The trial that showed it."""

    @property
    def indices(self) -> NDArray[np.int64]:
        """Which frames of the movie, (k,)."""

    @property
    def frames(self) -> NDArray[np.float32]:
        """Grey values, (k, h, w)."""

    @property
    def fps(self) -> float:
        """Frames per second."""


def stimulus_types_figure(rows: Sequence[ShownFrames], *, mouse_id: str) -> Plate:
    """A row of frames for each type of stimulus.

    Args:
        rows: at least one.
        mouse_id: the mouse that saw them.
    """
    num = max(len(row.frames) for row in rows)
    height, width = rows[0].frames.shape[1:]
    row_mm = PAGE_MM / (1.12 * num) * height / width * 1.35 + 6
    parts = []
    with house_style():
        figure = new_figure(PAGE_MM, row_mm * len(rows) + 2)
        grid = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
        for axes, row in zip(grid, rows, strict=True):
            times = row.indices / row.fps
            thumbnails(axes, row.frames, names=[f"{time:.2f} s" for time in times])
            axes.set_title(f"{row.stimulus.replace('_', ' ').capitalize()}, trial {row.trial}")
            parts.append(
                pd.DataFrame(
                    {
                        "stimulus": row.stimulus,
                        "trial": row.trial,
                        "frame": row.indices,
                        "time_s": times,
                        "mean_grey": row.frames.mean(axis=(1, 2)),
                        "rms_contrast_grey": row.frames.std(axis=(1, 2)),
                    }
                )
            )
    caption = (
        f"Frames of each type of stimulus that mouse {mouse_id} saw, with their times in the movie."
    )
    return Plate(figure, {"frames": pd.concat(parts, ignore_index=True)}, caption)


def trial_figure(
    video: NDArray[np.floating],
    *,
    response: NDArray[np.floating],
    behavior: NDArray[np.floating],
    pupil_center: NDArray[np.floating],
    fps: float,
    title: str,
) -> Plate:
    """One trial over time: frames, behaviour, pupil centre, all responses.

    Args:
        video: (t, h, w) grey values.
        response: (n, t); NaN are drawn white.
        behavior: (k, t); k may be 0.
        pupil_center: (p, t) in pixels of the camera; p may be 0.
        fps: frames per second.
        title: which trial it is.
    """
    time_s = np.arange(len(video)) / fps
    signals = {_name(row): values for row, values in enumerate(behavior)}
    heights = [0.8, *([0.6] * (len(signals) + bool(len(pupil_center)))), 2.2]
    lines = pd.DataFrame({"time_s": time_s} | signals)
    with house_style():
        figure = new_figure(PAGE_MM, 26 * sum(heights) + 6)
        rows = list(figure.subplots(len(heights), 1, sharex=True, height_ratios=heights))
        for axes, (name, values) in zip(rows[1:], signals.items(), strict=False):
            axes.plot(time_s, values, color=BLUE, linewidth=0.9)
            axes.set_ylabel(f"{name}\n(a.u.)")
        if len(pupil_center):
            axes = rows[-2]
            for name, values, colour in zip("xy", pupil_center, (BLUE, VERMILION), strict=False):
                axes.plot(time_s, values, color=colour, linewidth=0.9, label=name)
                lines[f"pupil_{name}_px"] = values
            axes.set_ylabel("Pupil\ncentre (px)")
            axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=0.8)
        shown = _responses(rows[-1], response, time_s=time_s, fps=fps)
        rows[0].set_title(title)
        rows[0].set_axis_off()
        rows[0].set_xlim(0, len(video) / fps)
        figure.align_ylabels(rows[1:])
        frames = fill_strip(rows[0], video, fps=fps)
    caption = (
        "One recorded trial: frames of the movie, behaviour, pupil centre, and the responses of "
        "all neurons, each divided by its standard deviation over the trial, in the order of the "
        "times at which they respond most."
    )
    return Plate(figure, {"signals": lines, "responses": shown, "frames": frames}, caption)


def _name(row: int) -> str:
    return BEHAVIORS[row] if row < len(BEHAVIORS) else f"Behaviour {row}"


def _responses(
    axes: Axes, response: NDArray[np.floating], *, time_s: NDArray[np.floating], fps: float
) -> pd.DataFrame:
    """Responses as an image, neurons in the order of the time at which they respond most."""
    spread = response.std(axis=1, keepdims=True)
    scaled = np.divide(response, spread, out=np.zeros_like(response), where=spread > 0)
    order = np.argsort(np.nan_to_num(scaled).argmax(axis=1), kind="stable")
    image = axes.imshow(
        scaled[order],
        aspect="auto",
        cmap="Greys",
        vmin=0,
        vmax=float(np.nanquantile(scaled, BRIGHTEST)) or 1.0,
        extent=(0, len(time_s) / fps, len(response), 0),
        interpolation="nearest",
    )
    label(axes, x=("Time in movie", "s"))
    axes.set_ylabel(f"{len(response)} neurons, by time of peak")
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.colorbar(image, ax=axes, label="Response (SD)", location="bottom", aspect=60, pad=0.02)
    return pd.DataFrame(
        {
            "row": np.arange(len(order)),
            "neuron": order,
            "peak_s": time_s[np.nan_to_num(scaled).argmax(axis=1)[order]],
            "mean": response[order].mean(axis=1),
            "sd": spread[order, 0],
        }
    )
