"""Responses to discs and holes: read, and sorted by stimulus."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.experiments.discs import SIZE as SIZE_DEG
from viv1t.experiments.discs import load_on_discs
from viv1t.experiments.feedback import COMMANDS, PUBLISHED, SIZE
from viv1t.experiments.feedback_published import DIRECTIONS_DEG
from viv1t.experiments.placed import Placement
from viv1t.experiments.saved import load_experiment, load_facts
from viv1t.experiments.table import ResponseTable
from viv1t.names import MouseId
from viv1t.results.store import ResultDir
from viv1t.units import FPS, Monitor


def load_shown(
    folder: Path,
    name: str,
    *,
    as_published: bool = False,
    mouse_ids: Sequence[MouseId] | None = None,
) -> dict[MouseId, tuple[ResponseTable, pd.DataFrame]]:
    """Responses of the neurons that saw the stimuli, and their discs, by mouse.

    Columns of the discs: see `discs.discs_of`.

    Args:
        folder: of the results.
        name: `SIZE` or `ONSET`.
        as_published: the published stimuli.
        mouse_ids: mice that are wanted; None: those that are there.

    Raises:
        MissingResultError: stimuli were not shown; the message names the command.
    """
    command = COMMANDS[name] + " --as_published" * as_published
    return load_on_discs(
        folder, name + PUBLISHED * as_published, command=command, mouse_ids=mouse_ids
    )


def shown_placements(
    folder: Path, *, as_published: bool = False, mouse_ids: Sequence[MouseId] | None = None
) -> dict[MouseId, Placement]:
    """Where the first group of neurons of each mouse saw discs and holes.

    Args:
        folder: of the results.
        as_published: the published stimuli; bars move down.
        mouse_ids: mice that are wanted; None: those that are there.

    Raises:
        MissingResultError: stimuli were not shown; the message names the command.
    """
    name = SIZE + PUBLISHED * as_published
    command = COMMANDS[SIZE] + " --as_published" * as_published
    found = {}
    for mouse_id in load_experiment(folder, name, command=command, mouse_ids=mouse_ids):
        path = ResultDir(folder).experiment(name) / f"mouse{mouse_id}.h5"
        place = load_facts(path)["groups"][0]
        centre = place["centre_px"]
        found[mouse_id] = Placement(
            monitor=Monitor(**place["monitor"]),
            centre_px=None if centre is None else (centre[0], centre[1]),
            direction_deg=DIRECTIONS_DEG[0] if as_published else place["direction_deg"],
        )
    return found


def size_traces(table: ResponseTable) -> pd.DataFrame:
    """Mean responses over time: neuron, stimulus, size_deg, time_s, mean, sem.

    Directions are averaged; the standard error is that over presentations of one direction.

    Args:
        table: of a `size_set`, of a few neurons.
    """
    parts = []
    for size in np.unique(table.conditions[SIZE_DEG]):
        means, sems = mean_traces(table.select(**{SIZE_DEG: float(size)}))
        row, kind, frame = (axis.ravel() for axis in np.indices(means.shape))
        parts.append(
            pd.DataFrame(
                {
                    "neuron": table.neurons["neuron"].to_numpy()[row],
                    "stimulus": np.array(["classical", "inverse"])[kind],
                    SIZE_DEG: float(size),
                    "time_s": (frame - table.reduction.before) / FPS,
                    "mean": means.ravel(),
                    "sem": sems.ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def single_responses(
    table: ResponseTable,
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Sizes (s,) in degrees, and responses (n, s, 2, d, r) to discs and holes, one by one.

    Args:
        table: of a `size_set`; d are its directions, r its repeats.
    """
    assert table.amplitude is not None
    shown = table.conditions.iloc[table.presentations["condition"]].reset_index(drop=True)
    shown["repeat"] = table.presentations["repeat"].to_numpy()
    axes = [SIZE_DEG, "inverse", "direction", "repeat"]
    order = shown.sort_values(axes).index.to_numpy()
    shape = [shown[name].nunique() for name in axes]
    sizes = np.unique(shown[SIZE_DEG].to_numpy(float))
    return sizes, table.amplitude[:, order].reshape(-1, *shape)


def mean_traces(table: ResponseTable) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean responses over time to discs and holes and their standard errors, both (n, 2, w).

    Directions are averaged; the standard error is that over presentations of one direction.

    Args:
        table: of an `onset_set`.
    """
    parts = [table.select(inverse=kind) for kind in (0.0, 1.0)]
    traces, errors = [], []
    for part in parts:
        assert part.trace is not None
        assert part.trace_sem is not None
        traces.append(part.trace.mean(axis=1))
        errors.append(np.sqrt((part.trace_sem**2).sum(axis=1)) / part.trace.shape[1])
    return np.stack(traces, axis=1), np.stack(errors, axis=1)
