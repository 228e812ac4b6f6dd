"""Discs on the screen, and what is shown inside and outside of them."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viv1t.units import Monitor


def disc(
    monitor: Monitor, size_deg: float, *, centre_px: tuple[float, float] | None = None
) -> NDArray[np.bool_]:
    """(h, w): pixels inside a disc of `size_deg` degrees; what is beyond the screen is cut off.

    Args:
        monitor: the screen; the disc has the radius of one at its centre.
        size_deg: diameter; 0 gives no pixel.
        centre_px: (x, y); None or NaN: (w / 2, h / 2).
    """
    inside: NDArray[np.bool_] = monitor.disc(size_deg, centre_px=_centre(monitor, centre_px))
    return inside


def soft_disc(
    monitor: Monitor,
    size_deg: float,
    *,
    centre_px: tuple[float, float] | None = None,
    soft_px: float = 0.0,
    outward: bool = False,
) -> NDArray[np.float32]:
    """(h, w) share, 0 to 1, that each pixel has in a disc whose edge is half a cosine.

    Args:
        monitor: the screen; the disc has the radius of one at its centre.
        size_deg: diameter.
        centre_px: (x, y); None or NaN: (w / 2, h / 2).
        soft_px: width of the edge; 0: hard, the pixels of `disc`.
        outward: the edge lies outside of the diameter, where the share is 1 up to it; otherwise
            inside, where it is 0 from it on.
    """
    if soft_px <= 0:
        return disc(monitor, size_deg, centre_px=centre_px).astype(np.float32)
    x, y = _centre(monitor, centre_px)
    rows, columns = np.mgrid[: monitor.height_px, : monitor.width_px]
    radius = monitor.radius_px(size_deg) + (soft_px if outward else 0)
    depth = np.clip((radius - np.hypot(columns - x, rows - y)) / soft_px, 0, 1)
    return ((1 - np.cos(np.pi * depth)) / 2).astype(np.float32)


def visible_share(
    monitor: Monitor, size_deg: float, *, centre_px: tuple[float, float] | None = None
) -> float:
    """Share of the pixels of a disc that lie on the screen; 1 for a disc without pixels.

    Args:
        monitor: the screen.
        size_deg: diameter.
        centre_px: (x, y); None or NaN: (w / 2, h / 2).
    """
    x, y = _centre(monitor, centre_px)
    radius = monitor.radius_px(size_deg)
    around = np.arange(-math.ceil(radius) - 1, math.ceil(radius) + 2)
    columns, rows = math.floor(x) + around, (math.floor(y) + around)[:, None]
    inside = np.hypot(columns - x, rows - y) < radius
    on_screen = (columns >= 0) & (columns < monitor.width_px)
    on_screen = on_screen & (rows >= 0) & (rows < monitor.height_px)
    return float((inside & on_screen).sum() / inside.sum()) if inside.any() else 1.0


def _centre(monitor: Monitor, centre_px: tuple[float, float] | None) -> tuple[float, float]:
    """`centre_px`, or (w / 2, h / 2) if it is None or NaN."""
    if centre_px is None or not all(map(math.isfinite, centre_px)):
        return monitor.width_px / 2, monitor.height_px / 2
    return centre_px


def compose(mask: NDArray[np.bool_], centre: ArrayLike, surround: ArrayLike) -> NDArray[np.number]:
    """Movies or grey values: `centre` inside the mask (h, w), `surround` outside.

    Args:
        mask: (h, w).
        centre: (t, h, w), or one grey value.
        surround: (t, h, w), or one grey value; at least one of the two is a movie.
    """
    return np.where(mask, centre, surround)
