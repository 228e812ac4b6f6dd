"""Size tuning as published: peaks judged by their z score over the sizes of one curve."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from viv1t.analysis.size_fit import FloatArray

Z_THRESHOLD: Final = 1.98


def published_size_tuning(curves: ArrayLike, sizes_deg: ArrayLike) -> pd.DataFrame:
    """One row a neuron: classic_tuned, inverse_tuned, classic_preference, inverse_preference, iti.

    A curve counts as tuned if some size, but not size 0, is 1.98 standard deviations above the
    mean over its own sizes: this asks for a narrow peak, not for a response (with s sizes no value
    can exceed sqrt(s - 1)). Inverse tuned are the classic tuned whose inverse curve is tuned as
    well and exceeds the full field at some size, without a test. Preferences are the sizes of the
    largest responses, NaN if a curve has a NaN.

    Args:
        curves: (n, s, k) mean responses, k: classical and inverse.
        sizes_deg: (s,) ascending from 0.
    """
    values, sizes = np.asarray(curves, dtype=np.float64), np.asarray(sizes_deg, dtype=float)
    known: NDArray[np.bool_] = np.asarray(~np.isnan(values).any(axis=(1, 2)))
    peaked = _peaked(published_normalised(values))
    exceeds = values[:, 1:, 1].max(axis=1) > values[:, 0, 1]
    preference = np.where(known[:, None], sizes[np.nan_to_num(values).argmax(axis=1)], np.nan)
    full_field = values[:, 0, 1]
    hole, disc = (values[:, :, kind].max(axis=1) - full_field for kind in (1, 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        iti = (hole - disc) / (2 * (hole + disc)) + 0.5
    return pd.DataFrame(
        {
            "classic_tuned": peaked[:, 0],
            "inverse_tuned": peaked[:, 0] & peaked[:, 1] & exceeds,
            "classic_preference": preference[:, 0],
            "inverse_preference": preference[:, 1],
            "iti": iti,
        }
    )


def published_normalised(curves: ArrayLike) -> FloatArray:
    """(n, s, k) curves over the largest classical response of their neuron."""
    values = np.asarray(curves, dtype=np.float64)
    return values / values[:, :, :1].max(axis=1, keepdims=True)


def _peaked(curves: FloatArray) -> NDArray[np.bool_]:
    """(n, k) bool: some size stands out from the others, and it is not size 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (curves - curves.mean(axis=1, keepdims=True)) / curves.std(axis=1, keepdims=True)
    stands_out: NDArray[np.bool_] = np.asarray(z >= Z_THRESHOLD)
    return stands_out.any(axis=1) & ~stands_out[:, 0]
