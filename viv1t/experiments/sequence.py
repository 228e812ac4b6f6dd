"""The order of presentations in the published experiments, random number for random number."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from viv1t.experiments.timing import Timing

# A row of the conditions and the generator -> columns that are drawn for this presentation.
Draw: TypeAlias = Callable[[Mapping[str, Any], np.random.Generator], dict[str, Any]]


def published_plan(
    conditions: pd.DataFrame, *, repeats: int, timing: Timing, draw: Draw, seed: int
) -> pd.DataFrame:
    """One row a presentation: condition, repeat, trial, slot, onset, and what `draw` gives.

    All conditions, tiled over repeats, are permuted; then each is drawn in that order; then the
    trials are permuted, all with one generator (`numpy.random.default_rng(seed)`). Rows stand in
    the order in which they are shown.

    Args:
        conditions: product of the published columns, ascending, the last the fastest.
        repeats: presentations of each condition; all of them must fill whole trials.
        timing: of a trial.
        draw: see `Draw`.
        seed: of everything.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(conditions) * repeats)
    rows = conditions.to_dict("records")
    drawn = [draw({str(k): v for k, v in rows[i % len(rows)].items()}, rng) for i in order.tolist()]
    trials = rng.permutation(len(order) // timing.slots)
    shown = (trials[:, None] * timing.slots + np.arange(timing.slots)).ravel()
    table = pd.DataFrame(
        {
            "condition": order % len(conditions),
            "repeat": order // len(conditions),
            **pd.DataFrame(drawn).to_dict("series"),
        }
    )
    slot = np.tile(np.arange(timing.slots), len(trials))
    table = table.iloc[shown].reset_index(drop=True)
    return table.assign(
        trial=np.repeat(np.arange(len(trials)), timing.slots),
        slot=slot,
        onset=[timing.window(i).start for i in slot],
    )


def draw_phase(condition: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """{phase_deg: whole degrees}, as the published experiments draw the phase of a grating."""
    del condition
    return {"phase_deg": int(rng.integers(0, 360))}
