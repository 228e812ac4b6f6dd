"""Responses over time to the stimuli of a library, on disk."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from viv1t.errors import DataError, MissingResultError
from viv1t.experiments.saved import unreadable
from viv1t.most_exciting_stimulus.library import POPULATION, library_folder
from viv1t.names import MouseId
from viv1t.utils.files import atomic

SCHEMA_VERSION: Final = 1
RESPONSES: Final = "responses"
MADE_BY: Final = "most_exciting_stimulus/predict_stimulus.py"


@dataclass(frozen=True, kw_only=True)
class Traces:
    """Responses of a mouse to the stimuli of a library; they are read one stimulus at a time.

    Attributes:
        path: the file.
        stimuli: names, k of them.
        neurons: (n,) rows of the mouse.
        fps: frames per second.
        window: the frames at which the stimulus is on; grey comes before and after.
        facts: how the responses were made.
    """

    path: Path
    stimuli: tuple[str, ...]
    neurons: NDArray[np.int64]
    fps: float
    window: slice
    facts: Mapping[str, Any]

    def read(self, stimulus: str, neuron: int) -> NDArray[np.float32]:
        """The response (t,) of a neuron to a stimulus; of neuron -1 the mean over all neurons.

        Raises:
            MissingResultError: neither is in the file.
        """
        if stimulus not in self.stimuli:
            raise MissingResultError(
                f"{self.path} holds no response to {stimulus}, which is newer; add it with: "
                f"python {MADE_BY}"
            )
        with h5py.File(self.path, "r") as file:
            traces: NDArray[np.float32] = file["traces"][self.stimuli.index(stimulus)]
        if neuron == POPULATION:
            mean: NDArray[np.float32] = traces.mean(axis=0)
            return mean
        (found,) = np.nonzero(self.neurons == neuron)
        if not len(found):
            raise MissingResultError(f"{self.path} holds no response of neuron {neuron}")
        return traces[found[0]]


def traces_path(output_dir: Path, library: str, responder: str, mouse_id: MouseId) -> Path:
    """The file of the responses of `responder` to a library."""
    return library_folder(output_dir, library) / RESPONSES / responder / f"mouse{mouse_id}.h5"


def write_traces(
    path: Path,
    answers: Iterable[NDArray[np.floating]],
    *,
    stimuli: Sequence[str],
    neurons: NDArray[np.integer],
    fps: float,
    window: slice,
    facts: Mapping[str, Any],
) -> Path:
    """The path, to which responses were written as they came, whole or not at all.

    Args:
        path: see `traces_path`.
        answers: (n, t) for each stimulus, in the order of `stimuli`.
        stimuli: names.
        neurons: (n,) rows of the mouse.
        fps: frames per second.
        window: the frames at which the stimulus is on.
        facts: how they were made, plain values.
    """
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["schema"] = SCHEMA_VERSION
        file.attrs["fps"] = float(fps)
        file.attrs["window"] = (window.start, window.stop)
        file["facts"] = json.dumps(dict(facts), sort_keys=True, default=str)
        file["stimuli"] = np.asarray(stimuli, dtype=object)
        file["neurons"] = np.asarray(neurons, np.int64)
        traces = None
        for number, answer in enumerate(answers):
            if traces is None:
                traces = file.create_dataset(
                    "traces",
                    shape=(len(stimuli), *answer.shape),
                    dtype=np.float32,
                    chunks=(1, *answer.shape),
                    compression="gzip",
                    compression_opts=4,
                    shuffle=True,
                )
            traces[number] = answer
    return path


def read_traces(output_dir: Path, library: str, responder: str, mouse_id: MouseId) -> Traces:
    """The responses of `responder` to a library.

    Args:
        output_dir: the run, or another folder of results.
        library: its name.
        responder: as `predict_stimulus.py` named it: twin, truth, ensemble or a run.
        mouse_id: the mouse.

    Raises:
        MissingResultError: they were not predicted; the message names the command.
        DataError: the file is damaged.
    """
    path = traces_path(output_dir, library, responder, mouse_id)
    if not path.is_file():
        raise MissingResultError(
            f"{path} does not exist: {responder} was not asked about these stimuli; predict "
            f"their responses with: python {MADE_BY} --output_dir {output_dir} "
            f"--stimuli {library} --mouse_ids {mouse_id}"
        )
    try:
        with h5py.File(path, "r") as file:
            start, stop = (int(edge) for edge in file.attrs["window"])
            stimuli = tuple(file["stimuli"].asstr()[()])
            if len(file["traces"]) != len(stimuli):
                raise DataError(f"{path} is not whole; delete it")
            return Traces(
                path=path,
                stimuli=stimuli,
                neurons=file["neurons"][()],
                fps=float(file.attrs["fps"]),
                window=slice(start, stop),
                facts=json.loads(file["facts"].asstr()[()]),
            )
    except (OSError, KeyError, TypeError) as error:
        raise unreadable(path, error) from error
