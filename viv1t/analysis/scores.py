"""Scores of neurons, put together over neurons, mice, depths and amounts of training data."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from viv1t.errors import ConfigError

# Planes of an imaging volume are at least so far apart.
PLANE_UM: Final = 5.0


def across_mice(scores: pd.DataFrame, metric: str, *, by: Sequence[str]) -> pd.DataFrame:
    """Mean over neurons of each mouse, then mean and standard error over mice.

    Args:
        scores: columns mouse, `metric` and those of `by`; one row a neuron.
        metric: the score; NaN are left out.
        by: columns whose values are kept apart, for example model and tier.

    Returns:
        One row a group: `by`, mean, sem (NaN of a single mouse), num_mice, num_neurons.
    """
    of_mice = scores.groupby([*by, "mouse"], sort=False)[metric].agg(["mean", "count"])
    groups = of_mice.reset_index().groupby(list(by), sort=False)
    return groups.agg(
        mean=("mean", "mean"),
        sem=("mean", "sem"),
        num_mice=("mean", "count"),
        num_neurons=("count", "sum"),
    ).reset_index()


def mouse_means(scores: pd.DataFrame, metric: str, *, by: Sequence[str]) -> pd.DataFrame:
    """One row a group and mouse: `by`, mouse, value, the mean of `metric` over neurons.

    Args:
        scores: columns mouse, `metric` and those of `by`; one row a neuron.
        metric: the score; NaN are left out.
        by: columns whose values are kept apart.
    """
    groups = scores.groupby([*by, "mouse"], sort=False)[metric]
    return groups.mean().reset_index(name="value")


def with_planes(scores: pd.DataFrame) -> pd.DataFrame:
    """`scores` with depth_um: the mean depth of the plane that each neuron lies on.

    Neurons (column z_um) whose depths follow each other within 5 µm share a plane.
    """
    known = np.sort(scores["z_um"].dropna().unique())
    plane = np.concatenate([[0], np.cumsum(np.diff(known) > PLANE_UM)]) if len(known) else known
    means = pd.Series(known).groupby(plane).transform("mean") if len(known) else known
    depth = dict(zip(known, np.round(means, 1), strict=True))
    return scores.assign(depth_um=scores["z_um"].map(depth))


def gains(table: pd.DataFrame, *, reference: str) -> pd.DataFrame:
    """`table` with gain_percent: 100 (mean - that of the reference) / that of the reference.

    Args:
        table: columns model, depth_um, mean.
        reference: the model that the others are compared with.
    """
    base = table[table["model"] == reference].set_index("depth_um")["mean"]
    at = table["depth_um"].map(base)
    return table.assign(gain_percent=100 * (table["mean"] - at) / at)


def share_of_full(runs: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """Grid of scores in percent of the run with most data, and the score of that run.

    Rows are numbers of neurons, columns numbers of trials, both ascending.

    Runs of the same limits (other seeds) are averaged.

    Args:
        runs: columns limit_neurons, limit_data (infinity: all) and score.

    Raises:
        ConfigError: the run with most neurons and most trials is missing.
    """
    grid = runs.pivot_table(index="limit_neurons", columns="limit_data", values="score")
    grid = grid.sort_index().sort_index(axis="columns")
    full = float(grid.to_numpy(float)[-1, -1])
    if not np.isfinite(full):
        raise ConfigError(
            f"--runs should hold the run with most trials ({grid.columns[-1]:g}) and most neurons "
            f"({grid.index[-1]:g}): the others are drawn in percent of it"
        )
    return 100 * grid / full, full


def training_commands(
    *, num_trials: int, num_neurons: Sequence[int], steps: int, output_dir: str, rest: str
) -> list[str]:
    """Commands that train with 1/steps, 2/steps ... of the trials and some numbers of neurons.

    Args:
        num_trials: training trials of a mouse.
        num_neurons: neurons of each mouse.
        steps: of the number of trials.
        output_dir: folder of the runs; their names tell number, trials and neurons.
        rest: more flags of train.py.
    """
    commands: list[str] = []
    for neurons in num_neurons:
        for step in range(1, steps + 1):
            trials = num_trials * step // steps
            name = f"{len(commands) + 1:03d}_{trials}data_{neurons:04d}neuron"
            limits = f"--limit_data {trials} --limit_neurons {neurons}"
            commands.append(f"python train.py --output_dir {output_dir}/{name} {limits} {rest}")
    return [command.rstrip() for command in commands]
