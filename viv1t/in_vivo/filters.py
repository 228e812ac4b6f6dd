"""Which neurons of a later day can speak: responsive, in place, reliable."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viv1t.analysis.stats import FloatArray
from viv1t.units import Monitor

# As published: diameter of the disc around the middle of all receptive fields, and the test of
# reliability.
FIELD_DEG: Final = 10.0
NUM_SD: Final = 2.0
NUM_DRAWS: Final = 100
PASSED: Final = 0.95


def responsive(
    trace: ArrayLike, *, before: int, on: int, num_sd: float = NUM_SD
) -> NDArray[np.bool_]:
    """(n,) bool: the peak of the response exceeds the frames before it by `num_sd` SD.

    Args:
        trace: (n, t) mean over repeats, beginning `before` frames before the stimulus; missing
            neurons (NaN) do not respond.
        before: frames of grey before the stimulus.
        on: frames of the stimulus.
        num_sd: standard deviations (of the population) of the frames before.
    """
    values = np.asarray(trace, dtype=float)
    grey, shown = values[:, :before], values[:, before : before + on]
    found: NDArray[np.bool_] = shown.max(axis=1) >= grey.mean(axis=1) + num_sd * grey.std(axis=1)
    return found


def in_field(
    centres_px: ArrayLike,
    *,
    monitor: Monitor,
    size_deg: float = FIELD_DEG,
    as_published: bool = False,
) -> NDArray[np.bool_]:
    """(n,) bool: receptive fields within a disc around the mean of all of them, on the screen.

    Args:
        centres_px: (n, 2) x, y; NaN: no good fit, never within.
        monitor: the screen.
        size_deg: diameter of the disc.
        as_published: pixels are compared with the width and height of the screen in cm, which
            loses the right and lower margin, and the middle is rounded to whole pixels.
    """
    centres = np.asarray(centres_px, dtype=float)
    if np.isnan(centres).all():
        return np.zeros(len(centres), dtype=bool)
    middle = np.nanmean(centres, axis=0)
    size: tuple[float, float] = (monitor.width_px, monitor.height_px)
    if as_published:
        middle, size = np.rint(middle), (monitor.width_cm, monitor.height_cm)
    near = np.hypot(*(centres - middle).T) < monitor.radius_px(size_deg)
    found: NDArray[np.bool_] = near & (centres >= 0).all(axis=1) & (centres < size).all(axis=1)
    return found


def reliable(
    responses: ArrayLike,
    condition: int,
    *,
    seed: int = 1234,
    num_draws: int = NUM_DRAWS,
    passed: float = PASSED,
    as_published: bool = False,
) -> NDArray[np.bool_]:
    """(n,) bool: repeats of a condition are more alike than as many trials of other conditions.

    The measure is the mean Pearson r over time of all pairs of repeats; it must exceed that of
    `passed` of the `num_draws` random draws. So it asks for time courses of its own, not only for
    a response: neurons that answer all conditions alike do not pass.

    Args:
        responses: (n, k, r, t) while the stimulus is on; NaN: fewer repeats, or no neuron.
        condition: its place in k.
        seed: of the draws.
        num_draws: draws a neuron.
        passed: share of draws that must be exceeded.
        as_published: draws come from the trials of all conditions, and an equal measure counts as
            exceeded.
    """
    values = np.asarray(responses, dtype=float)
    random = np.random.RandomState(seed)
    found = np.zeros(len(values), dtype=bool)
    for n, neuron in enumerate(values):
        own = _known(neuron[condition])
        others = np.concatenate(neuron if as_published else np.delete(neuron, condition, axis=0))
        others = _known(others)
        if min(len(own), len(others)) < 2:
            continue
        measure = mean_pairwise(own)
        # Unit vectors: the measure of a draw is a mean of their products.
        products = np.atleast_2d(np.corrcoef(others))
        drawn = np.array(
            [
                _mean_off_diagonal(products[np.ix_(chosen, chosen)])
                for chosen in (
                    random.choice(len(others), min(len(own), len(others)), replace=False)
                    for _ in range(num_draws)
                )
            ]
        )
        reached = measure >= drawn if as_published else measure > drawn
        found[n] = reached.sum() >= passed * num_draws
    return found


def mean_pairwise(repeats: FloatArray) -> float:
    """Mean Pearson r over time of all pairs of repeats (r, t)."""
    return _mean_off_diagonal(np.atleast_2d(np.corrcoef(repeats)))


def _mean_off_diagonal(matrix: FloatArray) -> float:
    return float(np.nanmean(matrix[np.triu_indices(len(matrix), 1)]))


def _known(trials: FloatArray) -> FloatArray:
    return trials[np.isfinite(trials).all(axis=1)]
