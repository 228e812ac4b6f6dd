"""Where a curve that grows less and less has given most of what it gives."""

import numpy as np
from numpy.typing import ArrayLike

# A curve that rises above its chord by less, as a share of its height, has no elbow.
LEAST_BEND = 0.1


def elbow(x: ArrayLike, y: ArrayLike, *, least_bend: float = LEAST_BEND) -> int | None:
    """The place of the point farthest above the chord, both axes scaled to 0..1; None: no elbow.

    Satopää, Albrecht, Irwin & Raghavan (2011). The running maximum of `y` counts, so that a fall
    after the top is no elbow of its own; NaN are left out.

    Args:
        x: (k,) ascending.
        y: (k,).
        least_bend: height above the chord that an elbow has.

    Raises:
        ValueError: x does not ascend, or the lengths differ.
    """
    across, up = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if across.shape != up.shape or across.ndim != 1 or not (np.diff(across) > 0).all():
        raise ValueError(f"expected x (k,) ascending and y (k,), got {across} and {up}")
    known = np.flatnonzero(~np.isnan(up))
    top = np.maximum.accumulate(up[known])
    if len(known) < 3 or not top[-1] > top[0]:
        return None
    width = across[known[-1]] - across[known[0]]
    above = (top - top[0]) / (top[-1] - top[0]) - (across[known] - across[known[0]]) / width
    place = int(above.argmax())
    return int(known[place]) if above[place] >= least_bend else None
