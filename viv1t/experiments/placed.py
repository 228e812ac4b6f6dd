"""Stimuli that are placed for each neuron: on its receptive field, along its direction."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from viv1t.errors import ConfigError, DataError
from viv1t.experiments.run import first_trial_digest, identity, neuron_table, run_experiment
from viv1t.experiments.saved import load_table, refuse_other, save_table
from viv1t.experiments.stimuli import StimulusSet
from viv1t.experiments.table import ResponseTable
from viv1t.experiments.tally import Reduction
from viv1t.insilico.responder import Responder
from viv1t.names import MouseId
from viv1t.results.responses import Units
from viv1t.units import Monitor
from viv1t.utils.files import write_json

Mode: TypeAlias = Literal["screen", "neuron", "population"]

_PLACES: Final = ("centre_x_px", "centre_y_px", "direction_deg")


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where stimuli are shown.

    Attributes:
        monitor: the screen of the mouse.
        centre_px: (x, y) of their centre; None: the middle of the screen.
        direction_deg: the direction that the neurons prefer; None: not asked for.
    """

    monitor: Monitor
    centre_px: tuple[float, float] | None
    direction_deg: float | None = None


@dataclass(frozen=True, kw_only=True)
class Group:
    """Neurons that are shown the same.

    Attributes:
        placement: where.
        neurons: rows of the mouse, ascending.
    """

    placement: Placement
    neurons: NDArray[np.int64]


def place(
    num_neurons: int,
    *,
    monitor: Monitor,
    mode: Mode,
    receptive_fields: pd.DataFrame | None = None,
    directions_deg: ArrayLike | None = None,
    round_px: float = 1.0,
    round_deg: float = 15.0,
) -> list[Group]:
    """Groups of neurons that share a rounded place, so that one movie serves all of a group.

    Neurons without a place are in no group: without a good fit whose centre is on the screen
    (mode "neuron"), or without a direction.

    Args:
        num_neurons: of the mouse.
        monitor: its screen.
        mode: "screen" is the middle of the screen, "neuron" the own receptive field, "population"
            the median of all good receptive fields.
        receptive_fields: rows of the table aRF of this mouse: neuron, bad_fit, x_px, y_px.
        directions_deg: (n,) preferred directions, NaN where there is none; None: not asked for.
        round_px: centres are rounded to multiples of it.
        round_deg: likewise directions.

    Raises:
        ConfigError: no neuron is left.
    """
    centres: NDArray[np.float64] | None = None
    if mode != "screen":
        if receptive_fields is None:
            raise ConfigError(f"stimuli at the {mode}'s receptive field need the table aRF")
        centres = np.full((num_neurons, 2), np.nan)
        rows = good_receptive_fields(receptive_fields, monitor)
        places = rows[["x_px", "y_px"]].to_numpy(float)
        if mode == "neuron":
            centres[rows["neuron"].to_numpy(int)] = places
        elif len(places):
            centres[:] = np.median(places, axis=0)
        centres = _rounded(centres, round_px)
    directions: NDArray[np.float64] | None = None
    if directions_deg is not None:
        directions = _rounded(np.asarray(directions_deg, float), round_deg) % 360
    return groups_that_share(num_neurons, monitor, centres=centres, directions_deg=directions)


def groups_that_share(
    num_neurons: int,
    monitor: Monitor,
    *,
    centres: NDArray[np.float64] | None,
    directions_deg: NDArray[np.float64] | None = None,
) -> list[Group]:
    """Groups of neurons with equal centres and directions, in ascending order of these.

    Args:
        num_neurons: of the mouse.
        monitor: its screen.
        centres: (n, 2), NaN for neurons that are in no group; None: the middle of the screen.
        directions_deg: (n,), likewise; None: not asked for.

    Raises:
        ConfigError: no neuron is left.
    """
    keys = np.zeros((num_neurons, 3))
    if centres is not None:
        keys[:, :2] = centres
    if directions_deg is not None:
        keys[:, 2] = directions_deg
    neurons = np.flatnonzero(np.isfinite(keys).all(axis=1))
    if not len(neurons):
        causes = {
            "no receptive field with a good fit on the screen (table aRF)": centres,
            "no preferred direction (table selectivity)": directions_deg,
        }
        raise ConfigError(
            f"none of {num_neurons} neurons has a place: "
            + " or ".join(cause for cause, given in causes.items() if given is not None)
        )
    found, members = np.unique(keys[neurons], axis=0, return_inverse=True)
    return [
        Group(
            placement=Placement(
                monitor=monitor,
                centre_px=None if centres is None else (float(x), float(y)),
                direction_deg=None if directions_deg is None else float(direction),
            ),
            neurons=neurons[members.ravel() == number],
        )
        for number, (x, y, direction) in enumerate(found)
    ]


