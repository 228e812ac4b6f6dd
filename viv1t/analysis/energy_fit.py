"""Envelopes of receptive fields that have flanks of both signs, from the square of a linear map."""

import numpy as np
import pandas as pd
from tqdm import tqdm

from viv1t.analysis.gaussian_fit import (
    FIT_COLUMNS,
    PARAMETERS,
    SIGMA_PX,
    FloatArray,
    Peaks,
    smoother,
    solve,
)

_X_SIGMA, _Y_SIGMA = PARAMETERS.index("sigma_x_px"), PARAMETERS.index("sigma_y_px")


def fit_energy(maps: FloatArray, peaks: Peaks, *, progress: str = "") -> pd.DataFrame:
    """A Gaussian fitted to the local energy of each map, one row a map.

    The square of a map in standard errors, less 1, has the square of the receptive field as its
    mean. Smoothed over a lobe it is the squared envelope of a Gabor, whatever the phase, so that
    the centre is that of the whole and not of one lobe. Standard errors count noise of variance
    2 + 4 s² at a pixel with signal s.

    Args:
        maps: (n, h, w) in standard errors.
        peaks: of the maps; their scale is taken for the size of a lobe.
        progress: what a progress bar says; empty: none.

    Returns:
        `FIT_COLUMNS`: sigmas are those of the squared envelope, the smoothing taken off.
    """
    rows = []
    for i in tqdm(range(len(maps)), desc=progress, disable=not progress):
        place, scale = (float(peaks.x_px[i]), float(peaks.y_px[i])), float(peaks.scale_px[i])
        rows.append(_fit(np.asarray(maps[i], dtype=np.float64), place, scale))
    return pd.DataFrame(rows, columns=list(FIT_COLUMNS))


def _fit(values: FloatArray, place: tuple[float, float], scale: float) -> tuple[float, ...]:
    down, across = (smoother(size, scale) for size in values.shape)
    energy = down @ (values**2 - 1) @ across.T
    solution = solve(energy, start=(*place, 2 * scale), sign=1.0)
    if solution is None:
        return (np.nan,) * len(FIT_COLUMNS)
    signal = np.maximum(energy - solution.residual, 0)
    slopes = solution.slopes.T.reshape(-1, *values.shape)
    spread = (down.T @ slopes @ across).reshape(len(slopes), -1)
    row = list(solution.row(spread * (2 + 4 * signal.ravel()) @ spread.T))
    for axis in (_X_SIGMA, _Y_SIGMA):
        row[axis] = np.sqrt(max(row[axis] ** 2 - scale**2, SIGMA_PX[0] ** 2))
    return tuple(row)
