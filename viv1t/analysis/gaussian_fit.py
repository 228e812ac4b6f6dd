"""Two-dimensional Gaussians fitted to maps: bounded, from the smoothed peak, with standard errors.

Maps of fit functions are in standard errors: the noise of a pixel has variance 1, pixels are
independent, as they are after white noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import least_squares
from tqdm import tqdm

FloatArray: TypeAlias = NDArray[np.floating]

PARAMETERS: Final = (
    "amplitude",
    "x_px",
    "y_px",
    "sigma_x_px",
    "sigma_y_px",
    "theta_rad",
    "offset",
)
FIT_COLUMNS: Final = (*PARAMETERS, "r2", "x_se_px", "y_se_px")
SIGMA_PX: Final = (0.7, 20.0)
# Peaks are looked for in the map smoothed with each of these.
SCALES_PX: Final = (1.0, 2.0, 4.0)
CHUNK: Final = 256


@dataclass(frozen=True, kw_only=True)
class Peaks:
    """The strongest place of each map after smoothing, over all scales.

    Attributes:
        z: (n,) absolute height in standard deviations of smoothed white noise of unit variance.
        x_px: (n,) column.
        y_px: (n,) row.
        scale_px: (n,) sigma of the smoothing.
        sign: (n,) 1 or -1.
    """

    z: FloatArray
    x_px: FloatArray
    y_px: FloatArray
    scale_px: FloatArray
    sign: FloatArray

    def of(self, rows: NDArray[np.int64]) -> "Peaks":
        """Those of some maps."""
        return Peaks(**{name: values[rows] for name, values in vars(self).items()})


@dataclass(frozen=True, kw_only=True)
class Solution:
    """The Gaussian that fits a map best.

    Attributes:
        parameters: (7,) as in `PARAMETERS`.
        slopes: (pixels, 7) derivatives of the Gaussian by its parameters.
        r2: share of the map's variance over all pixels, noise included.
        residual: (h, w) what is left of the map.
    """

    parameters: FloatArray
    slopes: FloatArray
    r2: float
    residual: FloatArray

    def row(self, covariance: FloatArray | None = None) -> tuple[float, ...]:
        """`FIT_COLUMNS`, standard errors from the shape of the optimum.

        Args:
            covariance: (7, 7) slopes' V slopes with the covariance V of the pixels; None: that of
                independent pixels of unit variance.
        """
        # The angle of a round Gaussian is free: the pseudo-inverse leaves it out.
        inverse = np.linalg.pinv(self.slopes.T @ self.slopes, hermitian=True)
        spread = inverse if covariance is None else inverse @ covariance @ inverse
        errors = np.sqrt(np.diag(spread))
        return (*self.parameters, self.r2, errors[1], errors[2])


def gaussian_2d(shape_px: tuple[int, int], parameters: Sequence[float] | FloatArray) -> FloatArray:
    """Offset + A exp(-(a dx² + 2b dx dy + c dy²)), (h, w), as the paper defines it.

    a = cos²θ/2σx² + sin²θ/2σy², b = -sin2θ/4σx² + sin2θ/4σy², c = sin²θ/2σx² + cos²θ/2σy².

    Args:
        shape_px: (h, w).
        parameters: amplitude, x, y, sigma_x, sigma_y, theta (radians), offset; lengths in pixels.
    """
    amplitude, x0, y0, sigma_x, sigma_y, theta, offset = parameters
    along, across = 2 * sigma_x**2, 2 * sigma_y**2
    a = np.cos(theta) ** 2 / along + np.sin(theta) ** 2 / across
    b = -np.sin(2 * theta) / (2 * along) + np.sin(2 * theta) / (2 * across)
    c = np.sin(theta) ** 2 / along + np.cos(theta) ** 2 / across
    x, y = _grid(shape_px)
    dx, dy = x - x0, y - y0
    return np.asarray(offset + amplitude * np.exp(-(a * dx**2 + 2 * b * dx * dy + c * dy**2)))


def smoothed_peaks(maps: FloatArray, *, scales_px: Sequence[float] = SCALES_PX) -> Peaks:
    """The strongest places of maps (n, h, w)."""
    starts = range(0, max(len(maps), 1), CHUNK)
    found = [_peaks(maps[start : start + CHUNK], scales_px) for start in starts]
    height, row, column, scale, sign = np.concatenate(found, axis=1)
    return Peaks(z=height, x_px=column, y_px=row, scale_px=scale, sign=sign)


def null_peak(
    shape_px: tuple[int, int], *, level: float, rng: np.random.Generator, num: int = 2000
) -> float:
    """The peak that maps of pure noise exceed with probability `level`.

    A map in standard errors is white noise of unit variance where there is no receptive field,
    whatever the distribution of the responses; so one threshold serves all neurons.

    Args:
        shape_px: (h, w) of the maps.
        level: probability.
        rng: of the noise maps.
        num: noise maps.
    """
    noise = rng.standard_normal((num, *shape_px), dtype=np.float32)
    return float(np.quantile(smoothed_peaks(noise).z, 1 - level))


def fit_gaussians(
    maps: FloatArray, peaks: Peaks, *, progress: str = ""
) -> tuple[pd.DataFrame, FloatArray]:
    """A Gaussian fitted to each map by least squares, and what it leaves.

    The centre lies in the frame, sigmas in `SIGMA_PX`, theta in (-π/2, π/2]; the sign of the
    amplitude is that of the peak.

    Args:
        maps: (n, h, w).
        peaks: where fits start.
        progress: what a progress bar says; empty: none.

    Returns:
        `FIT_COLUMNS`, one row a map, NaN for maps without variance; and residuals (n, h, w).
    """
    rows, left = [], np.zeros(maps.shape, dtype=np.float32)
    for i in tqdm(range(len(maps)), desc=progress, disable=not progress):
        start = (float(peaks.x_px[i]), float(peaks.y_px[i]), 1.5 * float(peaks.scale_px[i]))
        solution = solve(maps[i], start=start, sign=float(peaks.sign[i]))
        rows.append(solution.row() if solution else (np.nan,) * len(FIT_COLUMNS))
        left[i] = solution.residual if solution else maps[i]
    return pd.DataFrame(rows, columns=list(FIT_COLUMNS)), left


def solve(values: FloatArray, *, start: tuple[float, float, float], sign: float) -> Solution | None:
    """The Gaussian that fits a map (h, w) best, see `fit_gaussians`; None if it is constant.

    Args:
        values: the map.
        start: x, y and sigma where the search begins.
        sign: of the amplitude.
    """
    upright = sign * np.asarray(values, dtype=np.float64)
    (height, width), grid = upright.shape, _grid(upright.shape)
    spread, offset = float(upright.std()), float(np.median(upright))
    if not spread > 0:
        return None
    x, y, sigma = start
    sigma = float(np.clip(sigma, 1.01 * SIGMA_PX[0], 0.9 * SIGMA_PX[1]))
    peak = max(float(upright[int(y), int(x)]) - offset, spread)
    lower = (0.0, 0.0, 0.0, SIGMA_PX[0], SIGMA_PX[0], -np.inf, -np.inf)
    upper = (np.inf, width - 1.0, height - 1.0, SIGMA_PX[1], SIGMA_PX[1], np.inf, np.inf)

    def misfit(p: FloatArray) -> FloatArray:
        gaussian = p[6] + p[0] * np.exp(-_exponent(grid, p)[0])
        return np.asarray(gaussian - upright).ravel()

    solved = least_squares(
        misfit,
        (peak, x, y, sigma, 1.1 * sigma, 0.0, offset),
        jac=lambda p: _slopes(grid, p),
        bounds=(lower, upper),
        x_scale=(peak, 1.0, 1.0, 1.0, 1.0, 1.0, spread),
        ftol=1e-6,
        xtol=1e-6,
        gtol=1e-8,
        max_nfev=100,
    )
    found = solved.x.copy()
    found[5] = np.pi / 2 - (np.pi / 2 - found[5]) % np.pi
    found[[0, 6]] *= sign
    total = float(((upright - upright.mean()) ** 2).sum())
    return Solution(
        parameters=found,
        slopes=solved.jac,
        r2=1 - 2 * float(solved.cost) / total,
        residual=-sign * solved.fun.reshape(upright.shape),
    )


def smoother(size: int, sigma_px: float) -> FloatArray:
    """(size, size) Gaussian smoothing along an axis; what lies beyond the ends counts as 0."""
    return np.asarray(gaussian_filter1d(np.eye(size), sigma_px, axis=0, mode="constant"))


def _grid(shape_px: tuple[int, ...]) -> FloatArray:
    """(2, h, w) x and y of the pixels."""
    y, x = np.mgrid[: shape_px[0], : shape_px[1]].astype(np.float64)
    return np.stack([x, y])


def _exponent(
    grid: FloatArray, parameters: Sequence[float] | FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The exponent of the Gaussian, and the coordinates along its axes."""
    _, x0, y0, sigma_x, sigma_y, theta, _ = parameters
    dx, dy = grid[0] - x0, grid[1] - y0
    u = np.cos(theta) * dx - np.sin(theta) * dy
    v = np.sin(theta) * dx + np.cos(theta) * dy
    return u**2 / (2 * sigma_x**2) + v**2 / (2 * sigma_y**2), u, v


