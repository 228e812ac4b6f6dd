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
    if centre_px is not None and not all(map(math.isfinite, centre_px)):
        centre_px = None
    inside: NDArray[np.bool_] = monitor.disc(size_deg, centre_px=centre_px)
    return inside


def visible_share(
    monitor: Monitor, size_deg: float, *, centre_px: tuple[float, float] | None = None
) -> float:
    """Share of the pixels of a disc that lie on the screen; 1 for a disc without pixels.

    Args:
        monitor: the screen.
        size_deg: diameter.
        centre_px: (x, y); None: (w / 2, h / 2).
    """
    margin = math.ceil(monitor.radius_px(size_deg)) + 1
    x, y = centre_px or (monitor.width_px / 2, monitor.height_px / 2)
    large = Monitor(
        width_cm=monitor.cm_per_px * (monitor.width_px + 2 * margin),
        height_cm=monitor.height_cm,
        distance_cm=monitor.distance_cm,
        width_px=monitor.width_px + 2 * margin,
        height_px=monitor.height_px + 2 * margin,
    )
    whole = int(large.disc(size_deg, centre_px=(x + margin, y + margin)).sum())
    return int(monitor.disc(size_deg, centre_px=(x, y)).sum()) / whole if whole else 1.0


def compose(mask: NDArray[np.bool_], centre: ArrayLike, surround: ArrayLike) -> NDArray[np.number]:
    """Movies or grey values: `centre` inside the mask (h, w), `surround` outside.

    Args:
        mask: (h, w).
        centre: (t, h, w), or one grey value.
        surround: (t, h, w), or one grey value; at least one of the two is a movie.
    """
    return np.where(mask, centre, surround)
