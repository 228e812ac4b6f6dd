"""Movies as GIF or MP4: frames on top, responses below, and where the model looked over them."""

import importlib.util
import logging
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.text import Text
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from viv1t.errors import ConfigError, DataError
from viv1t.plot.axes import label
from viv1t.plot.style import FAINT, INK, TRUTH, house_style, model_styles
from viv1t.utils.files import atomic

logger = logging.getLogger(__name__)

WIDTH_PX: Final = 480
DPI: Final = 120
OVERLAY_ALPHA: Final = 0.7

# One array, or several by name.
Arrays: TypeAlias = NDArray[Any] | Mapping[str, NDArray[Any]]
Windows: TypeAlias = slice | Sequence[slice] | None
Picture: TypeAlias = NDArray[np.uint8]


def animate(
    frames: Arrays,
    *,
    fps: float,
    path: Path,
    trace: Arrays | None = None,
    overlay: Arrays | None = None,
    window: Windows = None,
    quantity: tuple[str, str] = ("Response", "a.u."),
    limits: tuple[float, float] | None = None,
    title: str = "",
    columns: int | None = None,
    progress: bool = False,
) -> Path:
    """The path of the animation that was written: equal arguments give equal files.

    An MP4 needs ffmpeg (`find_ffmpeg`); without it a GIF is written, after one line that says so.

    Args:
        frames: movie (t, h, w), grey values 0..255; or several of one length by title, drawn side
            by side.
        fps: frames per second.
        path: ends with .gif or .mp4; its folder is made.
        trace: (t',) drawn under the frames, or several by name; t' <= t, aligned with the end of
            the movie; NaN leaves a gap.
        overlay: (t', h, w) between 0 and 1, drawn in colour over the frames; 0 and NaN are
            transparent.
            By the titles of `frames` where those are several.
        window: frames at which a stimulus is on, drawn grey behind the trace; or several.
        quantity: what the trace is, and its unit.
        limits: of the axis of the trace, so that several animations can be compared; None: its own.
        title: over the frames.
        columns: of several movies; None: about as many as rows.
        progress: show a progress bar.

    Raises:
        ConfigError: another suffix.
        DataError: arrays whose shapes do not go together.
    """
    if path.suffix not in (".gif", ".mp4"):
        raise ConfigError(f"an animation ends with .gif or .mp4, got {path}")
    movies = _by_name(frames, title)
    lengths = {len(movie) for movie in movies.values()}
    if len(lengths) != 1 or 0 in lengths or any(m.ndim != 3 for m in movies.values()):
        shapes = ", ".join(str(movie.shape) for movie in movies.values())
        raise DataError(f"frames should be movies (t, h, w) of one length, got {shapes or 'none'}")
    (length,) = lengths
    with house_style():
        draw = _scene(
            movies,
            overlays=None if overlay is None else _by_name(overlay, title),
            traces=None if trace is None else _by_name(trace, ""),
            windows=[window] if isinstance(window, slice) else list(window or ()),
            fps=fps,
            quantity=quantity,
            limits=limits,
            title="" if title in movies else title,
            columns=columns or int(np.ceil(np.sqrt(len(movies)))),
        )
    bar = tqdm(range(length), desc=path.name, unit="frame", disable=not progress, leave=False)
    if path.suffix == ".mp4" and write_mp4(path, map(draw, bar), fps=fps):
        return path
    path = path.with_suffix(".gif")
    _write_gif(path, draw, bar, fps=fps)
    return path


def _by_name(arrays: Arrays, name: str) -> dict[str, NDArray[Any]]:
    if isinstance(arrays, Mapping):
        return {str(key): np.asarray(value) for key, value in arrays.items()}
    return {name: np.asarray(arrays)}


