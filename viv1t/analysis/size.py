"""Size tuning of classical and feedback receptive fields: discs, and holes in a full field.

After Keller, Roth & Scanziani (2020, Nature). Arrays of single responses are (n, s, k, d, r):
neurons, sizes, classical (disc in grey) and inverse (grey hole in a full field), directions,
repeats.
"""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from tqdm import tqdm

from viv1t.analysis.size_fit import FloatArray, fit_size_tuning
from viv1t.analysis.stats import benjamini_hochberg

# Differences below this share of the largest response count as none, whatever their p value.
NEGLIGIBLE: Final = 1e-3
CLASSICAL, INVERSE = 0, 1
_WITH_INTERVAL: Final = ("classical_deg", "inverse_deg", "suppression_index")


def size_tuning(
    responses: ArrayLike,
    sizes_deg: ArrayLike,
    *,
    rng: np.random.Generator,
    num_bootstrap: int = 200,
    alpha: float = 0.05,
    progress: bool = False,
) -> pd.DataFrame:
    """Preferred sizes, suppression, and whether a hole excites more than no hole; n rows.

    * p_classical: does any disc drive more than the blank screen (size 0)? Welch's t test over
      presentations, stratified by direction, one-sided; Bonferroni over sizes. q_classical:
      Benjamini-Hochberg over neurons; classical_tuned: q <= alpha.
    * p_inverse: does any hole drive more than the full field (hole of size 0) and more than the
      blank screen? The same test; inverse_tuned: q <= alpha, and classical_tuned.
    * classical_deg, inverse_deg: the optimum of the fit (`fit_size_tuning`: ratio of Gaussians for
      discs, difference of integrated ones for holes); suppression_index: share of the fitted
      response to the best disc, above the blank screen, that the largest disc loses; _low and
      _high: their 95 % interval over resampled repeats.
    * classical, inverse: response at the best size, full_field, blank: mean responses. The best
      size is chosen on half of the repeats and read from the other, so noise does not add to it.
    * iti: inverse tuning index (inverse - full_field) / (inverse + classical - 2 full_field), 0 to
      1, of Keller et al.; differences below 0 count as 0, 0 / 0 is NaN.

    Args:
        responses: (n, s, k, d, r) single responses, r at least 2; NaN for neurons that
            were shown nothing.
        sizes_deg: (s,) ascending from 0.
        rng: draws the bootstrap samples.
        num_bootstrap: samples.
        alpha: false discovery rate.
        progress: show a progress bar.

    Raises:
        ValueError: sizes do not begin with 0, or there is a single repeat.
    """
    values, sizes = np.asarray(responses, dtype=float), np.asarray(sizes_deg, dtype=float)
    if sizes[0] != 0 or (np.diff(sizes) <= 0).any():
        raise ValueError(f"sizes must ascend from 0, got {sizes.tolist()}")
    if values.shape[-1] < 2:
        raise ValueError("tests over presentations need two repeats or more")
    discs, holes = values[:, :, CLASSICAL], values[:, :, INVERSE]
    blank, full_field = discs[:, 0], holes[:, 0]
    p_classical = _bonferroni(_exceeds(discs[:, 1:], blank))
    above_both = np.maximum(_exceeds(holes[:, 1:], full_field), _exceeds(holes[:, 1:], blank))
    p_inverse = _bonferroni(above_both)
    q_classical, q_inverse = benjamini_hochberg(p_classical), benjamini_hochberg(p_inverse)
    tuned = q_classical <= alpha
    classical, inverse = _best(discs), _best(holes)
    table = pd.DataFrame(
        {
            "p_classical": p_classical,
            "q_classical": q_classical,
            "classical_tuned": tuned,
            "p_inverse": p_inverse,
            "q_inverse": q_inverse,
            "inverse_tuned": tuned & (q_inverse <= alpha),
            "classical": classical,
            "inverse": inverse,
            "full_field": full_field.mean((1, 2)),
            "blank": blank.mean((1, 2)),
            "iti": inverse_tuning_index(classical, inverse, full_field.mean((1, 2))),
        }
    )
    return table.assign(**_fitted(values, sizes, rng, num_bootstrap, progress))


def size_curves(responses: ArrayLike, sizes_deg: ArrayLike) -> pd.DataFrame:
    """Tuning curves, one row a neuron (row number), stimulus and size.

    Columns: neuron, stimulus ("classical" or "inverse"), size_deg, mean, sem over presentations,
    and fit, the curve of `fit_size_tuning`.

    Args:
        responses: (n, s, k, d, r) single responses.
        sizes_deg: (s,) ascending from 0.
    """
    values, sizes = np.asarray(responses, dtype=float), np.asarray(sizes_deg, dtype=float)
    single = values.reshape(*values.shape[:3], -1)
    mean = single.mean(axis=-1)
    sem = single.std(axis=-1, ddof=1) / np.sqrt(single.shape[-1])
    fits = np.stack(
        [
            fit_size_tuning(sizes, mean[:, :, CLASSICAL], family="ratio").curve,
            fit_size_tuning(sizes, mean[:, :, INVERSE], family="difference").curve,
        ],
        axis=2,
    )
    n, s, k = mean.shape
    neuron, size, stimulus = (axis.ravel() for axis in np.indices((n, s, k)))
    return pd.DataFrame(
        {
            "neuron": neuron,
            "stimulus": np.array(["classical", "inverse"])[stimulus],
            "size_deg": sizes[size],
            "mean": mean.ravel(),
            "sem": sem.ravel(),
            "fit": fits.ravel(),
        }
    )


