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
        peak: (m,) that response.
        r2: (m,) explained variance over sizes.
        curve: (m, s) the fit at the sizes shown.
    """

    optimum_deg: FloatArray
    peak: FloatArray
    r2: FloatArray
    curve: FloatArray


def fit_size_tuning(sizes_deg: ArrayLike, curves: ArrayLike, *, family: Family) -> SizeFit:
    """The least-squares fit of each curve among a table of shapes, with free gain.

    "ratio" is the ratio of Gaussians of Cavanaugh, Bair & Movshon (2002), for discs:
    erf(x / a)² / (1 + k erf(x / b)²), a < b, on top of the response to the blank screen (size 0).
    "difference" is the difference of integrated Gaussians of Sceniak, Hawken & Shapley (2001), for
    holes, where growing sizes remove the stimulus: erf(x / a)² - k erf(x / b)², and a pure
    decline, with a free offset. All widths and strengths of the table are tried, so the fit is the
    global one, and as fine as the table (9 % in width).

    Args:
        sizes_deg: (s,) ascending, the first is 0.
        curves: (m, s) mean responses; curves with a NaN give NaN, constant ones no optimum.
        family: of the shapes.
    """
    sizes, values = np.asarray(sizes_deg, dtype=float), np.asarray(curves, dtype=float)
    shapes, tops, optimum = _table(tuple(sizes), family)
    anchor = _anchor(values, family)
    total = ((values - values.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    varies = total > 1e-12 * np.nan_to_num(values**2).sum(axis=1)  # False for NaN
    gains = np.clip(np.nan_to_num(values - anchor) @ shapes.T, 0, None)
    best = gains.argmax(axis=1)
    gain = np.where(varies, gains[np.arange(len(values)), best], 0.0)
    curve = anchor + gain[:, None] * shapes[best]
    r2 = np.full(len(values), np.nan)
    np.divide(((values - curve) ** 2).sum(axis=1), total, out=r2, where=varies)
    return SizeFit(
        optimum_deg=np.where(gain > 0, optimum[best], np.nan),
        peak=anchor[:, 0] + gain * tops[best],
        r2=1 - r2,
        curve=curve,
    )


@cache
def _table(sizes: tuple[float, ...], family: Family) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Shapes (k, s) above their anchor, of unit length, their largest value (k,) and its size."""
    dense = np.arange(0, sizes[-1] + DENSE_STEP_DEG / 2, DENSE_STEP_DEG)
    fine = np.stack(_ratios(dense) if family == "ratio" else _differences(dense))
    shapes = np.stack([np.interp(sizes, dense, shape) for shape in fine])
    anchor = _anchor(shapes, family)
    length = np.linalg.norm(shapes - anchor, axis=1, keepdims=True)
    tops = (fine.max(axis=1) - anchor[:, 0]) / length[:, 0]
    return (shapes - anchor) / length, tops, dense[fine.argmax(axis=1)]


def _anchor(curves: FloatArray, family: Family) -> FloatArray:
    """(k, 1) what fits of curves (k, s) are counted from."""
    return curves[:, :1] if family == "ratio" else curves.mean(axis=1, keepdims=True)


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
