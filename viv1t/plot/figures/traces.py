"""Predicted and recorded responses to a movie that was shown several times."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from viv1t.plot.axes import label
from viv1t.plot.panels.traces import response_traces, stimulus_strip
from viv1t.plot.style import PAGE_MM, Plate, house_style, model_styles, new_figure


def traces_figure(
    traces: pd.DataFrame, *, video: np.ndarray, fps: float, title: str, models: list[str]
) -> Plate:
    """One row a neuron under a strip of stimulus frames, time in seconds.

    Args:
        traces: columns mouse_id, neuron, quality (for example "median"), kind (trial, mean, truth,
            predicted), source, time_s, response, correlation (of predictions, else NaN).
        video: (t, h, w) the movie from time 0, grey values 0..255.
        fps: frames per second.
        title: what the movie is.
        models: order, hence colours, of the models.
    """
    styles = model_styles(models)
    neurons = list(traces.groupby(["mouse_id", "neuron"], sort=False))
    with house_style():
        figure = new_figure(PAGE_MM, 24 + 25 * len(neurons) + 8)
        rows = figure.subplots(
            1 + len(neurons), 1, sharex=True, height_ratios=[0.75] + [1.0] * len(neurons)
        )
        for axes, ((mouse_id, neuron), of_neuron) in zip(rows[1:], neurons, strict=True):
            response_traces(axes, of_neuron, styles=styles)
            quality = of_neuron["quality"].iloc[0]
            axes.set_title(f"Mouse {mouse_id}, neuron {neuron}: {quality}", pad=2)
            axes.set_title(_correlations(of_neuron), loc="right", fontweight="normal", pad=2)
        rows[0].set_title(title, pad=3.5)
        rows[0].set_axis_off()
        label(rows[-1], x=("Time in movie", "s"))
        handles, labels = rows[1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
        shown = fill_strip(rows[0], video, fps=fps)
    caption = "Predicted and recorded responses of some neurons to one movie, shown repeatedly."
    return Plate(figure, {"responses": traces, "frames": shown}, caption)


def fill_strip(axes: Axes, video: np.ndarray, *, fps: float) -> pd.DataFrame:
    """Fill the width of `axes` with frames of the right shape; the table says which."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # only now is the size of the panel known
    box = axes.get_window_extent()
    height, width = video.shape[1:]
    start, stop = axes.get_xlim()
    width_s = (stop - start) * (box.height * width / height) / box.width
    num = max(1, int((stop - start) / (1.06 * width_s)))
    times = np.linspace(start + width_s / 2, stop - width_s / 2, num)
    indices = np.clip(np.rint(times * fps).astype(int), 0, len(video) - 1)
    stimulus_strip(axes, video[indices], times, width_s=width_s)
    return pd.DataFrame({"frame": indices, "time_s": indices / fps})


def _correlations(traces: pd.DataFrame) -> str:
    predicted = traces[traces["kind"] == "predicted"].groupby("source", sort=False)
    parts = [
        f"{model} r = {value:.2f}" for model, value in predicted["correlation"].first().items()
    ]
    ceiling = traces["ceiling"].iloc[0] if "ceiling" in traces else np.nan
    if np.isfinite(ceiling):
        parts.append(f"ceiling {ceiling:.2f}")
    return ",  ".join(parts)
