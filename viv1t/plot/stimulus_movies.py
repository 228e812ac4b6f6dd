"""Animations of stimuli: the movie in grey, the response beneath."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viv1t.plot.animate import animate

# Characters of the title that fit beside each other.
LINE: Final = 56
QUANTITY: Final = ("Response", "a.u.")


def stimulus_movie(
    frames: NDArray[Any],
    traces: Mapping[str, NDArray[np.floating]],
    *,
    window: slice,
    fps: float,
    limits: tuple[float, float],
    title: str,
    path: Path,
) -> Path:
    """The animation that was written, see `animate.animate`.

    Beneath the frames stand the responses, with the time of the stimulus shaded; the title tells
    their sums over the stimulus and their maxima.

    Args:
        frames: (t, h, w) grey values.
        traces: (t,) by who was asked.
        window: frames at which the stimulus is on.
        fps: frames per second.
        limits: of the axis of responses; the same for stimuli that are compared.
        title: of the animation.
        path: ends with .gif or .mp4.
    """
    numbers = [
        f"{who} {trace[window].sum():.3g} ({trace[window].max():.3g})"
        for who, trace in traces.items()
    ]
    lines = [*wrap(title, LINE), *wrap(f"Sum (maximum): {', '.join(numbers)}", LINE)]
    return animate(
        frames,
        fps=fps,
        path=path,
        trace=traces,
        window=window,
        quantity=QUANTITY,
        limits=limits,
        title="\n".join(lines),
    )
