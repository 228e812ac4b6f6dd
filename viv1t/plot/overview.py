"""The README's picture of the model: a schematic, not data."""

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from numpy.typing import NDArray

from viv1t.plot.diagram import PALE, Point, arrow, box, canvas, curve, picture
from viv1t.plot.style import BLUE, GREEN, INK, PURPLE, VERMILION

FRAME: Final = (36, 64)
MICE: Final = (("A", VERMILION), ("B", GREEN), ("C", PURPLE))


def overview(seed: int) -> Figure:
    """The README's picture: movie and behaviour, core, readouts, responses. A schematic."""
    rng = np.random.default_rng(seed)
    figure, axes = canvas(183, 76)
    movie = dead_leaves(rng, num_frames=4)
    _draw_inputs(axes, movie, rng)
    _draw_core(axes, movie[-1])
    arrow(axes, (46, 38), (52, 38))
    arrow(axes, (100, 38), (105, 38))
    for place, (mouse_id, colour) in enumerate(MICE):
        bottom = 51 - 23 * place
        columns, rows = np.meshgrid(np.linspace(0.15, 0.85, 5), (0.28, 0.72))
        spread = np.stack((columns.ravel(), rows.ravel()), axis=1)[rng.permutation(10)[:7]]
        neurons = spread + rng.uniform(-1, 1, spread.shape) * (0.06, 0.12)
        _draw_readout(axes, neurons, (106, bottom), mouse_id, colour)
        arrow(axes, (132, bottom + 7), (137, bottom + 7))
        _draw_responses(axes, (138, bottom), colour, rng)
    _headings(axes)
    return figure


def dead_leaves(rng: np.random.Generator, *, num_frames: int) -> NDArray[np.float64]:
    """(t, h, w) grey values: discs that hide one another, seen by a camera that moves right."""
    height, width = FRAME
    rows, columns = np.mgrid[:height, : width + 60]
    scene = np.full(rows.shape, 127.0)
    for _ in range(400):
        radius = 3.0 * rng.uniform(0.03, 1) ** (-0.5)
        x, y = rng.uniform(0, scene.shape[1]), rng.uniform(0, height)
        scene[(columns - x) ** 2 + (rows - y) ** 2 < radius**2] = rng.uniform(10, 245)
    return np.stack([scene[:, 9 * t : 9 * t + width] for t in range(num_frames)])


def _smooth(rng: np.random.Generator, num: int, width: float) -> NDArray[np.float64]:
    kernel = np.exp(-0.5 * (np.arange(-4 * width, 4 * width + 1) / width) ** 2)
    noise = np.convolve(rng.normal(size=num + 20 * int(width)), kernel, mode="same")
    return noise[10 * int(width) :][:num] / np.sqrt((kernel**2).sum())


def _draw_inputs(axes: Axes, movie: NDArray[np.float64], rng: np.random.Generator) -> None:
    for t, frame in enumerate(movie):
        picture(axes, frame, (4 + 4.5 * t, 46 - 4 * t), (27, 15.2), zorder=2 + t)
    arrow(axes, (3, 43.5), (13.5, 34.2), colour="#666666", linewidth=0.8)
    axes.text(6.5, 36.5, "time", color="#666666", fontsize=6, rotation=-41, ha="center")
    for text, bottom, width in (
        ("running", 21, 12.0),
        ("pupil size", 13.5, 20.0),
        ("gaze", 6, 8.0),
    ):
        values = _smooth(rng, 200, width)
        limits = (float(values.min()), float(values.max()))
        curve(axes, values, (18, bottom), (27, 5), limits=limits, colour=INK, linewidth=0.9)
        axes.text(16.5, bottom + 2.5, text, ha="right", va="center", fontsize=6.5)


