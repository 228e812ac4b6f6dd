"""Receptive fields as the published code fitted them (Methods 4.5.1), defects included.

Only for comparison: noise is added to the maps, the fit knows no bounds, quality is the 5 % of the
largest sigmas, and with fewer than 20 neurons every fit is bad.
"""

import warnings
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import OptimizeWarning, curve_fit
from tqdm import tqdm

from viv1t.analysis.gaussian_fit import FloatArray, gaussian_2d

COLUMNS: Final = ("amplitude", "center_x", "center_y", "sigma_x", "sigma_y", "theta", "offset")
START: Final = (3.0, 32.0, 18.0, 10.0, 10.0, 0.0, 10.0)
NOISE_SD: Final = 0.2
REJECTED: Final = 0.05
_ORDER: Final = ("amplitude", "x_px", "y_px", "sigma_x_px", "sigma_y_px", "theta_rad", "offset")


def published_fit(maps: FloatArray, *, seed: int = 1234, progress: str = "") -> pd.DataFrame:
    """One row a neuron: neuron, bad_fit and `COLUMNS`, float32, NaN where bad.

    Of all fits of `published_parameters` the floor(5 %) with the largest sigma_x are dropped, and
    those with the largest sigma_y; failed fits count as the largest.

    Args:
        maps: (n, h, w) weighted sums.
        seed: of the added noise.
        progress: what a progress bar says; empty: none.
    """
    fits = published_parameters(maps, seed=seed, progress=progress).astype(np.float32)
    largest = int(REJECTED * len(fits))
    # NaN sorts last; and floor(5 %) of fewer than 20 is 0, so that [-0:] is everything.
    worst = [np.argsort(fits[:, COLUMNS.index(name)])[-largest:] for name in ("sigma_x", "sigma_y")]
    fits[np.concatenate(worst)] = np.nan
    table = pd.DataFrame(fits, columns=list(COLUMNS))
    table = table.assign(neuron=np.arange(len(table)), bad_fit=table.isna().any(axis=1))
    return table[["neuron", "bad_fit", *COLUMNS]]


def published_parameters(maps: FloatArray, *, seed: int = 1234, progress: str = "") -> FloatArray:
    """(n, 7) `COLUMNS` of the fit to each map, NaN where it failed.

    Maps are z-scored over pixels (float32) and made absolute; 0.2 N(0, 1) of one serial
    RandomState is added; Levenberg-Marquardt starts at `START` and knows no bounds.

    Args:
        maps: (n, h, w) weighted sums.
        seed: of the added noise.
        progress: what a progress bar says; empty: none.
    """
    rng = np.random.RandomState(seed)
    shape = (int(maps.shape[1]), int(maps.shape[2]))
    fits = [
        _fit(np.asarray(values, dtype=np.float32), shape, rng)
        for values in tqdm(maps, desc=progress, disable=not progress)
    ]
    return np.array(fits).reshape(-1, len(COLUMNS))


def as_receptive_fields(fits: pd.DataFrame) -> pd.DataFrame:
    """The fits with the columns of `retinotopy.COLUMNS`; what the published code lacks is NaN."""
    renamed = fits.rename(columns=dict(zip(COLUMNS, _ORDER, strict=True)))
    unknown = dict.fromkeys(("r2", "peak_z", "x_se_px", "y_se_px"), np.nan)
    return renamed.assign(**unknown, method="published")


def _fit(
    values: NDArray[np.float32], shape: tuple[int, int], rng: np.random.RandomState
) -> FloatArray:
    z = np.abs((values - values.mean()) / values.std())
    noisy = z.ravel() + NOISE_SD * rng.normal(size=z.size)

    def model(_: FloatArray, *parameters: float) -> FloatArray:
        return gaussian_2d(shape, parameters).ravel()

    with warnings.catch_warnings():
        warnings.simplefilter("error", OptimizeWarning)
        try:
            found, _ = curve_fit(model, np.arange(z.size), noisy, p0=START)
        except (RuntimeError, OptimizeWarning):
            return np.full(len(COLUMNS), np.nan)
    return np.asarray(found)
