"""Scores of single neurons, as `misc/evaluate_response.py` leaves them in run folders."""

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.errors import MissingResultError
from viv1t.names import MouseId
from viv1t.results.manifest import Source
from viv1t.results.responses import ResponseFile
from viv1t.results.run import RunDir
from viv1t.results.tables import read_table

FloatArray: TypeAlias = NDArray[np.floating]

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
    return read_coordinates(source, scores).drop(columns=["x_um", "y_um"])


def read_coordinates(source: Source, scores: pd.DataFrame) -> pd.DataFrame:
    """`scores` with x_um, y_um and z_um, the place of each neuron in cortex; NaN: unknown."""
    run = RunDir.open(source.path)
    places: dict[tuple[str, int], FloatArray] = {}
    for mouse_id in scores["mouse"].unique():
        path = run.mouse_data(mouse_id)
        if not path.is_file():
            continue
        with np.load(path, allow_pickle=False) as facts:
            if "coordinates" in facts:
                of_mouse = zip(facts["unit_ids"], facts["coordinates"], strict=True)
                places |= {(mouse_id, int(unit)): place for unit, place in of_mouse}
    keys = zip(scores["mouse"], scores["unit_id"], strict=True)
    unknown = np.full(3, np.nan)
    found = np.array([places.get(key, unknown) for key in keys], dtype=np.float64)
    return scores.assign(x_um=found[:, 0], y_um=found[:, 1], z_um=found[:, 2])


def values_in_cortex(
    source: Source, value: str, *, tier: str, mouse_ids: Sequence[MouseId] | None = None
) -> dict[MouseId, pd.DataFrame]:
    """{mouse: its neurons}: mouse, neuron, x_um, y_um, z_um and value.

    Args:
        source: a run whose predictions were scored.
        value: a score, or "response", the mean predicted response over the trials of the tier.
        tier: whose scores or responses.
        mouse_ids: mice; None: all of the run.

    Raises:
        MissingResultError: the run was not scored on the tier, or not for these mice.
    """
    table = read_coordinates(source, read_scores(source, tiers=[tier]))
    found = {}
    for mouse_id in mouse_ids or table["mouse"].unique():
        rows = table[table["mouse"] == mouse_id]
        if rows.empty:
            raise MissingResultError(
                f"{source.path} has no scores of mouse {mouse_id}, but of "
                f"{', '.join(table['mouse'].unique())}"
            )
        if value == "response":
            file = ResponseFile(RunDir.open(source.path).responses(mouse_id))
            trials = file.trial_ids(tier)
            means = np.mean([y.mean(axis=1) for y in file.read_several(trials)], axis=0)
            ids = file.attrs.get("unit_ids", rows["unit_id"])  # published files name none
            rows = rows.assign(response=rows["unit_id"].map(dict(zip(ids, means, strict=True))))
        columns = rows[["mouse", "neuron", "x_um", "y_um", "z_um"]]
        found[mouse_id] = columns.assign(value=rows[value])
    return found


def read_limits(source: Source) -> dict[str, int | None]:
    """How many training trials and neurons of each mouse a run was limited to; None: all."""
    args = RunDir.open(source.path).read_args()
    return {name: args.get(name) for name in ("limit_data", "limit_neurons")}
