"""Everything about the direction tuning of the neurons of one mouse, as the tables hold it."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from viv1t.analysis import direction_published as published
from viv1t.analysis.curve_fits import fit_curves
from viv1t.analysis.selectivity import ALPHA, direction_curves, selectivity
from viv1t.analysis.similarity import similarity_by_distance
from viv1t.analysis.stats import benjamini_hochberg
from viv1t.analysis.tuning_curves import (
    Design,
    FloatArray,
    orientation_curve,
    preferred_bin,
    preferred_direction,
    preferred_orientation,
)


def direction_tuning(
    samples: ArrayLike,
    design: Design,
    *,
    baseline: ArrayLike | None = None,
    seed: int = 0,
    progress: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Indexes, tests and fits, one row a neuron; and curves, one row a neuron and direction.

    See `selectivity`, `fit_curves` and `direction_curves`.

    Args:
        samples: (n, p) response to each presentation.
        design: what was shown.
        baseline: (n,) response to the blank screen, subtracted; None: nothing is.
        seed: of all random numbers.
        progress: show progress bars.
    """
    table = selectivity(samples, design, baseline=baseline, seed=seed, progress=progress)
    curves = direction_curves(samples, design, baseline=baseline, seed=seed)
    mean, half_a, half_b = (curve_matrix(curves, name) for name in ("mean", "half_a", "half_b"))
    fits = fit_curves(mean, design.directions).drop(columns="fit_r2_held_out")
    held_out = fit_curves(half_a, design.directions, held_out=half_b)["fit_r2_held_out"]
    wanted = ["fit_direction_deg", "half_width_deg", "fit_r2"]
    return pd.concat([table, fits[wanted], held_out], axis=1), curves


def published_direction_tuning(
    samples: ArrayLike, direction_deg: ArrayLike, *, seed: int = 1234
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same as it was published; what was not is NaN.

    Args:
        samples: (n, p) responses to presentations, in the order of trials.
        direction_deg: (p,).
        seed: of the draw of presentations and of the permutations.
    """
    drawn = published.published_draw(samples, direction_deg, seed=seed)
    mean, table = published.published_selectivity(drawn, seed=seed)
    directions = np.unique(np.asarray(direction_deg))
    n, d, r = drawn.shape
    sem = drawn.std(-1, ddof=1) / np.sqrt(r)
    curves = pd.DataFrame(
        {
            "row": np.repeat(np.arange(n), d),
            "direction_deg": np.tile(directions, n),
            "mean": mean.ravel(),
            "sem": sem.ravel(),
            "half_a": mean.ravel(),
            "half_b": mean.ravel(),
        }
    )
    unknown = ["reliability", "fit_direction_deg", "half_width_deg", "fit_r2", "fit_r2_held_out"]
    for index, name in (("osi", "orientation"), ("dsi", "direction")):
        unknown += [f"{index}_{what}" for what in ("unbiased", "crossvalidated", "low", "high")]
        table[f"q_{name}"] = benjamini_hochberg(table[f"p_{name}"].to_numpy())
    return table.assign(
        **dict.fromkeys(unknown, np.nan),
        preferred_direction_deg=preferred_direction(mean, directions),
        preferred_orientation_deg=preferred_orientation(mean, directions),
        preferred_bin_deg=preferred_bin(mean, directions),
        peak_response=mean.max(1),
    ), curves


def curve_matrix(curves: pd.DataFrame, column: str = "mean") -> FloatArray:
    """(n, d) curves of a table of curves of one mouse, neurons and directions ascending.

    Args:
        curves: columns row or neuron, direction_deg and `column`.
        column: mean, sem, half_a or half_b.
    """
    key = "row" if "row" in curves else "neuron"
    return curves.pivot(index=key, columns="direction_deg", values=column).to_numpy(float)


def is_selective(table: pd.DataFrame, tuning: str, *, threshold: float = 0.2) -> NDArray[np.bool_]:
    """(n,) which neurons are worth comparing: index of at least `threshold`, and p <= .05.

    The index is the unbiased one. In tables made as published it is the raw one, and the flag
    (p <= .01 as k / 100) takes the place of p.

    Args:
        table: of indexes.
        tuning: "direction" or "orientation".
        threshold: of the index.
    """
    index = "dsi" if tuning == "direction" else "osi"
    value = table[f"{index}_unbiased"].to_numpy(float)
    if np.isnan(value).all():
        flag = table[f"{tuning}_selective"].to_numpy(bool)
        return flag & (table[index].to_numpy(float) >= threshold)
    return (table[f"p_{tuning}"].to_numpy(float) <= ALPHA) & (np.nan_to_num(value) >= threshold)


def tuning_similarity(
    table: pd.DataFrame,
    curves: pd.DataFrame,
    tuning: str,
    *,
    seed: int = 0,
    progress: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Similarity in bins of depth and distance, and fits, of the neurons of one mouse.

    See `similarity.Similarity`; both tables have the column tuning.

    Args:
        table: of indexes, of the neurons to compare; x_um, y_um, z_um.
        curves: of at least these neurons.
        tuning: "direction", or "orientation" for the mean of opposite directions.
        seed: of bootstraps and permutations.
        progress: show progress bars.
    """
    position, halves = _of_neurons(table, curves, tuning, ("half_a", "half_b"))
    found = similarity_by_distance(position, *halves, seed=seed, progress=progress)
    bins = found.bins.assign(num_neurons=found.num_neurons, tuning=tuning)
    return bins, found.fits.assign(tuning=tuning)


def published_tuning_similarity(
    table: pd.DataFrame, curves: pd.DataFrame, tuning: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same in published bins, labelled as published, and all pairs.

    `low` and `high` are a standard error over pairs away, `p` is that of Mann-Whitney against the
    largest distance, `chance` the mean of all pairs.

    Args:
        table: of indexes, of the neurons to compare; x_um, y_um, z_um.
        curves: of at least these neurons.
        tuning: "direction" or "orientation".
    """
    position, (mean,) = _of_neurons(table, curves, "direction", ("mean",))
    pairs = published.published_pairs(position, mean, tuning=tuning)
    value = pairs.groupby(["v", "d"])["tuning_similarity"]
    bins = value.agg(similarity="mean", sem="sem", num_pairs="count").reset_index()
    bins = bins.merge(published.published_rank_tests(pairs), on=["v", "d"])
    sem = bins.pop("sem")
    bins = bins.rename(columns={"v": "depth_um", "d": "distance_um"}).assign(
        mean_distance_um=bins["d"],
        low=bins["similarity"] - sem,
        high=bins["similarity"] + sem,
        chance=pairs["tuning_similarity"].mean(),
        num_neurons=len(table),
        tuning=tuning,
    )
    return bins, pairs.assign(tuning_type=tuning)


def _of_neurons(
    table: pd.DataFrame, curves: pd.DataFrame, tuning: str, columns: tuple[str, ...]
) -> tuple[FloatArray, list[FloatArray]]:
    """Positions (n, 3), and curves (n, d) of each column, neurons ascending."""
    ordered = table.sort_values("neuron")
    used = curves[curves["neuron"].isin(ordered["neuron"])]
    position = ordered[["x_um", "y_um", "z_um"]].to_numpy(float)
    matrices = [curve_matrix(used, column) for column in columns]
    if tuning == "orientation":
        matrices = [orientation_curve(matrix) for matrix in matrices]
    return position, matrices
