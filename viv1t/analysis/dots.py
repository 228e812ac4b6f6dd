"""Gaussian dots: where they are in a movie, and the spatial tuning of neurons that saw them."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from viv1t.analysis.gaussian_fit import PARAMETERS, FloatArray, solve

HALF_HEIGHT: Final = float(np.sqrt(2 * np.log(2)))
MAX_LATENCY: Final = 10
LEVEL: Final = 0.01
NUM_BOOTSTRAPS: Final = 50
NUM_NULL: Final = 1000
# Pixels around the peak that a fit sees.
AROUND_PX: Final = 4
# Pixels below count as noise in the spatial selectivity.
NOISE_FLOOR: Final = 2.0
FEATURES: Final = ("frame", "num_frames", "x_px", "y_px", "radius_px", "is_black")


def dot_features(video: FloatArray) -> pd.DataFrame:
    """One row a dot of a movie (t, h, w): the columns `FEATURES`.

    A dot lasts as long as frames are equal. Background is the median of the frame, polarity the
    sign of the largest deviation from it, the centre that of a fitted Gaussian, so that dots cut
    off by the frame have theirs; the radius is that at half height. Frames without a dot are NaN.
    """
    frames = np.asarray(video, dtype=np.float32)
    changes = np.abs(np.diff(frames, axis=0)).max(axis=(1, 2)) > 1
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    lengths = np.diff(np.append(starts, len(frames)))
    rows = [
        (start, length, *_dot(frames[start])) for start, length in zip(starts, lengths, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(FEATURES))


def published_dot_features(video: FloatArray) -> NDArray[np.float32]:
    """x, y, radius and is_black of each frame, (t, 4), as published.

    The frame is scaled to 0..1 and inverted if its mean is above 1/2 (is_black); x, y are the mean
    of the columns, rows, that hold any pixel above 1/2, radius half the width of these columns.
    """
    rows = []
    for frame in np.asarray(video, dtype=np.float32):
        scaled = (frame - frame.min()) / (frame.max() - frame.min())
        is_black = bool(scaled.mean() > 0.5)
        mask = (1 - scaled if is_black else scaled) > 0.5
        columns, lines = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
        radius = (columns.max() - columns.min()) / 2
        rows.append((columns.mean(), lines.mean(), radius, is_black))
    return np.array(rows, dtype=np.float32)


def dot_images(dots: pd.DataFrame, shape_px: tuple[int, int]) -> NDArray[np.float32]:
    """Dots drawn from their features, (k, h, w), 1 at the centre, polarity left out."""
    y, x = np.mgrid[: shape_px[0], : shape_px[1]]
    centre_x, centre_y, radius = (
        dots[name].to_numpy(float)[:, None, None] for name in ("x_px", "y_px", "radius_px")
    )
    squared = (x - centre_x) ** 2 + (y - centre_y) ** 2
    return np.exp(-np.log(2) * squared / radius**2).astype(np.float32)


def dot_maps(
    trace: FloatArray, images: FloatArray, *, on: int
) -> tuple[NDArray[np.float32], int, FloatArray]:
    """Maps (n, h, w) of dot-triggered responses, their latency, and the responses (n, k).

    A map is the correlation over dots of the response with the brightness of a pixel, times
    sqrt(k - 1): were dots and responses shuffled, each pixel would have mean 0 and variance 1.
    The response is the mean over the frames of the dot, some frames later; the latency, one for
    all neurons, is that of the largest mean square of the maps.

    Args:
        trace: (n, k, w) mean response from the frame in which a dot appears.
        images: (k, h, w) the dots.
        on: frames of a dot.
    """
    flat = _standardised(images.reshape(len(images), -1).T).T
    best: tuple[float, int] = (-1.0, 0)
    for latency in range(min(MAX_LATENCY, trace.shape[2] - on) + 1):
        z = _correlate(trace[:, :, latency : latency + on].mean(axis=2), flat)
        best = max(best, (float((z**2).mean()), latency))
    responses = trace[:, :, best[1] : best[1] + on].mean(axis=2)
    return _correlate(responses, flat).reshape(-1, *images.shape[1:]), best[1], responses


def spatial_tuning(
    trace: FloatArray,
    images: FloatArray,
    *,
    on: int,
    deg_per_px: float,
    rng: np.random.Generator,
    progress: str = "",
) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    """One row a neuron, the columns of the table spatial_tuning but mouse; and the maps (n, h, w).

    A Gaussian is fitted to the surroundings of the peak of each map of `dot_maps` (dots are few,
    and maps far from the peak show where they happened to be): its sigma holds the size of the dots
    too. A fit is bad if random responses reach the peak of the map with a probability above 1 %.
    Standard errors are those of the place of the peak when dots are drawn again.

    Args:
        trace: (n, k, w) mean response from the frame in which a dot appears.
        images: (k, h, w) the dots.
        on: frames of a dot.
        deg_per_px: size of a pixel.
        rng: of random responses and draws.
        progress: what a progress bar says; empty: none.
    """
    maps, latency, responses = dot_maps(trace, images, on=on)
    flat = images.reshape(len(images), -1)
    random = _correlate(rng.standard_normal((NUM_NULL, len(images))), _standardised(flat.T).T)
    threshold = float(np.quantile(np.abs(random).max(axis=1), 1 - LEVEL))
    heights, x, y, sign = _highest(maps)
    fits = [
        _fit_around(*one)
        for one in tqdm(
            zip(maps, x, y, sign, strict=True),
            total=len(maps),
            desc=progress,
            disable=not progress,
        )
    ]
    table = pd.DataFrame(fits, columns=[*PARAMETERS, "r2"])
    places = []
    for _ in range(NUM_BOOTSTRAPS):
        drawn = rng.integers(0, len(images), len(images))
        again = _correlate(responses[:, drawn], _standardised(flat[drawn].T).T)
        places.append(_highest(again.reshape(maps.shape))[1:3])
    table[["x_se_px", "y_se_px"]] = np.std(places, axis=0).T
    bad = ~(heights > threshold)
    ssi = spatial_selectivity(maps, floor=NOISE_FLOOR, deg_per_px=deg_per_px)
    ssi[bad] = np.nan
    table.loc[bad, [*PARAMETERS, "x_se_px", "y_se_px"]] = np.nan
    return table.assign(
        neuron=np.arange(len(maps)),
        bad_fit=bad,
        peak_z=heights,
        latency_frames=latency,
        ssi=ssi,
        num_dots=len(images),
    ), maps


def spatial_selectivity(maps: FloatArray, *, floor: float, deg_per_px: float) -> FloatArray:
    """-log det of the covariance of the coordinates (degrees) of each map, (n,).

    Pixels weigh by their absolute height above `floor`. Wang et al. (2023) let signed weights
    count; then the determinant can be negative. NaN where nothing is above the floor.

    Args:
        maps: (n, h, w).
        floor: height of noise.
        deg_per_px: size of a pixel.
    """
    n, height, width = maps.shape
    weights = np.maximum(np.abs(maps) - floor, 0).reshape(n, -1)
    y, x = np.mgrid[:height, :width] * deg_per_px
    return _log_precision(weights, np.stack([x.ravel(), y.ravel()]))


def published_sta(trials: Iterable[tuple[FloatArray, FloatArray]]) -> FloatArray:
    """Sum of r (frame - its first pixel), over the sum of r, (n, h, w): not centred, no latency.

    Args:
        trials: responses (n, t) and the frames (t, h, w) of black dots.
    """
    total: FloatArray | float = 0.0
    weight: FloatArray | float = 0.0
    for responses, frames in trials:
        shown = frames.astype(np.float32) - frames[:, :1, :1]
        total = total + np.tensordot(responses, shown, axes=1)
        weight = weight + responses.sum(axis=1)
    return np.asarray(total) / np.asarray(weight)[:, None, None]


def published_ssi(sta: FloatArray) -> FloatArray:
    """-log det with signed weights, coordinates 0..1 over the frame, (n,); NaN if it is negative.

    The published grid is transposed, so that coordinates are not those of the pixels; here they
    are.
    """
    n, height, width = sta.shape
    y, x = np.meshgrid(np.linspace(0, 1, height), np.linspace(0, 1, width), indexing="ij")
    return _log_precision(sta.reshape(n, -1), np.stack([x.ravel(), y.ravel()]))


def _log_precision(weights: FloatArray, places: FloatArray) -> FloatArray:
    """(n,) -log det of the covariance of `places` (2, p) with weights (n, p)."""
    total = weights.sum(axis=1)
    share = np.divide(
        weights, total[:, None], out=np.full(weights.shape, np.nan), where=total[:, None] != 0
    )
    mean = share @ places.T
    xx, yy, xy = (share @ (places[i] * places[j]) for i, j in ((0, 0), (1, 1), (0, 1)))
    x, y = mean.T
    determinant = (xx - x**2) * (yy - y**2) - (xy - x * y) ** 2
    positive = determinant > 0
    return np.where(positive, -np.log(np.where(positive, determinant, 1.0)), np.nan)


def _dot(frame: NDArray[np.float32]) -> tuple[float, float, float, float]:
    """x, y, radius and is_black of one frame."""
    away = frame - np.median(frame)
    row, column = np.unravel_index(np.abs(away).argmax(), frame.shape)
    height = float(away[row, column])
    solution = solve(away, start=(float(column), float(row), 4.0), sign=np.sign(height) or 1.0)
    if solution is None:
        return (np.nan,) * 4
    _, x, y, sigma_x, sigma_y, *_ = solution.parameters
    return float(x), float(y), float(HALF_HEIGHT * np.sqrt(sigma_x * sigma_y)), float(height < 0)


def _fit_around(values: FloatArray, x: float, y: float, sign: float) -> tuple[float, ...]:
    """`PARAMETERS` and r2 of the Gaussian that fits a map (h, w) around its peak."""
    left, top = (max(int(place) - AROUND_PX, 0) for place in (x, y))
    part = values[top : int(y) + AROUND_PX + 1, left : int(x) + AROUND_PX + 1]
    solution = solve(part, start=(x - left, y - top, AROUND_PX), sign=sign)
    if solution is None:
        return (np.nan,) * (len(PARAMETERS) + 1)
    amplitude, x0, y0, *shape = solution.parameters
    return (amplitude, x0 + left, y0 + top, *shape, solution.r2)


def _standardised(values: FloatArray) -> FloatArray:
    """Rows with mean 0 and sum of squares 1; rows that never vary are 0."""
    centred = values - values.mean(axis=1, keepdims=True)
    norm = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    return np.divide(centred, norm, out=np.zeros_like(centred, dtype=float), where=norm > 1e-9)


def _correlate(responses: FloatArray, pixels: FloatArray) -> NDArray[np.float32]:
    """(n, p) correlations of responses (n, k) with standardised pixels (k, p), in z."""
    r = _standardised(np.asarray(responses, dtype=float)) @ pixels
    return np.asarray(r * np.sqrt(len(pixels) - 1), dtype=np.float32)


def _highest(maps: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Absolute height, column, row and sign of the peak of each map."""
    flat = maps.reshape(len(maps), -1)
    places = np.abs(flat).argmax(axis=1)
    heights = flat[np.arange(len(flat)), places]
    rows, columns = np.unravel_index(places, maps.shape[1:])
    sign = np.where(heights < 0, -1.0, 1.0)
    return np.abs(heights), columns.astype(float), rows.astype(float), sign
