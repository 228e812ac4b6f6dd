"""What a neuron saw and answered, stimulus by stimulus, recorded and predicted."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.errors import ConfigError
from viv1t.experiments.table import ResponseTable
from viv1t.in_vivo.days import Day
from viv1t.in_vivo.shown import frames_folder
from viv1t.in_vivo.surrounds import DESIGNS, FULL_FIELD
from viv1t.most_exciting_stimulus.export import read_frames
from viv1t.most_exciting_stimulus.library import KIND, POPULATION, kind_words
from viv1t.most_exciting_stimulus.manifest import read_manifest

MAX_STIMULI: Final = 9


def shown_stimuli(
    day: Day,
    tables: Mapping[str, ResponseTable],
    export_dir: Path,
    analysis: str,
    *,
    neuron: int,
) -> list[dict[str, Any]]:
    """{title, frames (t, h, w), traces {responder: (t',)}, window} of the stimuli of an analysis.

    What `plot.figures.stimulus_panels.Shown` takes; the centre alone comes first.

    Args:
        day: the day.
        tables: responder -> responses, see `days.tables_of`.
        export_dir: folder of the frames, or of one such folder a mouse.
        analysis: a key of `surrounds.DESIGNS`, or `surrounds.FULL_FIELD`.
        neuron: row of the mouse; -1: the mean over the population.

    Raises:
        ConfigError: no such stimulus was shown for the neuron.
    """
    rows = _rows(day.session.conditions, analysis, neuron)
    if not len(rows):
        who = "the population" if neuron == POPULATION else f"neuron {neuron}"
        known = sorted(set(day.session.conditions["neuron"]) - {POPULATION})
        raise ConfigError(
            f"no stimulus of {analysis} was shown for {who} of mouse {day.session.mouse}; there "
            f"are stimuli of the neurons {', '.join(map(str, known)) or 'none'}"
        )
    folder = frames_folder(export_dir, day.session)
    files = {stimulus.name: stimulus.file for stimulus in read_manifest(folder).stimuli}
    return [
        {
            "title": kind_words({n: day.session.conditions[n].iloc[row] for n in KIND}),
            "frames": read_frames(folder / files[day.session.conditions["stimulus"].iloc[row]]),
            "traces": {name: _trace(table, row, neuron) for name, table in tables.items()},
            "window": day.session.timing.window,
        }
        for row in rows
    ]


def _rows(conditions: pd.DataFrame, analysis: str, neuron: int) -> NDArray[np.int64]:
    """Rows of the stimuli, the centre alone first."""
    own = conditions["neuron"].eq(neuron) & conditions["kind"].eq("")
    if analysis == FULL_FIELD:
        own &= conditions["centre"].str.startswith("full_")
    else:
        design = DESIGNS[analysis]  # type: ignore[index]
        own &= conditions["centre"].eq(design.centre)
        own &= conditions["centre_motion"].eq(design.motion)
    chosen = conditions[own]
    order = chosen.assign(_around=chosen["surround"].ne("none"))
    keys = ["_around", "goal", "surround", "surround_motion", "centre", "centre_motion"]
    return order.sort_values(keys, kind="stable").index.to_numpy(np.int64)[:MAX_STIMULI]


def _trace(table: ResponseTable, row: int, neuron: int) -> NDArray[np.float64]:
    assert table.trace is not None
    if neuron != POPULATION:
        return table.trace[neuron, row].astype(float)
    found = table.trace[np.isfinite(table.trace[:, row]).all(axis=1), row]
    return np.asarray(found.mean(axis=0, dtype=float))
