"""Responses to gratings with surrounds: read, sorted by stimulus, and where the discs lay."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.experiments.contextual import SIGMAS, Centre, experiment_name
from viv1t.experiments.contextual_published import SIZE
from viv1t.experiments.discs import DiscPlacement, disc_radius_px
from viv1t.experiments.saved import load_experiment, load_facts
from viv1t.experiments.table import ResponseTable
from viv1t.names import SURROUND_KINDS, MouseId
from viv1t.results.store import ResultDir, read_result
from viv1t.stimuli.aperture import visible_share
from viv1t.units import FPS, Monitor

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
    """Responses of the neurons that saw the stimuli, and their discs (`discs_of`), by mouse.

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
    tables = load_experiment(folder, name, command=command, mouse_ids=mouse_ids)
    found = {}
    for mouse_id, table in tables.items():
        facts = load_facts(ResultDir(folder).experiment(name) / f"mouse{mouse_id}.h5")
        monitor = Monitor(**facts["groups"][0]["monitor"])
        fields = read_result(folder, "aRF", mouse_ids=[mouse_id])
        shown = table.select(neurons=table.neurons["placed"].to_numpy(bool))
        found[mouse_id] = (shown, discs_of(shown, fields, monitor))
    return found


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
    facts = load_facts(ResultDir(folder).experiment(name) / f"mouse{mouse_id}.h5")
    monitor = Monitor(**facts["groups"][0]["monitor"])
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
    shown["size"] = table.conditions[_size_column(table)].to_numpy()[shown["condition"]]
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
    conditions = table.conditions.rename(columns={_size_column(table): "size"})
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
        discs: of `discs_of`.
        size_deg: of the disc; None: the first.
    """
    size = discs["size"].iloc[0]
    if size_deg is not None:
        size = discs["size"].iloc[int((discs[SIZE] - size_deg).abs().argmin())]
    conditions = table.conditions
    high = conditions["contrast"] == conditions["contrast"].max()
    shown = high & conditions[_size_column(table)].isin([0.0, size])
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


def discs_of(
    table: ResponseTable, receptive_fields: pd.DataFrame, monitor: Monitor
) -> pd.DataFrame:
    """One row a neuron and disc: row, neuron, z_um, size, size_deg, disc_ratio, visible.

    row is that of the table, z_um the depth (NaN: unknown), disc_ratio the radius of the disc over
    the sigma of the receptive field (NaN: no good fit), visible the share of the disc that is on
    the screen.

    Args:
        table: of the stimuli of this module, neurons that saw them.
        receptive_fields: rows of the table aRF of the mouse.
        monitor: the screen of the mouse.
    """
    column = _size_column(table)
    fields = receptive_fields[receptive_fields["neuron"].isin(table.neurons["neuron"])]
    sigma = disc_radius_px(fields, 1.0, int(table.neurons["neuron"].max()) + 1)
    rows = []
    for size in sorted(set(table.conditions[column]) - {0.0}):
        for row, neuron in enumerate(table.neurons.to_dict("records")):
            width = sigma[neuron["neuron"]]
            radius = neuron["radius_px"] if column == SIGMAS else monitor.radius_px(size)
            size_deg = monitor.diameter_deg(radius)
            centre = (neuron["centre_x_px"], neuron["centre_y_px"])
            inside = visible_share(monitor, size_deg, centre_px=centre)
            who = row, neuron["neuron"], neuron.get("z_um", np.nan)
            rows.append((*who, size, size_deg, radius / width, inside))
    columns = ["row", "neuron", "z_um", "size", SIZE, "disc_ratio", "visible"]
    return pd.DataFrame(rows, columns=columns)


def _size_column(table: ResponseTable) -> str:
    return SIGMAS if SIGMAS in table.conditions else SIZE
