"""Showing a set of stimuli to whatever answers movies."""

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from viv1t.errors import ConfigError
from viv1t.experiments.saved import (
    SCHEMA_VERSION,
    read_facts,
    refuse_other,
    unreadable,
    write_facts,
)
from viv1t.experiments.stimuli import StimulusSet
from viv1t.experiments.table import ResponseTable, add_trial
from viv1t.experiments.tally import Reduction, Tally
from viv1t.insilico.responder import Responder
from viv1t.names import MouseId
from viv1t.results.responses import Units
from viv1t.utils.files import atomic

logger = logging.getLogger(__name__)

# Seconds of work that a killed process may lose.
SAVE_SECONDS: Final = 60.0


def run_experiment(
    stimuli: StimulusSet,
    responder: Responder,
    mouse_id: MouseId,
    *,
    seed: int = 0,
    reduction: Reduction | None = None,
    behavior: ArrayLike | None = None,
    pupil_center: ArrayLike | None = None,
    neurons: ArrayLike | None = None,
    units: Units = "recorded",
    batch_size: int = 1,
    path: Path | None = None,
    provenance: Mapping[str, str | int] | None = None,
    progress: bool = False,
) -> ResponseTable:
    """Responses of a mouse to stimuli, reduced while they are predicted.

    The same seed gives the same trials. With a `path` the running result is on disk: interrupted
    at any time, the same call goes on where the other ended, and repeated later it only reads.

    Args:
        stimuli: what to show.
        responder: a digital twin, or whatever else answers movies; its other frames are not asked.
        mouse_id: the mouse that watches.
        seed: of order and stimuli.
        reduction: what to keep; None: means and traces over the stimulus, and all presentations.
        behavior: (k,) in recorded units, throughout; None: the mean of the training set.
        pupil_center: (p,), likewise.
        neurons: rows of the neurons that are wanted; None: all.
        units: of the responses.
        batch_size: trials that are computed together.
        path: HDF5 file of the result; None: only in memory.
        provenance: where the responses come from, for example `insilico.load.weights_id(run)`.
        progress: show a progress bar.

    Raises:
        ConfigError: frames outside of the trial, or a file that holds another experiment.
    """
    reduction = Reduction() if reduction is None else reduction
    timing, schedule = stimuli.timing, stimuli.schedule(seed)
    first, last = (
        reduction.frames(timing.window(slot).start, timing.on) for slot in (0, timing.slots - 1)
    )
    frames = slice(first.start, last.stop)
    if frames.start < 0 or frames.stop > timing.num_frames:
        raise ConfigError(
            f"{reduction} asks for frames {frames.start} to {frames.stop} of trials of "
            f"{timing.num_frames} frames"
        )
    table = neuron_table(responder, mouse_id, neurons)
    tally = Tally(
        num_neurons=len(table),
        num_conditions=len(stimuli.conditions),
        num_presentations=len(schedule),
        on=timing.on,
        reduction=reduction,
    )
    trials = [shown for _, shown in schedule.groupby("trial")]
    frame_shape = responder.video_shape
    asked: dict[str, Any] = {
        "behavior": _throughout(behavior, timing.num_frames),
        "pupil_center": _throughout(pupil_center, timing.num_frames),
        "neurons": None if neurons is None else table["neuron"].to_numpy(),
    }
    store: _Store | None = None
    num_done, is_whole = 0, True
    if path is not None:
        facts = identity(
            stimuli,
            mouse_id,
            seed=seed,
            reduction=reduction,
            behavior=behavior,
            pupil_center=pupil_center,
            units=units,
            provenance=provenance,
        )
        facts["neurons"] = None if neurons is None else table["neuron"].tolist()
        facts["first_trial"] = first_trial_digest(stimuli, schedule, seed, frame_shape)
        store = _Store(path, facts)
        num_done = store.load(tally)
    with tqdm(
        total=len(trials), initial=num_done, desc=f"mouse {mouse_id}", disable=not progress
    ) as bar:
        try:
            while num_done < len(trials):
                batch = trials[num_done : num_done + batch_size]
                movies = np.stack([stimuli.trial(shown, seed, frame_shape) for shown in batch])
                responses = responder.predict(
                    movies, mouse_id, units=units, batch_size=batch_size, frames=frames, **asked
                )
                is_whole = False
                for shown, response in zip(batch, responses, strict=True):
                    add_trial(tally, shown, response, first_frame=frames.start)
                num_done, is_whole = num_done + len(batch), True
                bar.update(len(batch))
                if store is not None:
                    store.save_now_and_then(tally, num_done)
        finally:
            if store is not None and is_whole:
                store.save(tally, num_done)
    return ResponseTable.of(
        tally,
        conditions=stimuli.conditions,
        presentations=schedule,
        neurons=table,
        source="predicted",
    )