def good_receptive_fields(receptive_fields: pd.DataFrame, monitor: Monitor) -> pd.DataFrame:
    """The rows of the table aRF with a good fit whose centre is on the screen."""
    x, y = (receptive_fields[name].to_numpy(float) for name in ("x_px", "y_px"))
    inside = (x > -0.5) & (x < monitor.width_px - 0.5) & (y > -0.5) & (y < monitor.height_px - 0.5)
    return receptive_fields[inside & ~receptive_fields["bad_fit"].to_numpy(bool)]


def run_placed(
    design: Callable[[Placement], StimulusSet],
    responder: Responder,
    mouse_id: MouseId,
    groups: Sequence[Group],
    *,
    folder: Path | None = None,
    seed: int = 0,
    reduction: Reduction | None = None,
    behavior: ArrayLike | None = None,
    pupil_center: ArrayLike | None = None,
    batch_size: int = 1,
    units: Units = "recorded",
    provenance: Mapping[str, str | int] | None = None,
    progress: bool = False,
) -> ResponseTable:
    """Responses of all neurons of a mouse, each shown the stimuli at its own place.

    Neurons of no group are NaN, and False in the column `placed` of the table's neurons; the
    columns centre_x_px, centre_y_px and direction_deg tell where the others saw the stimuli (NaN:
    middle of the screen, no direction), with a column for each other number of their placement.
    Seeds give all groups the same order and random numbers.

    With a `folder` the result is in mouse<M>.h5 there, and what is not finished in a folder
    mouse<M>: interrupted at any time, the same call goes on where the other ended, and repeated
    later it only reads.

    Args:
        design: the stimuli at a place; conditions, timing and repeats are the same everywhere.
        responder: a digital twin, or whatever else answers movies.
        mouse_id: the mouse that watches.
        groups: as `place` gives them.
        folder: of the experiment; None: only in memory.
        seed: of order and stimuli.
        reduction: what to keep; None: means and traces over the stimulus, and all presentations.
        behavior: (k,) in recorded units, throughout; None: the mean of the training set.
        pupil_center: (p,), likewise.
        batch_size: trials that are computed together.
        units: of the responses.
        provenance: where the responses come from.
        progress: show a progress bar: of places, or if there is only one, of trials.

    Raises:
        ConfigError: a file that holds another experiment, or conditions that differ by place.
        DataError: a file is damaged.
    """
    reduction = Reduction() if reduction is None else reduction
    sets = [design(group.placement) for group in groups]
    _check_alike(sets)
    asked: dict[str, Any] = {
        "seed": seed,
        "reduction": reduction,
        "behavior": behavior,
        "pupil_center": pupil_center,
        "units": units,
        "provenance": provenance,
    }
    facts = identity(sets[0], mouse_id, **asked)
    facts["groups"] = [_group_facts(group) for group in groups]
    facts["first_trials"] = _first_trials(sets, seed, responder.video_shape)
    path = None if folder is None else Path(folder) / f"mouse{mouse_id}.h5"
    parts = None if path is None else path.with_suffix("")
    if path is not None and path.is_file():
        table = load_table(path, facts)
        _remove(parts)
        return table
    if parts is not None:
        _begin(parts, facts)
    whole: ResponseTable | None = None
    is_one = len(groups) == 1
    numbered = list(enumerate(zip(groups, sets, strict=True)))
    for number, (group, stimuli) in tqdm(
        numbered, desc=f"mouse {mouse_id}", unit="place", disable=is_one or not progress
    ):
        part = run_experiment(
            stimuli,
            responder,
            mouse_id,
            neurons=group.neurons,
            batch_size=batch_size,
            path=None if parts is None else parts / f"group{number:04d}.h5",
            progress=is_one and progress,
            **asked,
        )
        whole = whole or _empty(part, neuron_table(responder, mouse_id))
        _take(whole, part, group)
    assert whole is not None
    if path is not None:
        save_table(path, whole, facts)
        _remove(parts)
    return whole


