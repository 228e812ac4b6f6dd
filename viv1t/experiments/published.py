"""The order in which the published experiments showed their stimuli (tuning.md 3.1, 4.1, 4.4)."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from viv1t.errors import ConfigError
from viv1t.experiments.placed import Group, Mode, groups_that_share
from viv1t.experiments.stimuli import Plan
from viv1t.experiments.timing import Timing
from viv1t.units import Monitor

# Numbers that the published code drew for one pattern, from its condition, in its order.
Draw: TypeAlias = Callable[[Mapping[str, Any], np.random.Generator], Mapping[str, float]]


def product_table(**columns: Sequence[Any]) -> pd.DataFrame:
    """One row for each combination, the last column fastest.

    Args:
        columns: the values of each.
    """
    return pd.DataFrame(list(product(*columns.values())), columns=list(columns))


def random_phase(condition: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """{"phase_deg": whole degrees}, the one number that every published pattern draws."""
    return {"phase_deg": float(rng.integers(0, 360))}


def published_plan(
    conditions: pd.DataFrame, *, timing: Timing, repeats: int, draw: Draw = random_phase
) -> Plan:
    """The plan (seed -> presentations) of a published experiment, for `StimulusSet.plan`.

    One generator serves all: it permutes the patterns (the table of conditions, tiled over
    repeats), then draws for one pattern after the other, then permutes the trials.

    Args:
        conditions: k rows in published order: products, the last column fastest.
        timing: of a trial.
        repeats: presentations of each condition.
        draw: what is drawn for a pattern; its keys become columns of the plan.

    Raises:
        ConfigError: the patterns do not fill whole trials.
    """
    num_patterns = len(conditions) * repeats
    if num_patterns % timing.slots:
        raise ConfigError(
            f"the published order needs whole trials of {timing.slots} patterns, got "
            f"{len(conditions)} conditions x {repeats} repeats = {num_patterns}"
        )
    rows = conditions.to_dict("records")

    def plan(seed: int) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        order = rng.permutation(num_patterns)
        table = pd.DataFrame(
            {"condition": order % len(conditions), "repeat": order // len(conditions)}
        )
        drawn = pd.DataFrame(
            [draw({str(k): v for k, v in rows[row].items()}, rng) for row in table["condition"]]
        )
        trials = rng.permutation(num_patterns // timing.slots)
        places = (trials[:, None] * timing.slots + np.arange(timing.slots)).ravel()
        table = pd.concat([table, drawn], axis=1).iloc[places].reset_index(drop=True)
        table.insert(2, "trial", np.arange(num_patterns) // timing.slots)
        table.insert(3, "slot", np.arange(num_patterns) % timing.slots)
        table.insert(4, "onset", [timing.window(slot).start for slot in table["slot"]])
        return table

    return plan


def published_place(
    num_neurons: int,
    *,
    monitor: Monitor,
    mode: Mode,
    receptive_fields: pd.DataFrame | None = None,
) -> list[Group]:
    """Groups of neurons as the published code placed them (tuning.md 0.7).

    Good fits count wherever they are. "population" is their mean; a centre that rounds to -1 in
    either axis is lost, since -1 stood for a missing one.

    Args:
        num_neurons: of the mouse.
        monitor: its screen.
        mode: "screen", "neuron" or "population", see `placed.place`.
        receptive_fields: rows of the table aRF of this mouse: neuron, bad_fit, x_px, y_px.

    Raises:
        ConfigError: no neuron is left.
    """
    if mode == "screen":
        return groups_that_share(num_neurons, monitor, centres=None)
    if receptive_fields is None:
        raise ConfigError(f"stimuli at the {mode}'s receptive field need the table aRF")
    rows = receptive_fields[~receptive_fields["bad_fit"].to_numpy(bool)]
    centres = np.full((num_neurons, 2), np.nan)
    if mode == "population" and len(rows):
        centres[:] = np.round(rows[["x_px", "y_px"]].to_numpy(float).mean(axis=0))
    elif mode == "neuron":
        centres[rows["neuron"].to_numpy(int)] = np.round(rows[["x_px", "y_px"]].to_numpy(float))
        centres[(centres == -1).any(axis=1)] = np.nan
    return groups_that_share(num_neurons, monitor, centres=centres)
