"""Scores of single neurons, as `misc/evaluate_response.py` leaves them in run folders."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from viv1t.errors import MissingResultError
from viv1t.results.manifest import Source
from viv1t.results.run import RunDir
from viv1t.results.tables import read_table

ALL_STIMULI: Final = "all"


def read_scores(source: Source, *, tiers: Sequence[str] = ()) -> pd.DataFrame:
    """One row a neuron and tier of a run: model (its label), mouse, neuron, tier and the scores.

    Args:
        source: a run whose predictions were scored.
        tiers: tiers that are wanted; none: all.

    Raises:
        MissingResultError: the run was not scored, or not on these tiers; names the command.
    """
    command = f"python misc/evaluate_response.py --output_dir {source.path}"
    scores = read_table(source.path / "neuron_performance.parquet", command=command)
    scores = scores[scores["stimulus_type"] == ALL_STIMULI].drop(columns="stimulus_type")
    if tiers:
        scores = scores[scores["tier"].isin(tiers)]
    if not len(scores):
        raise MissingResultError(
            f"{source.path} has no scores of tier {', '.join(tiers)}: predict.py --ds_tier, then: "
            f"{command}"
        )
    return scores.assign(model=source.label).reset_index(drop=True)


def read_all_scores(sources: Sequence[Source], *, tiers: Sequence[str] = ()) -> pd.DataFrame:
    """The scores of several runs below each other, see `read_scores`."""
    return pd.concat([read_scores(source, tiers=tiers) for source in sources], ignore_index=True)


def read_depths(source: Source, scores: pd.DataFrame) -> pd.DataFrame:
    """`scores` with z_um, the cortical depth that the run knows of each neuron; NaN: unknown."""
    run = RunDir.open(source.path)
    depths: dict[tuple[str, int], float] = {}
    for mouse_id in scores["mouse"].unique():
        path = run.mouse_data(mouse_id)
        if not path.is_file():
            continue
        with np.load(path, allow_pickle=False) as facts:
            if "coordinates" in facts:
                of_mouse = dict(zip(facts["unit_ids"], facts["coordinates"][:, 2], strict=True))
                depths |= {(mouse_id, int(unit)): float(z) for unit, z in of_mouse.items()}
    keys = zip(scores["mouse"], scores["unit_id"], strict=True)
    return scores.assign(z_um=[depths.get(key, np.nan) for key in keys])


def read_limits(source: Source) -> dict[str, int | None]:
    """How many training trials and neurons of each mouse a run was limited to; None: all."""
    args = RunDir.open(source.path).read_args()
    return {name: args.get(name) for name in ("limit_data", "limit_neurons")}
