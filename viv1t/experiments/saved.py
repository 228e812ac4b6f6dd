"""Tables of responses on disk: one HDF5 file, with the facts that identify the experiment."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import h5py
import pandas as pd

from viv1t.errors import ConfigError, DataError, MissingResultError
from viv1t.experiments.table import ResponseTable
from viv1t.experiments.tally import Reduction
from viv1t.names import MouseId
from viv1t.results.store import ResultDir
from viv1t.units import Monitor
from viv1t.utils.files import atomic

SCHEMA_VERSION: Final = 1
_ARRAYS: Final = ("mean", "sem", "trace", "trace_sem", "amplitude")
_FRAMES: Final = ("conditions", "presentations", "neurons")
_PLAIN: Final = ("on", "source")


def save_table(path: Path, table: ResponseTable, facts: Mapping[str, Any]) -> None:
    """Write `table` to `path`, whole or not at all.

    Args:
        path: the HDF5 file.
        table: what to write.
        facts: what identifies the experiment; plain values.
    """
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["schema"] = SCHEMA_VERSION
        write_facts(file, facts)
        write_json_in(file, "plain", {name: getattr(table, name) for name in _PLAIN})
        write_json_in(file, "reduction", asdict(table.reduction))
        for name in _ARRAYS:
            values = getattr(table, name)
            if values is not None:
                file[name] = values
        for name in _FRAMES:
            write_frame(file.create_group(name), getattr(table, name))


def load_table(path: Path, facts: Mapping[str, Any] | None = None) -> ResponseTable:
    """The table that `save_table` wrote.

    Args:
        path: the HDF5 file.
        facts: those that it must have; None: any.

    Raises:
        ConfigError: the file holds another experiment.
        DataError: it is damaged.
    """
    try:
        with h5py.File(path, "r") as file:
            if facts is not None:
                refuse_other(path, read_facts(file), facts)
            parts: dict[str, Any] = dict(read_json_in(file, "plain"))
            parts |= {name: file[name][()] if name in file else None for name in _ARRAYS}
            parts |= {name: read_frame(file[name]) for name in _FRAMES}
            parts["reduction"] = Reduction(**read_json_in(file, "reduction"))
    except ConfigError:
        raise
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise unreadable(path, error) from error
    return ResponseTable(**parts)


def load_experiment(
    folder: Path, name: str, *, command: str, mouse_ids: Sequence[MouseId] | None = None
) -> dict[MouseId, ResponseTable]:
    """The tables of responses to the stimuli called `name`, by mouse.

    Args:
        folder: the run, or another folder of results.
        name: of the experiment.
        command: the script that shows the stimuli, for the message if they were not shown.
        mouse_ids: mice that are wanted; None: those that are there.

    Raises:
        MissingResultError: no response, or none of a mouse; the message names the command.
        DataError: a file is damaged.
    """
    where = ResultDir(Path(folder)).experiment(name)
    if mouse_ids is None:
        mouse_ids = sorted(path.stem.removeprefix("mouse") for path in where.glob("mouse*.h5"))
    missing = [m for m in mouse_ids if not (where / f"mouse{m}.h5").is_file()]
    if missing or not mouse_ids:
        chosen = f" --mouse_ids {' '.join(missing)}" if missing else ""
        raise MissingResultError(
            f"{where} holds no {'responses of mouse ' + ', '.join(missing) if missing else 'file'}"
            f"; show the stimuli with: python {command} --output_dir {folder}{chosen}"
        )
    return {m: load_table(where / f"mouse{m}.h5") for m in mouse_ids}


def load_facts(path: Path) -> dict[str, Any]:
    """The facts of the experiment in `path`: seed, state of the mouse, provenance and others.

    Raises:
        DataError: the file is damaged.
    """
    try:
        with h5py.File(path, "r") as file:
            return read_facts(file)
    except (OSError, KeyError, ValueError) as error:
        raise unreadable(path, error) from error


def load_monitor(folder: Path, name: str, mouse_id: MouseId) -> Monitor:
    """The screen on which a mouse saw the stimuli called `name`, see `load_experiment`."""
    facts = load_facts(ResultDir(Path(folder)).experiment(name) / f"mouse{mouse_id}.h5")
    return Monitor(**facts["groups"][0]["monitor"])


def write_facts(file: h5py.File, facts: Mapping[str, Any]) -> None:
    """Store `facts`, plain values, in an open file."""
    write_json_in(file, "facts", facts)


def read_facts(file: h5py.File) -> dict[str, Any]:
    """The facts in an open file."""
    facts: dict[str, Any] = read_json_in(file, "facts")
    return facts


def refuse_other(path: Path, stored: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Raise ConfigError unless `stored` are `facts`."""
    wanted = json.loads(json.dumps(dict(facts)))
    different = [name for name, value in wanted.items() if stored.get(name) != value]
    if different:
        raise ConfigError(
            f"{path} holds an experiment with other {', '.join(different)}: delete it, or give "
            "another path"
        )


def unreadable(path: Path, error: Exception) -> DataError:
    """The error of a file that is damaged."""
    reason = " ".join(str(error).split())
    return DataError(f"{path} is no readable result of an experiment ({reason}); delete it")


def write_json_in(file: h5py.File, name: str, values: Mapping[str, Any]) -> None:
    """Store plain `values` as a dataset: attributes hold 64 kB at most."""
    file[name] = json.dumps(dict(values))


def read_json_in(file: h5py.File, name: str) -> Any:  # noqa: ANN401
    """What `write_json_in` stored."""
    return json.loads(file[name].asstr()[()])


def write_frame(group: h5py.Group, frame: pd.DataFrame) -> None:
    """Store `frame`, columns of numbers, truth values or text, in a group of an open file."""
    group.attrs["columns"] = json.dumps([str(name) for name in frame])
    for name in frame:
        values = frame[name].to_numpy()
        group[str(name)] = values.astype(object) if values.dtype.kind in "OUT" else values


def read_frame(group: h5py.Group) -> pd.DataFrame:
    """What `write_frame` stored."""
    columns: dict[str, Any] = {}
    for name in json.loads(group.attrs["columns"]):
        stored = group[name]
        is_text = h5py.check_string_dtype(stored.dtype) is not None
        columns[name] = stored.asstr()[()] if is_text else stored[()]
    return pd.DataFrame(columns)
