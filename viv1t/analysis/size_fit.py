"""Fits of size tuning curves: the best of a table of shapes, which never fails to converge."""

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf

FloatArray: TypeAlias = NDArray[np.float64]
Family: TypeAlias = Literal["ratio", "difference"]

# Widths of the Gaussians in degrees, a step of 9 %, and strengths of the outer one.
CENTRES_DEG: Final = tuple(np.geomspace(4.0, 90.0, 37))
SURROUNDS: Final = (1.1, 1.4, 1.8, 2.4, 3.2, 4.5, 7.0)
STRENGTHS: Final = (0.0, *np.geomspace(0.05, 60.0, 26))
SHARES: Final = (0.0, *np.geomspace(0.1, 10.0, 25))
DENSE_STEP_DEG: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class SizeFit:
    """Fits of m size tuning curves.

    Attributes:
        optimum_deg: (m,) size of the largest response between 0 and the largest size shown.
        suppression_index: (m,) share of the response at the optimum that the largest size loses,
            without the response to a blank screen: 0..1.
        r2: (m,) explained variance over sizes.
        curve: (m, s) the fit at the sizes shown.
    """

    optimum_deg: FloatArray
    suppression_index: FloatArray
    r2: FloatArray
    curve: FloatArray


def fit_size_tuning(sizes_deg: ArrayLike, curves: ArrayLike, *, family: Family) -> SizeFit:
    """The least-squares fit of each curve among a table of shapes, with free gain and offset.

    "ratio" is the ratio of Gaussians of Cavanaugh, Bair & Movshon (2002), for discs:
    erf(x / a)² / (1 + k erf(x / b)²), a < b. "difference" is the difference of integrated
    Gaussians of Sceniak, Hawken & Shapley (2001), for holes, where growing sizes remove the
    stimulus: erf(x / a)² - k erf(x / b)², and a pure decline. All widths and strengths of the
    table are tried, so the fit is the global one, and as fine as the table (9 % in width).

    Args:
        sizes_deg: (s,) ascending, the first is 0.
        curves: (m, s) mean responses; curves with a NaN give NaN.
        family: of the shapes.
    """
    sizes, values = np.asarray(sizes_deg, dtype=float), np.asarray(curves, dtype=float)
    shapes, optimum, index = _table(tuple(sizes), family)
    mean = values.mean(axis=1, keepdims=True)
    centred = values - mean
    covariance = np.clip(np.nan_to_num(centred) @ shapes.T, 0, None)  # gain is not negative
    best = covariance.argmax(axis=1)
    gain = covariance[np.arange(len(values)), best]
    total = (centred**2).sum(axis=1)
    known = ~np.isnan(total)
    flat = known & ~(total > 1e-12 * np.nan_to_num(values**2).sum(axis=1))
    r2 = np.full(len(values), np.nan)
    np.divide(gain**2, total, out=r2, where=known & ~flat)
    defined = known & ~flat & (gain > 0)
    return SizeFit(
        optimum_deg=np.where(defined, optimum[best], np.nan),
        suppression_index=np.where(defined, index[best], np.nan),
        r2=r2,
        curve=mean + gain[:, None] * shapes[best],
    )


@cache
def _table(sizes: tuple[float, ...], family: Family) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Shapes (k, s) without mean and of unit length, their optimum (k,) and suppression (k,)."""
    dense = np.arange(0, sizes[-1] + DENSE_STEP_DEG / 2, DENSE_STEP_DEG)
    fine = np.stack(_ratios(dense) if family == "ratio" else _differences(dense))
    shapes = np.stack([np.interp(sizes, dense, shape) for shape in fine])
    peak = fine.max(axis=1)
    index = np.divide(peak - fine[:, -1], peak, out=np.ones(len(fine)), where=peak > 0)
    shapes -= shapes.mean(axis=1, keepdims=True)
    shapes /= np.linalg.norm(shapes, axis=1, keepdims=True)
    return shapes, dense[fine.argmax(axis=1)], np.clip(index, 0, 1)


def _summed(size: FloatArray, width: float) -> FloatArray:
    """What a Gaussian of `width` collects from a disc of diameter `size`."""
    return np.asarray(erf(size / width) ** 2, dtype=float)


def _ratios(size: FloatArray) -> list[FloatArray]:
    return [
        _summed(size, centre) / (1 + strength * _summed(size, wider * centre))
        for centre in CENTRES_DEG
        for wider in SURROUNDS
        for strength in STRENGTHS
    ]


def _differences(size: FloatArray) -> list[FloatArray]:
    declines = [-_summed(size, width) for width in CENTRES_DEG]
    return declines + [
        _summed(size, centre) - share * _summed(size, wider * centre)
        for centre in CENTRES_DEG
        for wider in SURROUNDS
        for share in SHARES
    ]
