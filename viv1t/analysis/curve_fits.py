"""Smooth functions fitted to direction tuning curves, and their width."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from viv1t.analysis.tuning_curves import FloatArray

# Resolution of the fit: directions in steps of 3 degrees, widths in steps of 5 %.
_ANGLES: Final = tuple(np.arange(0, 360, 3.0))
_WIDTHS: Final = tuple(np.geomspace(0.45, 40, 44))
MIN_HELD_OUT_R2: Final = 0.6


def fit_curves(
    curves: ArrayLike, directions_deg: ArrayLike, *, held_out: ArrayLike | None = None
) -> pd.DataFrame:
    """One row a neuron: a double von Mises function fitted to its curve.

    The function is c + a exp(k (cos(x - m) - 1)) + b exp(k (cos(x - m - 180) - 1)) with
    a >= b >= 0: two bumps of one width, as in Swindale (1998). Columns: fit_direction_deg (m),
    half_width_deg (half width at half height of a bump above c, arccos(1 - log(2) / k)),
    fit_offset, fit_peak (a), fit_opposite (b), fit_r2, and fit_r2_held_out: how well it explains
    curves of other repeats (Mazurek et al. 2014 ask for .6 before a width is believed).

    Widths below the spacing of the directions cannot be told from each other.

    Args:
        curves: (n, d), d >= 6.
        directions_deg: (d,) evenly spaced.
        held_out: (n, d) curves of other presentations; None: fit_r2_held_out is NaN.
    """
    curves = np.asarray(curves, dtype=float)
    radians = np.radians(np.asarray(directions_deg, dtype=float))
    best = np.full(len(curves), np.inf)
    found = np.zeros((len(curves), 5))
    peaks = np.radians(_ANGLES)[:, None]
    for k in _WIDTHS:
        bumps = [np.exp(k * (np.cos(radians - peaks - s) - 1)) for s in (0, np.pi)]
        level = np.ones_like(bumps[0])
        for basis in ([level, *bumps], [level, bumps[0]]):
            error, parameters = _least_squares(curves, np.stack(basis, axis=-1))
            valid = (parameters[..., 1] >= parameters[..., 2]) & (parameters[..., 2] >= 0)
            error = np.where(valid, error, np.inf)
            which = np.argmin(error, axis=0)
            least = np.take_along_axis(error, which[None], axis=0)[0]
            better = least < best - 1e-12
            best[better] = least[better]
            chosen = parameters[which, np.arange(len(curves))]
            whole = np.column_stack([np.array(_ANGLES)[which], np.full(len(curves), k), chosen])
            found[better] = whole[better]
    angle, k, offset, peak, opposite = found.T
    shape = [
        np.exp(k[:, None] * (np.cos(radians - np.radians(angle)[:, None] - s) - 1))
        for s in (0, np.pi)
    ]
    fitted = offset[:, None] + peak[:, None] * shape[0] + opposite[:, None] * shape[1]
    other = np.full(curves.shape, np.nan) if held_out is None else np.asarray(held_out, dtype=float)
    known = np.isfinite(best) & (peak > 0)
    table = pd.DataFrame(
        {
            "fit_direction_deg": angle,
            "half_width_deg": half_width_deg(k),
            "fit_offset": offset,
            "fit_peak": peak,
            "fit_opposite": opposite,
            "fit_r2": explained(curves, fitted),
            "fit_r2_held_out": explained(other, fitted),
        }
    )
    table.loc[~known] = np.nan
    return table


def half_width_deg(concentration: ArrayLike) -> FloatArray:
    """Half width at half height of exp(k (cos(x) - 1)), degrees; 180 if it never falls so low."""
    k = np.asarray(concentration, dtype=float)
    with np.errstate(divide="ignore"):
        return np.degrees(np.arccos(np.clip(1 - np.log(2) / k, -1, 1)))


def explained(curves: ArrayLike, fitted: ArrayLike) -> FloatArray:
    """(n,) share of the variance over directions of `curves` (n, d) that `fitted` explains."""
    curves = np.asarray(curves, dtype=float)
    total = ((curves - curves.mean(1, keepdims=True)) ** 2).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, 1 - ((curves - fitted) ** 2).sum(1) / total, np.nan)


def _least_squares(curves: FloatArray, basis: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Squared error (a, n) and coefficients (a, n, 3) of the best combination of each basis.

    Args:
        curves: (n, d).
        basis: (a, d, 2 or 3).
    """
    coefficients = np.swapaxes(np.linalg.pinv(basis) @ curves.T, 1, 2)
    error = (curves**2).sum(1) - ((curves @ basis) * coefficients).sum(-1)
    padded = np.zeros((*coefficients.shape[:2], 3))
    padded[..., : basis.shape[-1]] = coefficients
    return error, padded