def _slopes(grid: FloatArray, parameters: FloatArray) -> FloatArray:
    """(pixels, 7) derivatives of the Gaussian by its parameters."""
    amplitude, _, _, sigma_x, sigma_y, theta, _ = parameters
    exponent, u, v = _exponent(grid, parameters)
    shape = np.exp(-exponent)
    cos, sin = np.cos(theta), np.sin(theta)
    along, across = u / sigma_x**2, v / sigma_y**2
    by = (
        np.ones_like(u),
        amplitude * (cos * along + sin * across),
        amplitude * (cos * across - sin * along),
        amplitude * u * along / sigma_x,
        amplitude * v * across / sigma_y,
        amplitude * u * v * (1 / sigma_x**2 - 1 / sigma_y**2),
    )
    columns = [(shape * slope).ravel() for slope in by]
    return np.stack([*columns, np.ones(u.size)], axis=1)


def _peaks(maps: FloatArray, scales_px: Sequence[float]) -> FloatArray:
    """(5, n) height, row, column, scale and sign."""
    n, height, width = maps.shape
    best = np.zeros((5, n))
    best[4] = 1
    for scale in scales_px:
        down, across = (_whitened(smoother(size, scale)) for size in (height, width))
        smoothed = (down @ maps.astype(np.float32) @ across.T).reshape(n, -1)
        places = np.abs(smoothed).argmax(axis=1)
        heights = smoothed[np.arange(n), places]
        rows, columns = np.unravel_index(places, (height, width))
        found = np.stack([np.abs(heights), rows, columns, np.full(n, scale), np.sign(heights)])
        best = np.where(found[0] > best[0], found, best)
    return best


def _whitened(kernel: FloatArray) -> FloatArray:
    """`kernel`, scaled so that it keeps white noise at unit variance everywhere."""
    return (kernel / np.sqrt((kernel**2).sum(axis=1, keepdims=True))).astype(np.float32)
