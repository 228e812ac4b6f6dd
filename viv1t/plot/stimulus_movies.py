"""Animations of stimuli: the movie in grey, the response beneath."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viv1t.errors import DataError
from viv1t.plot.animate import animate, find_ffmpeg, write_mp4

# Characters of the title that fit beside each other.
LINE: Final = 50
# Pixels of a video for each pixel of the frames.
SCALE: Final = 10
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
        f"{who} {brief(trace[window].sum())} ({brief(trace[window].max())})"
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


def brief(value: float) -> str:
    """A number with three digits, or all digits before the point where there are more."""
    return f"{value:.3g}" if abs(value) < 999.5 else f"{value:.0f}"


def rig_movie(path: Path, frames: NDArray[np.uint8], *, fps: float) -> bool:
    """Whether an MP4 of frames was written; it is lossless, and was decoded again to prove it.

    Args:
        path: ends with .mp4.
        frames: (t, h, w) grey values; each pixel becomes a square of `SCALE` pixels.
        fps: frames per second.

    Raises:
        DataError: the file gives back other frames.
    """
    large = frames.repeat(SCALE, axis=1).repeat(SCALE, axis=2)
    if not write_mp4(path, iter(large), fps=fps, lossless=True, otherwise="is left out"):
        return False
    program = str(find_ffmpeg())
    decode = [program, "-loglevel", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "gray"]
    found = subprocess.run([*decode, "-"], capture_output=True, check=False).stdout
    if found != large.tobytes():
        raise DataError(f"{path} gives back other frames than were written; leave out --mp4")
    return True