def _scene(
    movies: Mapping[str, NDArray[Any]],
    *,
    overlays: Mapping[str, NDArray[Any]] | None,
    traces: Mapping[str, NDArray[Any]] | None,
    windows: Sequence[slice],
    fps: float,
    quantity: tuple[str, str],
    limits: tuple[float, float] | None,
    title: str,
    columns: int,
) -> Callable[[int], Picture]:
    """What draws a frame (H, W, 3) of the animation; sides are even, as video formats want."""
    length = len(next(iter(movies.values())))
    has_strip = traces is not None or bool(windows)
    figure, panels, strip = _layout(
        movies, columns=columns, has_strip=has_strip, is_thin=traces is None
    )
    if title or len(panels) > 1:
        figure.suptitle(title or " ", x=0.02, ha="left", fontsize=7.5, fontweight="bold")
    images = [
        (_image(axes, movie, cmap="gray", vmax=255), movie)
        for axes, movie in zip(panels, movies.values(), strict=True)
    ]
    for axes, name in zip(panels, movies, strict=True):
        axes.set_title(name)
    covers = []
    for axes, (name, movie) in zip(panels, movies.items(), strict=True):
        if overlays is not None and name in overlays:
            padded = _at_end(overlays[name], movie.shape, "overlay")
            covers.append((_image(axes, padded, cmap="autumn", vmax=1), padded))
    moving: list[Artist] = [image for image, _ in (*images, *covers)]
    clock = _clock(figure, panels)
    moving.append(clock)
    cursor = None
    if strip is not None:
        _draw_traces(strip, traces or {}, windows=windows, length=length, fps=fps)
        label(strip, x=("Time", "s"), y=quantity if traces else None)
        strip.set_ylim(limits)
        cursor = strip.axvline(0.0, color=INK, linewidth=0.9)
        moving.append(cursor)
    for artist in moving:
        artist.set_animated(True)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    figure.set_layout_engine("none")
    still = canvas.copy_from_bbox(figure.bbox)

    def draw(index: int) -> Picture:
        for image, values in images:
            image.set_data(values[index])
        for image, values in covers:
            image.set_data(values[index])
            image.set_alpha(OVERLAY_ALPHA * np.nan_to_num(values[index]).clip(0, 1))
        clock.set_text(f"{index / fps:.2f} s")
        if cursor is not None:
            cursor.set_xdata([index / fps] * 2)
        canvas.restore_region(still)
        for artist in moving:
            figure.draw_artist(artist)
        pixels = np.asarray(canvas.buffer_rgba())[..., :3]
        height, width = (side // 2 * 2 for side in pixels.shape[:2])
        return pixels[:height, :width].copy()

    return draw


def _layout(
    movies: Mapping[str, NDArray[Any]], *, columns: int, has_strip: bool, is_thin: bool
) -> tuple[Figure, list[Axes], Axes | None]:
    """A figure, one panel a movie, and the panel below them if there is something to draw."""
    rows = -(-len(movies) // columns)
    height, width = next(iter(movies.values())).shape[1:]
    panel_px = WIDTH_PX if columns == 1 else max(WIDTH_PX * 1.5 / columns, 120.0)
    title_lines = 1 + max(name.count("\n") for name in movies)
    frames_px = rows * (panel_px * height / width + 10 + 14 * title_lines)
    strip_px = (60 if is_thin else 130) if has_strip else 0
    figure = Figure(
        figsize=(panel_px * columns / DPI, (frames_px + strip_px + 14) / DPI),
        dpi=DPI,
        layout="constrained",
    )
    heights = [frames_px / rows] * rows + ([strip_px] if has_strip else [])
    grid = figure.add_gridspec(len(heights), columns, height_ratios=heights)
    panels = [figure.add_subplot(grid[divmod(k, columns)]) for k in range(len(movies))]
    for axes in panels:
        axes.set_axis_off()
    return figure, panels, figure.add_subplot(grid[-1, :]) if has_strip else None


def _clock(figure: Figure, panels: Sequence[Axes]) -> Text:
    """The text that will tell the time: in a corner of the only panel, else of the figure."""
    size: dict[str, Any] = {"ha": "right", "fontsize": 6.5}
    if len(panels) > 1:
        return figure.text(0.99, 0.985, "", va="top", **size)
    axes = panels[0]
    text = axes.text(0.99, 0.02, "", transform=axes.transAxes, va="bottom", **size)
    text.set_bbox({"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 1.5})
    return text


def _image(axes: Axes, movie: NDArray[Any], *, cmap: str, vmax: float) -> AxesImage:
    return axes.imshow(movie[0], cmap=cmap, vmin=0, vmax=vmax, interpolation="nearest")


def _at_end(values: NDArray[Any], shape: tuple[int, ...], name: str) -> NDArray[np.float64]:
    """Values (t', ...) as (t, ...) of `shape`, NaN before they begin."""
    if values.shape[1:] != shape[1:] or len(values) > shape[0]:
        raise DataError(
            f"{name} of shape {values.shape} does not go with a movie of {shape[0]} frames: "
            f"expected at most {shape[0]} frames, each of shape {shape[1:]}"
        )
    padded = np.full(shape, np.nan)
    padded[shape[0] - len(values) :] = values
    return padded


def _draw_traces(
    axes: Axes,
    traces: Mapping[str, NDArray[Any]],
    *,
    windows: Sequence[slice],
    length: int,
    fps: float,
) -> None:
    for window in windows:
        start, stop, _ = window.indices(length)
        axes.axvspan(start / fps, stop / fps, color=FAINT, linewidth=0)
    styles = model_styles(list(traces))
    for name, trace in traces.items():
        values = _at_end(trace, (length,), "trace")
        colour = TRUTH if name == "truth" else styles[name].colour
        axes.plot(np.arange(length) / fps, values, color=colour, label=name or None)
    axes.set_xlim(0, length / fps)
    if not traces:
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
    elif any(traces):
        axes.legend(loc="lower left", bbox_to_anchor=(0, 0.97), ncols=len(traces))


def _write_gif(
    path: Path, draw: Callable[[int], Picture], bar: Collection[int], *, fps: float
) -> None:
    """One palette for all frames; times of frames add up to the length of the movie."""
    length = len(bar)
    some = [draw(k) for k in np.unique(np.linspace(0, length - 1, 8).astype(int))]
    palette = Image.fromarray(np.concatenate(some)).quantize(256)

    def pictures() -> Iterator[Image.Image]:
        for index in bar:
            yield Image.fromarray(draw(index)).quantize(palette=palette, dither=Image.Dither.NONE)

    ends_ms = 10 * np.rint(100 * np.arange(length + 1) / fps).astype(int)  # GIF counts in 10 ms
    rest = pictures()
    with atomic(path) as temporary:
        next(rest).save(
            temporary,
            format="GIF",
            save_all=True,
            append_images=rest,
            duration=np.diff(ends_ms).tolist(),
            loop=0,
        )


def find_ffmpeg() -> str | None:
    """The program ffmpeg: on the path, else that of the package imageio-ffmpeg; None if neither."""
    program = shutil.which("ffmpeg")
    if program is None and importlib.util.find_spec("imageio_ffmpeg"):
        with suppress(RuntimeError):  # the package came without its program
            program = str(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
    return program


def write_mp4(
    path: Path,
    pictures: Iterator[Picture],
    *,
    fps: float,
    lossless: bool = False,
    otherwise: str = "becomes a GIF",
) -> bool:
    """Whether ffmpeg could write the video; one log line says so if not.

    Args:
        path: of the file.
        pictures: (H, W, 3) in colour, or (H, W) in grey.
        fps: frames per second.
        lossless: grey pictures come back as they are; browsers do not play such files.
        otherwise: what becomes of the path without ffmpeg, for the log line.
    """
    program = find_ffmpeg()
    if program is None:
        logger.info("no ffmpeg (pip install imageio-ffmpeg): %s %s", path, otherwise)
        return False
    first = next(pictures)
    size, colours = f"{first.shape[1]}x{first.shape[0]}", "rgb24" if first.ndim > 2 else "gray"
    given = ["-f", "rawvideo", "-pix_fmt", colours, "-s", size, "-r", str(fps), "-i", "-"]
    coded = ["-qp", "0", "-pix_fmt", "gray"] if lossless else ["-pix_fmt", "yuv420p"]
    made = ["-c:v", "libx264", *coded, "-threads", "1", "-map_metadata", "-1"]
    same = ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-f", "mp4"]
    try:
        with atomic(path) as temporary:
            command = [program, "-y", "-loglevel", "error", *given, *made, *same, str(temporary)]
            with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
                assert process.stdin is not None
                for picture in chain([first], pictures):
                    process.stdin.write(picture.tobytes())
                process.stdin.close()
            if process.returncode:
                raise BrokenPipeError
    except BrokenPipeError:
        logger.info("ffmpeg could not write %s (see above): it %s", path, otherwise)
        return False
    return True
