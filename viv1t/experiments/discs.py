"""Discs that fit each neuron's receptive field, and experiments on some of the neurons."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.errors import ConfigError, MissingResultError
from viv1t.experiments.placed import Group, Placement
from viv1t.experiments.saved import load_experiment, load_monitor
from viv1t.experiments.table import ResponseTable
from viv1t.insilico.probe import Probe
from viv1t.names import MouseId
from viv1t.results.store import read_result
from viv1t.rng import child
from viv1t.stimuli.aperture import visible_share
from viv1t.units import Monitor

# How conditions state the disc: the same for all neurons, or each neuron's own.
SIZE: Final = "size_deg"
SIGMAS: Final = "disc_sigmas"
# Discs of neurons differ by steps of this radius, so that neurons can share a placement.
RADIUS_STEP_PX: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class DiscPlacement(Placement):
    """A placement with its own disc.

    Attributes:
        radius_px: of the disc.
    """

    radius_px: float


def stepped(radius_px: float) -> float:
    """`radius_px` rounded up to the radius of a disc that is shown."""
    return float(np.ceil(radius_px / RADIUS_STEP_PX) * RADIUS_STEP_PX)


def disc_radius_px(
    receptive_fields: pd.DataFrame, sigmas: float, num_neurons: int
) -> NDArray[np.float64]:
    """Radius (n,) that covers `sigmas` of the wider axis of each receptive field; NaN: no field.

    Args:
        receptive_fields: rows of the table aRF of one mouse.
        sigmas: of the envelope.
        num_neurons: n.
    """
    good = receptive_fields[~receptive_fields["bad_fit"].to_numpy(bool)]
    radius = np.full(num_neurons, np.nan)
    wider = good[["sigma_x_px", "sigma_y_px"]].max(axis=1)
    radius[good["neuron"].to_numpy(int)] = sigmas * wider.to_numpy(float)
    return radius


def with_discs(groups: Sequence[Group], radius_px: NDArray[np.floating]) -> list[Group]:
    """`groups` divided by the size of the disc, rounded up to steps of half a pixel.

    Args:
        groups: of neurons with one centre and direction.
        radius_px: (n,) of all neurons of the mouse; neurons without one (NaN) are left out.
    """
    rounded = np.array([stepped(radius) for radius in radius_px])
    divided = []
    for group in groups:
        of_group = rounded[group.neurons]
        for radius in np.unique(of_group[np.isfinite(of_group)]):
            place = DiscPlacement(**vars(group.placement), radius_px=float(radius))
            divided.append(Group(placement=place, neurons=group.neurons[of_group == radius]))
    return divided


def on_own_discs(
    probe: Probe, mouse_id: MouseId, groups: Sequence[Group], *, sigmas: float, shared: bool = False
) -> list[Group]:
    """`groups` with discs that cover `sigmas` of each receptive field, from the table aRF.

    Args:
        probe: who is asked.
        mouse_id: the mouse.
        groups: of its neurons.
        sigmas: radius of the disc, in sigmas of the wider axis.
        shared: one disc for all: that of the median neuron.

    Raises:
        MissingResultError: the table is missing; the message names the command.
    """
    fields = read_result(probe.output_dir, "aRF", mouse_ids=[mouse_id])
    radius = disc_radius_px(fields, sigmas, probe.responder.num_neurons(mouse_id))
    if shared:
        radius[:] = np.nanmedian(radius)
    return with_discs(groups, radius)


def take_neurons(
    groups: Sequence[Group],
    *,
    neurons: Sequence[int] | None = None,
    max_neurons: int | None = None,
    seed: int = 0,
) -> list[Group]:
    """`groups` with some of their neurons; each neuron costs a pass of its own.

    Args:
        groups: of neurons.
        neurons: rows that are wanted; None: all.
        max_neurons: draw so many of them at random, if there are more; None: all.
        seed: of the draw.

    Raises:
        ConfigError: none is left.
    """
    placed = np.concatenate([group.neurons for group in groups])
    chosen = placed if neurons is None else np.intersect1d(placed, np.asarray(neurons, int))
    if not len(chosen):
        raise ConfigError(
            f"--neurons names none of the {len(placed)} neurons that have a place: "
            f"{', '.join(map(str, np.sort(placed)[:20]))}{', ...' if len(placed) > 20 else ''}"
        )
    if max_neurons is not None and len(chosen) > max_neurons:
        chosen = child(seed, "neurons").choice(np.sort(chosen), max_neurons, replace=False)
    kept = [
        replace(group, neurons=group.neurons[np.isin(group.neurons, chosen)]) for group in groups
    ]
    return [group for group in kept if len(group.neurons)]


def load_on_discs(
    folder: Path, name: str, *, command: str, mouse_ids: Sequence[MouseId] | None = None
) -> dict[MouseId, tuple[ResponseTable, pd.DataFrame]]:
    """Responses of the neurons that saw stimuli on discs, and these (`discs_of`), by mouse.

    Args:
        folder: of the results.
        name: of the experiment.
        command: the script that shows the stimuli, for the message if they were not shown.
        mouse_ids: mice that are wanted; None: those that are there.

    Raises:
        MissingResultError: stimuli were not shown; the message names the command.
    """
    tables = load_experiment(folder, name, command=command, mouse_ids=mouse_ids)
    found = {}
    for mouse_id, table in tables.items():
        monitor = load_monitor(folder, name, mouse_id)
        shown = table.select(neurons=table.neurons["placed"].to_numpy(bool))
        # In the middle of the screen no centre is stated.
        middle = {"centre_x_px": monitor.width_px / 2, "centre_y_px": monitor.height_px / 2}
        shown = replace(shown, neurons=shown.neurons.fillna(middle))
        found[mouse_id] = shown, discs_of(shown, _receptive_fields(folder, mouse_id), monitor)
    return found


def _receptive_fields(folder: Path, mouse_id: MouseId) -> pd.DataFrame:
    """Rows of the table aRF, none where it is missing: mid-screen stimuli do without it."""
    try:
        return read_result(folder, "aRF", mouse_ids=[mouse_id])
    except MissingResultError:
        return pd.DataFrame(columns=["neuron", "bad_fit", "sigma_x_px", "sigma_y_px"])


def discs_of(
    table: ResponseTable, receptive_fields: pd.DataFrame, monitor: Monitor
) -> pd.DataFrame:
    """One row a neuron and disc: row, neuron, z_um, size, size_deg, disc_ratio, visible.

    row is that of the table, z_um the depth (NaN: unknown), disc_ratio the radius of the disc over
    the sigma of the receptive field (NaN: no good fit), visible the share of the disc that is on
    the screen.

    Args:
        table: of stimuli on discs, neurons that saw them.
        receptive_fields: rows of the table aRF of the mouse.
        monitor: the screen of the mouse.
    """
    column = size_column(table)
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


def size_column(table: ResponseTable) -> str:
    """The column of the conditions that states the disc: `SIGMAS`, or `SIZE`."""
    return SIGMAS if SIGMAS in table.conditions else SIZE
