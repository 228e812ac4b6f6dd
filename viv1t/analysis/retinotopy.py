"""Receptive fields of neurons: from sums over white noise to centres, sizes and standard errors."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from viv1t.analysis.energy_fit import fit_energy
from viv1t.analysis.gaussian_fit import (
    FIT_COLUMNS,
    PARAMETERS,
    FloatArray,
    Peaks,
    fit_gaussians,
    null_peak,
    smoothed_peaks,
)

STA: Final = "sta"
STA_ENERGY: Final = "sta_energy"
SECOND_MOMENT: Final = "second_moment"
GRADIENT: Final = "gradient"
# Maps of squares show the square of an envelope, which is narrower than the envelope.
SIGMA_FACTOR: Final[Mapping[str, float]] = MappingProxyType(
    {STA: 1.0, STA_ENERGY: np.sqrt(2), SECOND_MOMENT: np.sqrt(2), GRADIENT: np.sqrt(2)}
)
# Probability that a map of noise passes; two maps are looked at.
LEVEL: Final = 0.01
MAX_SE_PX: Final = 2.0
COLUMNS: Final = ("neuron", "bad_fit", *PARAMETERS, "r2", "peak_z", "x_se_px", "y_se_px", "method")


@dataclass(frozen=True, kw_only=True)
class NoiseMaps:
    """Maps (n, h, w) of what white noise does to responses, in standard errors.

    Attributes:
        sta: covariance of response r and pixel u, centred in both: the linear receptive field.
        second_moment: mean of (r - mean r) ((u - 1/2)² - 1/12): where contrast, of either sign,
            changes the response; complex cells have no other map.
    """

    sta: FloatArray
    second_moment: FloatArray


def noise_maps(
    *,
    num_images: int,
    r: FloatArray,
    rr: FloatArray,
    v: FloatArray,
    q: FloatArray,
    rv: FloatArray,
    rq: FloatArray,
) -> NoiseMaps:
    """The maps of sums over images of uniform pixels u; v = u - 1/2, q = v² - 1/12.

    In standard errors: were responses and images shuffled against each other, each pixel would
    have mean 0 and variance 1, whatever the distribution of the responses, and pixels would be
    independent. Neurons that never vary have maps of zeros.

    Args:
        num_images: images.
        r: (n,) sums of responses.
        rr: (n,) sums of their squares.
        v: (h, w) sums of v.
        q: (h, w) sums of q.
        rv: (n, h, w) sums of r v.
        rq: (n, h, w) sums of r q.
    """
    mean = r / num_images
    variance = np.maximum(rr / num_images - mean**2, 0)
    # Rounding leaves a constant response with a little variance.
    variance[variance < 1e-10 * mean**2] = 0

    def in_errors(products: FloatArray, sums: FloatArray, of_pixel: float) -> FloatArray:
        covariance = products / num_images - mean[:, None, None] * (sums / num_images)
        error = np.sqrt(variance * of_pixel / num_images)[:, None, None]
        z = np.divide(covariance, error, out=np.zeros_like(covariance), where=error > 0)
        return np.asarray(z, dtype=np.float32)

    return NoiseMaps(
        sta=in_errors(rv, v, 1 / 12),
        second_moment=in_errors(rq, q, 1 / 180),
    )


def fit_noise_maps(
    maps: NoiseMaps, *, rng: np.random.Generator, progress: str = ""
) -> pd.DataFrame:
    """One row a neuron: the receptive field of whichever map shows it better.

    A map shows a receptive field if its smoothed peak is one that a map of noise exceeds with a
    probability of at most `LEVEL`. A spike-triggered average that a signed Gaussian leaves no
    significant peak of is taken as it is ("sta"); if it has flanks, its local energy is fitted
    ("sta_energy", see `energy_fit`). Of this and the second moment ("second_moment") the one whose
    map has the higher peak is kept. Fits are bad if neither map shows anything, or if a standard
    error of the centre is above `MAX_SE_PX`; the numbers of bad fits are NaN.

    Args:
        maps: of all neurons.
        rng: of the noise maps that set the threshold.
        progress: what a progress bar says; empty: none.

    Returns:
        `COLUMNS`: sigmas are those of the envelope, also where the map shows its square; amplitude
        and offset in standard errors of the map (of its energy for "sta_energy").
    """
    threshold = null_peak(maps.sta.shape[1:], level=LEVEL, rng=rng)
    linear, moment = (
        _fit(values, method, threshold=threshold, progress=progress)
        for values, method in ((maps.sta, STA), (maps.second_moment, SECOND_MOMENT))
    )
    chosen = np.flatnonzero(smoothed_peaks(linear.residual).z > threshold)
    energy = fit_energy(
        maps.sta[chosen], linear.peaks.of(chosen), progress=_label(progress, STA_ENERGY)
    )
    linear.table.loc[chosen, list(FIT_COLUMNS)] = _as_envelope(energy, STA_ENERGY).to_numpy()
    linear.table.loc[chosen, "method"] = STA_ENERGY
    table = linear.table.where(linear.table["peak_z"] >= moment.table["peak_z"], moment.table)
    return _judged(table, (table["peak_z"] > threshold) & _is_certain(table))


def fit_energy_maps(maps: FloatArray, *, min_r2: float = 0.3, progress: str = "") -> pd.DataFrame:
    """One row a neuron: a Gaussian fitted to a map of squared gradients, in the same columns.

    Such a map has no noise whose size is known: peak_z and amplitude count robust standard
    deviations of the pixels (1.48 times the median absolute deviation), standard errors come from
    the residuals, and a fit is bad if it explains less than `min_r2` of the map.

    Args:
        maps: (n, h, w), not negative.
        min_r2: least share of the variance that a good fit explains.
        progress: what a progress bar says; empty: none.
    """
    centred = maps - np.median(maps, axis=(1, 2), keepdims=True)
    spread = 1.48 * np.median(np.abs(centred), axis=(1, 2), keepdims=True)
    scaled = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
    fitted = _fit(scaled, GRADIENT, threshold=0.0, progress=progress)
    table = fitted.table
    table[["x_se_px", "y_se_px"]] *= fitted.residual.std(axis=(1, 2))[:, None]
    return _judged(table, (table["r2"] >= min_r2) & _is_certain(table))


def map_of(maps: NoiseMaps, table: pd.DataFrame) -> FloatArray:
    """(n, h, w) the map that each row of a table of receptive fields was fitted to."""
    is_moment = table["method"].eq(SECOND_MOMENT).to_numpy()[:, None, None]
    rows = table["neuron"].to_numpy()
    return np.asarray(np.where(is_moment, maps.second_moment[rows], maps.sta[rows]))


def example_rows(table: pd.DataFrame, rng: np.random.Generator, *, num: int = 6) -> pd.DataFrame:
    """Rows of neurons drawn at random, good fits first, by number.

    Args:
        table: of receptive fields of one mouse.
        rng: draws.
        num: rows, if there are as many.
    """
    drawn = table.iloc[rng.permutation(len(table))]
    chosen = drawn.sort_values("bad_fit", kind="stable").head(num)
    return chosen.sort_values("neuron").reset_index(drop=True)


def true_errors(table: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """`centre_errors` of the mice of a table that are in the truth, with columns label and mouse.

    Args:
        table: of receptive fields, columns label and mouse; one label.
        truth: one row a neuron in order: mouse, rf_x_px, rf_y_px, rf_sigma_px.
    """
    parts = []
    for mouse, true in truth.groupby("mouse", sort=False):
        rows = table[table["mouse"] == mouse].reset_index(drop=True)
        x, y, sigma = true[["rf_x_px", "rf_y_px", "rf_sigma_px"]].to_numpy().T
        errors = centre_errors(rows, x_px=x, y_px=y, sigma_px=sigma)
        parts.append(errors.assign(label=table["label"].iloc[0], mouse=mouse))
    return pd.concat(parts, ignore_index=True)


def centre_errors(
    table: pd.DataFrame, *, x_px: FloatArray, y_px: FloatArray, sigma_px: FloatArray
) -> pd.DataFrame:
    """One row a neuron with a good fit: neuron, error_px, sigma_ratio, true and found values.

    Args:
        table: of receptive fields of one mouse.
        x_px: (n,) true column of each neuron of the mouse.
        y_px: (n,) true row.
        sigma_px: (n,) true sigma of the envelope.
    """
    good = table[~table["bad_fit"].astype(bool)]
    rows = good["neuron"].to_numpy()
    found_sigma = np.sqrt(good["sigma_x_px"].to_numpy() * good["sigma_y_px"].to_numpy())
    found = good[["neuron", "x_px", "y_px", "method"]].reset_index(drop=True)
    found = found.assign(true_x_px=x_px[rows], true_y_px=y_px[rows], sigma_px=found_sigma)
    error = np.hypot(found["x_px"] - found["true_x_px"], found["y_px"] - found["true_y_px"])
    return found.assign(
        true_sigma_px=sigma_px[rows], error_px=error, sigma_ratio=found_sigma / sigma_px[rows]
    )


@dataclass(frozen=True, kw_only=True)
class _Fitted:
    """Fits to maps of one kind, the peaks of the maps, and what fits leave of them."""

    table: pd.DataFrame
    peaks: Peaks
    residual: FloatArray


def _fit(maps: FloatArray, method: str, *, threshold: float, progress: str) -> _Fitted:
    """Fits to the maps with peaks above `threshold`; NaN, and no residual, for the others."""
    peaks = smoothed_peaks(maps)
    rows = np.flatnonzero(peaks.z > threshold)
    found, left = fit_gaussians(maps[rows], peaks.of(rows), progress=_label(progress, method))
    fit = found.set_axis(rows).reindex(range(len(maps)))
    residual = np.zeros(maps.shape, dtype=np.float32)
    residual[rows] = left
    table = _as_envelope(fit, method).assign(
        neuron=np.arange(len(maps)), peak_z=peaks.z, method=method
    )
    return _Fitted(table=table, peaks=peaks, residual=residual)


def _as_envelope(fit: pd.DataFrame, method: str) -> pd.DataFrame:
    sigmas = ["sigma_x_px", "sigma_y_px"]
    return fit.assign(**{name: fit[name] * SIGMA_FACTOR[method] for name in sigmas})


def _label(progress: str, method: str) -> str:
    return f"{progress}, {method}" if progress else ""


def _is_certain(table: pd.DataFrame) -> "pd.Series[bool]":
    return (table[["x_se_px", "y_se_px"]] <= MAX_SE_PX).all(axis=1)


def _judged(table: pd.DataFrame, is_good: "pd.Series[bool]") -> pd.DataFrame:
    table = table.assign(bad_fit=~is_good.astype(bool))[list(COLUMNS)]
    numbers = [*PARAMETERS, "x_se_px", "y_se_px"]
    table[numbers] = table[numbers].astype(float).where(is_good.astype(bool))
    return table