def _draw_core(axes: Axes, frame: NDArray[np.float64]) -> None:
    box(axes, (52.5, 6), (47, 62), face=PALE[BLUE], edge=BLUE)
    picture(axes, frame, (57, 51), (22, 12.4))
    _grid(axes, (57, 51), (22, 12.4), zorder=4)
    axes.text(81, 57.2, "space-time\npatches\n+ behaviour", va="center", fontsize=6.5)
    arrow(axes, (76, 50), (76, 47.2), colour=BLUE)
    blocks = (
        ("spatial attention", "the patches of one frame", 38),
        ("causal temporal attention", "this frame and the past", 25.5),
    )
    for title, note, bottom in blocks:
        x, y = box(axes, (57, bottom), (38, 9), face="white", edge=BLUE)
        axes.text(x, y + 1.5, title, ha="center", va="center", fontsize=7)
        axes.text(x, y - 2, note, ha="center", va="center", fontsize=6, color="#555555")
    arrow(axes, (76, 37.7), (76, 34.8), colour=BLUE)
    arrow(axes, (76, 25.2), (76, 22.4), colour=BLUE)
    for layer in range(4):
        box(
            axes,
            (60 + 1.6 * layer, 14.2 - 1.2 * layer),
            (19, 7),
            face="#BFD9EC",
            edge="white",
            rounding=0.3,
        )
    axes.text(90.5, 14, "features", ha="center", va="center", fontsize=6.5)


def _grid(axes: Axes, corner: Point, size: Point, *, zorder: float) -> None:
    """White lines that cut a rectangle into patches."""
    for x in np.linspace(corner[0], corner[0] + size[0], 9)[1:-1]:
        axes.plot([x, x], [corner[1], corner[1] + size[1]], "w-", linewidth=0.6, zorder=zorder)
    for y in np.linspace(corner[1], corner[1] + size[1], 6)[1:-1]:
        axes.plot([corner[0], corner[0] + size[0]], [y, y], "w-", linewidth=0.6, zorder=zorder)


def _draw_readout(
    axes: Axes, neurons: NDArray[np.float64], corner: Point, mouse_id: str, colour: str
) -> None:
    box(axes, corner, (25, 14), face="#F7F7F7", edge=colour, rounding=0.8)
    _grid(axes, corner, (25, 14), zorder=2)
    for u, v in neurons:
        place = (corner[0] + 25 * u, corner[1] + 14 * v)
        for scale, alpha in ((4.2, 0.18), (2.6, 0.3)):
            ring = Ellipse(place, scale, scale, facecolor=colour, alpha=alpha, linewidth=0)
            axes.add_patch(ring)
        axes.plot(*place, marker="o", markersize=1.8, color=colour)
    name = axes.text(corner[0] + 12.5, corner[1] - 0.8, f"mouse {mouse_id}", ha="center", va="top")
    name.set(color=colour, fontsize=6.5, fontweight="bold")


def _draw_responses(axes: Axes, corner: Point, colour: str, rng: np.random.Generator) -> None:
    for row in range(2):
        drive = np.maximum(_smooth(rng, 220, 5.0), 0) ** 1.7
        predicted = 0.75 * drive + 0.25 * np.maximum(_smooth(rng, 220, 6.0), 0)
        recorded = drive * rng.gamma(12.0, 1 / 12.0, 220) + 0.05
        limits = (0.0, float(recorded.max()))
        place = (corner[0], corner[1] + 7.6 * (1 - row) - 0.5)
        curve(axes, recorded, place, (42, 6.2), limits=limits, colour="#9A9A9A", linewidth=0.9)
        curve(axes, predicted, place, (42, 6.2), limits=limits, colour=colour, linewidth=1.2)


def _headings(axes: Axes) -> None:
    for x, text in (
        (24, "movie and behaviour"),
        (76, "ViViT core, shared"),
        (118.5, "Gaussian readouts"),
        (159, "responses"),
    ):
        axes.text(x, 71.5, text, ha="center", va="center", fontsize=8.5, fontweight="bold")
    axes.text(118.5, 67.7, "moved by the gaze", ha="center", va="center", fontsize=6.5)
    axes.plot([141, 146], [67.7, 67.7], color="#9A9A9A", linewidth=1.1)
    axes.text(147, 67.7, "recorded", va="center", fontsize=6.5)
    for place, (_, colour) in enumerate(MICE):
        axes.plot([160 + 1.8 * place, 161.6 + 1.8 * place], [67.7] * 2, color=colour, linewidth=1.3)
    axes.text(166.5, 67.7, "predicted", va="center", fontsize=6.5)