def inverse_tuning_index(
    classical: ArrayLike, inverse: ArrayLike, full_field: ArrayLike
) -> FloatArray:
    """(inverse - full) / ((inverse - full) + (classical - full)), 0 to 1; NaN for 0 / 0.

    1: driven by holes only; .5: by holes and discs alike; 0: by discs only. Differences below 0
    count as 0. Keller, Roth & Scanziani (2020).

    Args:
        classical: (n,) responses to the best disc.
        inverse: (n,) to the best hole.
        full_field: (n,) to the full field.
    """
    full = np.asarray(full_field, dtype=float)
    hole, disc = (np.maximum(np.asarray(x, dtype=float) - full, 0) for x in (inverse, classical))
    total = hole + disc
    return np.divide(hole, total, out=np.full(total.shape, np.nan), where=total > 0)


def _exceeds(values: FloatArray, reference: FloatArray) -> FloatArray:
    """(n, s) one-sided p that `values` (n, s, d, r) exceed `reference` (n, d, r).

    Welch's t test of the mean over directions: within each direction the variance is its own, so
    that a neuron which answers one direction only does not look unreliable.
    """
    num_directions, num_repeats = reference.shape[1:]
    effect = (values.mean(-1) - reference.mean(-1)[:, None]).mean(-1)
    shares = np.stack(
        np.broadcast_arrays(values.var(-1, ddof=1), reference.var(-1, ddof=1)[:, None]), axis=-1
    ) / (num_repeats * num_directions**2)
    variance = shares.sum(axis=(-1, -2))
    squares = (shares**2).sum(axis=(-1, -2)) / (num_repeats - 1)
    freedom = np.divide(
        variance**2, squares, out=np.full(effect.shape, num_repeats - 1.0), where=squares > 0
    )
    largest = np.maximum(values.mean((-1, -2)).max(1), reference.mean((-1, -2)))[:, None]
    p = stats.t.sf(effect / np.sqrt(variance + (NEGLIGIBLE * largest) ** 2 + 1e-30), freedom)
    return np.asarray(
        np.where(effect > NEGLIGIBLE * largest, p, np.where(np.isnan(effect), np.nan, 1.0))
    )


def _bonferroni(p: FloatArray) -> FloatArray:
    """(n,) the smallest of p (n, s), corrected for having looked at s of them."""
    return np.minimum(p.min(axis=1) * p.shape[1], 1.0)


def _best(values: FloatArray) -> FloatArray:
    """(n,) response of (n, s, d, r) at the best size.

    The size is chosen on one half of the repeats, the response read from the other half.
    """
    halves = [values[..., start::2].mean((2, 3)) for start in (0, 1)]
    read = [
        np.take_along_axis(other, np.nan_to_num(chosen).argmax(1)[:, None], axis=1)[:, 0]
        for chosen, other in (halves, halves[::-1])
    ]
    return np.mean(read, axis=0)


def _fitted(
    values: FloatArray,
    sizes: FloatArray,
    rng: np.random.Generator,
    num_bootstrap: int,
    progress: bool,
) -> dict[str, FloatArray]:
    """Optima and suppression with their intervals, and r2, by column name."""
    num_neurons, num_repeats = len(values), values.shape[-1]
    columns = _fit_both(sizes, values.mean((-1, -2)))
    drawn = {name: np.full((num_neurons, num_bootstrap), np.nan) for name in _WITH_INTERVAL}
    for neuron in tqdm(range(num_neurons), desc="size tuning", disable=not progress):
        if np.isnan(values[neuron]).any():
            continue
        redrawn = rng.integers(0, num_repeats, (num_bootstrap, *values.shape[1:]))
        samples = np.take_along_axis(values[neuron][None], redrawn, axis=-1)
        fits = _fit_both(sizes, samples.mean((-1, -2)))
        for name in _WITH_INTERVAL:
            drawn[name][neuron] = fits[name]
    for name, sample in drawn.items():
        known = ~np.isnan(sample).all(axis=1)
        for end, level in (("low", 0.025), ("high", 0.975)):
            column = np.full(num_neurons, np.nan)
            column[known] = np.nanquantile(sample[known], level, axis=1)
            columns[f"{name}_{end}"] = column
    return columns


def _fit_both(sizes: FloatArray, means: FloatArray) -> dict[str, FloatArray]:
    """Fits of mean responses (m, s, k), by column name."""
    discs = fit_size_tuning(sizes, means[:, :, CLASSICAL], family="ratio")
    holes = fit_size_tuning(sizes, means[:, :, INVERSE], family="difference")
    blank, largest = means[:, 0, CLASSICAL], means[:, -1, CLASSICAL]
    above = discs.peak - blank
    lost = np.divide(discs.peak - largest, above, out=np.full(len(above), np.nan), where=above > 0)
    return {
        "classical_deg": discs.optimum_deg,
        "inverse_deg": holes.optimum_deg,
        "suppression_index": lost,
        "classical_r2": discs.r2,
        "inverse_r2": holes.r2,
    }
