"""Everything about the direction tuning of the neurons of one mouse, as the tables hold it."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from viv1t.analysis import direction_published as published
from viv1t.analysis.curve_fits import fit_curves
from viv1t.analysis.selectivity import direction_curves, selectivity
from viv1t.analysis.stats import benjamini_hochberg
from viv1t.analysis.tuning_curves import (
    Design,
    FloatArray,
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
    return curves.pivot_table(
        index=key, columns="direction_deg", values=column, dropna=False
    ).to_numpy(float)