def identity(
    stimuli: StimulusSet,
    mouse_id: MouseId,
    *,
    seed: int,
    reduction: Reduction,
    behavior: ArrayLike | None,
    pupil_center: ArrayLike | None,
    units: Units,
    provenance: Mapping[str, str | int] | None,
) -> dict[str, Any]:
    """Plain facts that tell one experiment from another, see `run_experiment`."""
    state = {"behavior": behavior, "pupil_center": pupil_center}
    return {
        "mouse": mouse_id,
        "seed": seed,
        "units": units,
        "conditions": stimuli.conditions.to_json(orient="split"),
        "repeats": stimuli.repeats,
        "timing": asdict(stimuli.timing),
        "reduction": asdict(reduction),
        "provenance": dict(provenance or {}),
        **{k: None if v is None else np.asarray(v, float).tolist() for k, v in state.items()},
    }


def first_trial_digest(
    stimuli: StimulusSet, schedule: pd.DataFrame, seed: int, frame_shape: tuple[int, int]
) -> str:
    """A hash of the movie of the first trial: of what the renderer draws."""
    shown = schedule[schedule["trial"] == schedule["trial"].iloc[0]]
    return sha256(stimuli.trial(shown, seed, frame_shape).tobytes()).hexdigest()


def neuron_table(
    responder: Responder, mouse_id: MouseId, neurons: ArrayLike | None = None
) -> pd.DataFrame:
    """One row a neuron: neuron (row of the mouse) and, where known, x_um, y_um, z_um.

    Args:
        responder: knows the mouse.
        mouse_id: the mouse.
        neurons: rows, or a mask; None: all.
    """
    rows = np.arange(responder.num_neurons(mouse_id))
    rows = rows if neurons is None else np.atleast_1d(rows[np.asarray(neurons)])
    table = pd.DataFrame({"neuron": rows})
    places = responder.neuron_coordinates(mouse_id)
    if places is not None:
        table[["x_um", "y_um", "z_um"]] = places[rows]
    return table


class _Store:
    """The running result on disk.

    Args:
        path: the file.
        facts: what identifies the experiment.
    """

    def __init__(self, path: Path, facts: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self.facts = dict(facts)
        self._saved = (time.monotonic(), -1)

    def load(self, tally: Tally) -> int:
        """Put what is on disk into `tally`; the number of trials that it holds.

        Raises:
            ConfigError: the file holds another experiment.
            DataError: it is damaged.
        """
        if not self.path.is_file():
            return 0
        try:
            with h5py.File(self.path, "r") as file:
                refuse_other(self.path, read_facts(file), self.facts)
                num_done = int(file.attrs["num_done"])
                tally.restore({name: file[name][()] for name in tally.arrays()})
        except ConfigError:
            raise
        except (OSError, KeyError, ValueError) as error:
            raise unreadable(self.path, error) from error
        self._saved = (time.monotonic(), num_done)
        return num_done

    def save_now_and_then(self, tally: Tally, num_done: int) -> None:
        """Save if it is long ago."""
        if time.monotonic() - self._saved[0] > SAVE_SECONDS:
            self.save(tally, num_done)

    def save(self, tally: Tally, num_done: int) -> None:
        """Write everything, whole or not at all, unless it is there already."""
        if num_done == self._saved[1]:
            return
        with atomic(self.path) as temporary, h5py.File(temporary, "w") as file:
            file.attrs["schema"] = SCHEMA_VERSION
            file.attrs["num_done"] = num_done
            write_facts(file, self.facts)
            for name, values in tally.arrays().items():
                file[name] = values
        self._saved = (time.monotonic(), num_done)


def _throughout(state: ArrayLike | None, num_frames: int) -> NDArray[np.float32] | None:
    """Behaviour or pupil centre (k,) as (k, t)."""
    if state is None:
        return None
    values = np.asarray(state, dtype=np.float32)
    if values.ndim != 1:
        raise ConfigError(
            f"behavior and pupil_center of an experiment are constant, (k,); got {values.shape}"
        )
    return np.repeat(values[:, None], num_frames, axis=1)
