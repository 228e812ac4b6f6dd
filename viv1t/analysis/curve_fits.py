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
    for k in _WIDTHS:
        for angle in _ANGLES:
            bumps = [np.exp(k * (np.cos(radians - np.radians(angle) - s) - 1)) for s in (0, np.pi)]
            two = _least_squares(curves, np.stack([np.ones_like(radians), *bumps], 1))
            one = _least_squares(curves, np.stack([np.ones_like(radians), bumps[0]], 1))
            for error, parameters in (two, one):
                peak, opposite = parameters[:, 1], parameters[:, 2]
                better = (error < best - 1e-12) & (peak >= opposite) & (opposite >= 0)
                best[better] = error[better]
                found[better] = np.column_stack(
                    [np.full(len(peak), angle), np.full(len(peak), k), parameters]
                )[better]
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
    """Squared error (n,) and coefficients (n, 3) of the best combination of `basis` (d, 2 or 3)."""
    coefficients = curves @ np.linalg.pinv(basis).T
    error = ((curves - coefficients @ basis.T) ** 2).sum(1)
    padded = np.zeros((len(curves), 3))
    padded[:, : basis.shape[1]] = coefficients
    return error, padded
