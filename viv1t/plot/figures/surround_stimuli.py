"""The stimuli of contextual modulation, as they were shown."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.plot.panels import thumbnails
from viv1t.plot.style import PAGE_MM, Plate, house_style, new_figure

NUM_FRAMES = 4


def surround_stimuli_figure(
    movies: Mapping[tuple[float, str], NDArray[np.generic]], *, fps: float
) -> Plate:
    """Frames of each surround at each contrast: one row a contrast, one panel a surround.

    Args:
        movies: (contrast, kind) -> (t, h, w) grey values.
        fps: frames per second.
    """
    contrasts = sorted({contrast for contrast, _ in movies}, reverse=True)
    kinds = list(dict.fromkeys(kind for _, kind in movies))
    num_shown = len(next(iter(movies.values())))
    # A quarter of a cycle apart at 2 Hz and 30 frames a second.
    frames = np.arange(NUM_FRAMES) * max(1, num_shown // (2 * NUM_FRAMES))
    h, w = next(iter(movies.values())).shape[1:]
    panel_mm = PAGE_MM / 2 - 4
    row_mm = panel_mm / NUM_FRAMES * h / w + 10
    with house_style():
        figure = new_figure(PAGE_MM, row_mm * 2 * len(contrasts))
        panels = figure.subplots(2 * len(contrasts), 2, squeeze=False)
        for place, contrast in enumerate(contrasts):
            of_contrast = panels[2 * place : 2 * place + 2].ravel()
            for axes, kind in zip(of_contrast, kinds, strict=True):
                movie = np.asarray(movies[contrast, kind])
                times = [f"{frame / fps:.2f} s" for frame in frames]
                thumbnails(axes, movie[frames], names=times)
                axes.set_title(f"{kind.capitalize()}, contrast {100 * contrast:g} %")
    shown = pd.DataFrame({"frame": frames, "time_s": frames / fps})
    caption = (
        "Frames of the gratings with grey (centre), continued (iso), orthogonal (cross) and "
        "phase-shifted (shift) surround, as one neuron saw them."
    )
    return Plate(figure, {"frames": shown}, caption)
