"""Rollouts on disk: experiments/<name>/mouse<M>/<variable>.h5, one dataset a trial."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from viv1t.errors import ConfigError, DataError, MissingResultError
from viv1t.names import MouseId
from viv1t.results.store import ResultDir
from viv1t.utils.files import atomic, write_json

# The folder of a run's rollouts of recorded trials.
RECORDED_TRIALS: Final = "attention"
# Follows the name of rollouts that are summed up as published.
PUBLISHED: Final = "_published"
EXTRACT: Final = "misc/extract_attention.py"
# That of its rollouts of discs and holes.
FEEDBACK: Final = "attention_feedbackRF"
FEEDBACK_EXTRACT: Final = "tuning_feedbackRF/extract_attention.py"


@dataclass(frozen=True)
class AttentionFiles:
    """The rollouts of one mouse, trial by trial; a trial is written whole or not at all.

    Until `finish`, trials are in a folder of parts, so that a run that was cut off goes on.

    Attributes:
        path: experiments/<name>/mouse<M>.
    """

    path: Path

    @classmethod
    def of(cls, folder: Path, name: str, mouse_id: MouseId) -> "AttentionFiles":
        """Those of a mouse in the folder of a run.

        Args:
            folder: of the run.
            name: of the experiment.
            mouse_id: the mouse.
        """
        return cls(ResultDir(Path(folder)).experiment(name) / f"mouse{mouse_id}")

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What `begin` was given: how rollouts were made, geometry, and what trials showed.

        Raises:
            DataError: the file is damaged.
        """
        path = self.path / "facts.json"
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read ({error}); delete {self.path}") from error
        return found

    def begin(self, facts: Mapping[str, Any]) -> set[int]:
        """The trials that are there already, after making sure that they are of these `facts`.

        Args:
            facts: plain values.

        Raises:
            ConfigError: the folder holds something else.
        """
        wanted = json.loads(json.dumps(dict(facts)))
        if (self.path / "facts.json").is_file():
            different = [key for key in wanted if self.facts.get(key) != wanted[key]]
            if different:
                raise ConfigError(
                    f"{self.path} holds attention of other {', '.join(different)}: delete the "
                    "folder, or name another run"
                )
        write_json(self.path / "facts.json", wanted)
        waiting = {int(path.stem) for path in self._parts.glob("[0-9]*.npz")}
        return waiting | set(self._stored_trials())

    def add(self, trial_id: int, variables: Mapping[str, NDArray[Any]]) -> None:
        """Store the arrays of a trial, by name."""
        arrays: dict[str, Any] = dict(variables)
        with atomic(self._parts / f"{trial_id}.npz") as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays)

    def finish(self) -> None:
        """Put all parts into one file a variable."""
        parts = sorted(self._parts.glob("[0-9]*.npz"), key=lambda path: int(path.stem))
        names: list[str] = []
        if parts:
            with np.load(parts[0]) as first:
                names = list(first)
        for name in names:
            path = self.path / f"{name}.h5"
            with atomic(path) as temporary, h5py.File(temporary, "w") as file:
                if path.is_file():
                    with h5py.File(path, "r") as before:
                        for trial in before:
                            before.copy(trial, file)
                for part in parts:
                    with np.load(part) as arrays:
                        file.pop(part.stem, None)
                        file.create_dataset(part.stem, data=arrays[name], compression="gzip")
        for part in parts:
            part.unlink()
        if self._parts.is_dir():
            self._parts.rmdir()

    def variables(self) -> tuple[str, ...]:
        """Names of what is stored of each trial."""
        return tuple(sorted(path.stem for path in self.path.glob("*.h5")))

    def trial_ids(self) -> tuple[int, ...]:
        """Trials that are stored, ascending.

        Raises:
            MissingResultError: none.
        """
        trials = self._stored_trials()
        if not trials:
            command = self.facts.get("made_by", EXTRACT) if self.path.is_dir() else EXTRACT
            raise MissingResultError(
                f"{self.path} holds no attention; write it with: python {command} --output_dir ..."
            )
        return trials

    def read(self, variable: str, trial_id: int) -> NDArray[Any]:
        """An array of a trial.

        Raises:
            MissingResultError: there is no such variable or trial.
        """
        (found,) = self.read_several(variable, [trial_id])
        return found

    def read_several(self, variable: str, trial_ids: Iterable[int]) -> Sequence[NDArray[Any]]:
        """Arrays of several trials.

        Raises:
            MissingResultError: there is no such variable or trial.
        """
        path = self.path / f"{variable}.h5"
        if not path.is_file():
            raise MissingResultError(
                f"{path} does not exist; there is {', '.join(self.variables()) or 'nothing'}"
            )
        with h5py.File(path, "r") as file:
            missing = [trial for trial in trial_ids if str(trial) not in file]
            if missing:
                raise MissingResultError(f"{path} lacks trial {', '.join(map(str, missing))}")
            return [file[str(trial)][()] for trial in trial_ids]

    @property
    def _parts(self) -> Path:
        return self.path / "parts"

    def _stored_trials(self) -> tuple[int, ...]:
        """Trials that every file holds."""
        stored: list[set[int]] = []
        for path in self.path.glob("*.h5"):
            with h5py.File(path, "r") as file:
                stored.append({int(trial) for trial in file})
        return tuple(sorted(set.intersection(*stored))) if stored else ()


def stored_mice(folder: Path, name: str, command: str) -> tuple[MouseId, ...]:
    """Mice of which a run has rollouts.

    Args:
        folder: of the run.
        name: of the experiment.
        command: the script that makes them.

    Raises:
        MissingResultError: none.
    """
    where = ResultDir(Path(folder)).experiment(name)
    mice = sorted(p.parent.name.removeprefix("mouse") for p in where.glob("mouse*/facts.json"))
    if not mice:
        raise MissingResultError(
            f"{where} holds no attention; write it with: python {command} --output_dir {folder}"
        )
    return tuple(mice)