def _begin(parts: Path, facts: Mapping[str, Any]) -> None:
    """Make the folder of what is not finished, or raise ConfigError if it holds something else."""
    record = parts / "facts.json"
    if record.is_file():
        refuse_other(parts, json.loads(record.read_text(encoding="utf-8")), facts)
    else:
        write_json(record, dict(facts))


def _remove(parts: Path | None) -> None:
    if parts is not None and parts.is_dir():
        shutil.rmtree(parts)


def _rounded(values: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """The nearest multiples of `step`; adding 0 makes -0 a 0."""
    return np.round(values / step) * step + 0.0


def _check_alike(sets: Sequence[StimulusSet]) -> None:
    if not sets:
        raise ConfigError("an experiment needs neurons, got no group of them")
    first = sets[0]
    for other in sets[1:]:
        same = (other.timing, other.repeats, other.grey) == (
            first.timing,
            first.repeats,
            first.grey,
        )
        if not same or not other.conditions.equals(first.conditions):
            raise ConfigError(
                "conditions, timing and repeats should be the same at every place; state what "
                "depends on the place relative to it, for example a direction as 0 or 180 degrees "
                "from the preferred one"
            )


def _group_facts(group: Group) -> dict[str, Any]:
    """The place and a hash of the neurons: what they have in common is said once."""
    digest = sha256(np.asarray(group.neurons, np.int64).tobytes()).hexdigest()[:16]
    centre = group.placement.centre_px
    return asdict(group.placement) | {
        "centre_px": None if centre is None else list(centre),
        "neurons": digest,
    }


def _first_trials(sets: Sequence[StimulusSet], seed: int, frame_shape: tuple[int, int]) -> str:
    digest = sha256()
    schedule = sets[0].schedule(seed)
    for stimuli in sets:
        digest.update(first_trial_digest(stimuli, schedule, seed, frame_shape).encode())
    return digest.hexdigest()


def _empty(part: ResponseTable, neurons: pd.DataFrame) -> ResponseTable:
    """A table like `part` of all `neurons`, without responses."""
    neurons = neurons.assign(placed=False, **dict.fromkeys(_PLACES, np.nan))
    arrays: dict[str, Any] = {}
    for name in ("mean", "sem", "trace", "trace_sem", "amplitude"):
        values = getattr(part, name)
        arrays[name] = (
            None
            if values is None
            else np.full((len(neurons), *values.shape[1:]), np.nan, values.dtype)
        )
    return replace(part, neurons=neurons, **arrays)


def _take(whole: ResponseTable, part: ResponseTable, group: Group) -> None:
    """Put the responses of a group into the table of all neurons."""
    if not part.presentations.equals(whole.presentations):
        raise DataError("the groups of an experiment saw other presentations")
    for name in ("mean", "sem", "trace", "trace_sem", "amplitude"):
        values = getattr(whole, name)
        if values is not None:
            values[group.neurons] = getattr(part, name)
    centre, direction = group.placement.centre_px, group.placement.direction_deg
    places = (*(centre or (np.nan, np.nan)), np.nan if direction is None else direction)
    table = whole.neurons
    table.loc[group.neurons, "placed"] = True
    known = {field.name for field in fields(Placement)}
    more = {k: v for k, v in vars(group.placement).items() if k not in known}
    for name, value in (*zip(_PLACES, places, strict=True), *more.items()):
        table.loc[group.neurons, name] = value
