"""Responses to gratings with surrounds: read, sorted by stimulus, and where the discs lay."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.experiments.contextual import Centre, experiment_name
from viv1t.experiments.discs import SIZE, DiscPlacement, load_on_discs, size_column
from viv1t.experiments.saved import load_experiment, load_monitor
from viv1t.experiments.table import ResponseTable
from viv1t.names import SURROUND_KINDS, MouseId
from viv1t.units import FPS

COMMAND: Final = "tuning_contextual_modulation/predict_grating.py"
# Frames before the onset that show the response to grey; earlier ones still hold a part of the
# response to the stimulus before.
GREY_FRAMES: Final = 5


def load_gratings(
    folder: Path,
    *,
    centre: Centre,
    as_published: bool = False,
    mouse_ids: Sequence[MouseId] | None = None,
) -> dict[MouseId, tuple[ResponseTable, pd.DataFrame]]:
    """Responses of the neurons that saw the stimuli, and their discs (`discs.discs_of`), by mouse.

    Args:
        folder: of the results.
        centre: what discs lie on.
        as_published: the published stimuli.
        mouse_ids: mice that are wanted; None: those that are there.

    Raises:
        MissingResultError: stimuli were not shown; the message names the command.
    """
    name = experiment_name(centre, as_published=as_published)
    command = f"{COMMAND} --centre {centre}{' --as_published' if as_published else ''}"
    return load_on_discs(folder, name, command=command, mouse_ids=mouse_ids)


def placement_of(
    folder: Path,
    mouse_id: MouseId,
    neuron: int,
    size_deg: float,
    *,
    centre: Centre,
    as_published: bool = False,
) -> DiscPlacement:
    """Where a neuron saw a disc.

    Args:
        folder: of the results.
        mouse_id: the mouse.
        neuron: row of the mouse.
        size_deg: diameter of the disc.
        centre: what discs lie on.
        as_published: the published stimuli.
    """
    name = experiment_name(centre, as_published=as_published)
    table = load_experiment(folder, name, command=COMMAND, mouse_ids=[mouse_id])[mouse_id]
    monitor = load_monitor(folder, name, mouse_id)
    columns = ["centre_x_px", "centre_y_px", "direction_deg"]
    row = table.neurons["neuron"].eq(neuron).to_numpy()
    x, y, direction = table.neurons.loc[row, columns].to_numpy(float)[0]
    return DiscPlacement(
        monitor=monitor,
        centre_px=(x, y),
        direction_deg=None if np.isnan(direction) else direction,
        radius_px=monitor.radius_px(size_deg),
    )


def samples_of(table: ResponseTable) -> tuple[NDArray[np.float64], pd.DataFrame]:
    """Responses to each presentation (n, k, r), and k conditions: contrast, size, kind.

    Presentations of all directions stand together; equal places in r have the same direction and
    repeat, and so the same phase. `size` is in degrees, or in sigmas.

    Args:
        table: of the stimuli of this module.
    """
    shown = table.presentations.reset_index(names="place")
    names = ["contrast", "kind", "direction"]
    shown = shown.join(table.conditions[names], on="condition")
    shown["size"] = table.conditions[size_column(table)].to_numpy()[shown["condition"]]
    groups = shown.sort_values(["direction", "repeat"]).groupby(["contrast", "size", "kind"])
    assert table.amplitude is not None
    samples = np.stack([table.amplitude[:, part["place"]] for _, part in groups], axis=1)
    keys = pd.DataFrame([key for key, _ in groups], columns=["contrast", "size", "kind"])
    return samples.astype(float), keys


def grey_of(table: ResponseTable) -> NDArray[np.float64]:
    """Response (n,) to grey: mean over the last `GREY_FRAMES` before all stimuli."""
    assert table.trace is not None
    before = table.reduction.before
    frames = slice(before - GREY_FRAMES, before)
    return table.trace[:, :, frames].mean(axis=(1, 2), dtype=float)


def traces_of(table: ResponseTable) -> pd.DataFrame:
    """Mean responses over time, both directions together, one row a frame.

    Columns: row (of the table), neuron, contrast, size (in degrees, or in sigmas), kind, time_s
    (from the onset), mean, sem (over presentations of one direction, averaged).

    Args:
        table: of the stimuli of this module.
    """
    assert table.trace is not None
    assert table.trace_sem is not None
    keys = ["contrast", "size", "kind"]
    conditions = table.conditions.rename(columns={size_column(table): "size"})
    time = (np.arange(table.trace.shape[2]) - table.reduction.before) / FPS
    rows = np.arange(len(table.neurons))
    frames = []
    for key, part in conditions.groupby(keys):
        places = part.index.to_numpy()
        error = np.sqrt((table.trace_sem[:, places] ** 2).sum(axis=1)) / len(places)
        values = {
            "row": np.repeat(rows, len(time)),
            "neuron": np.repeat(table.neurons["neuron"].to_numpy(), len(time)),
            **dict(zip(keys, key, strict=True)),
            "time_s": np.tile(time, len(rows)),
            "mean": table.trace[:, places].mean(axis=1).ravel(),
            "sem": error.ravel(),
        }
        frames.append(pd.DataFrame(values))
    return pd.concat(frames, ignore_index=True)


def strongest_traces(
    table: ResponseTable, discs: pd.DataFrame, size_deg: float | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean responses over time at the highest contrast and their standard errors, (n, 4, w).

    The second axis is that of `names.SURROUND_KINDS`.

    Args:
        table: of the stimuli of this module.
        discs: of `discs.discs_of`.
        size_deg: of the disc; None: the first.
    """
    size = discs["size"].iloc[0]
    if size_deg is not None:
        size = discs["size"].iloc[int((discs[SIZE] - size_deg).abs().argmin())]
    conditions = table.conditions
    high = conditions["contrast"] == conditions["contrast"].max()
    shown = high & conditions[size_column(table)].isin([0.0, size])
    groups = [np.flatnonzero(shown & (conditions["kind"] == kind)) for kind in SURROUND_KINDS]
    assert table.trace is not None
    assert table.trace_sem is not None
    means = [table.trace[:, places].mean(axis=1) for places in groups]
    sems = [np.sqrt((table.trace_sem[:, p] ** 2).sum(axis=1)) / len(p) for p in groups]
    return np.stack(means, axis=1).astype(float), np.stack(sems, axis=1).astype(float)


def example_traces(
    folder: Path, examples: pd.DataFrame, *, centre: Centre, as_published: bool = False
) -> pd.DataFrame:
    """`traces_of` some neurons, one after the other, with columns mouse and name ("S1, neuron 7").

    Args:
        folder: of the results.
        examples: one row a neuron: mouse, neuron, size_deg.
        centre: what discs lie on.
        as_published: the published stimuli.
    """
    wanted = examples[["mouse", "neuron", SIZE]]
    mice = list(dict.fromkeys(wanted["mouse"]))
    shown = load_gratings(folder, centre=centre, as_published=as_published, mouse_ids=mice)
    parts = []
    for mouse_id, neuron, size_deg in wanted.itertuples(index=False):
        table, discs = shown[mouse_id]
        (row,) = np.flatnonzero(table.neurons["neuron"] == neuron)
        own = discs[(discs["row"] == row) & np.isclose(discs[SIZE], size_deg)]
        found = traces_of(table.select(neurons=[row]))
        found = found[found["size"].isin([0.0, *own["size"]])]
        parts.append(found.assign(mouse=mouse_id, name=f"{mouse_id}, neuron {neuron}"))
    return pd.concat(parts, ignore_index=True)
