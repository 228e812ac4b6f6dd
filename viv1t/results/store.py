"""Results of the analyses: where they stand, and tables that are checked as they are written."""

import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import viv1t
from viv1t.errors import DataError, MissingResultError
from viv1t.names import MouseId
from viv1t.registry import unknown_name
from viv1t.results.specs import TABLES, TableSpec
from viv1t.results.tables import read_table, write_table
from viv1t.utils.files import write_json

logger = logging.getLogger(__name__)

MOUSE = "mouse"


@dataclass(frozen=True)
class ResultDir:
    """A folder that holds results: a run, a data folder, or any other.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def tables(self) -> Path:
        """The folder of tables."""
        return self.path / "tables"

    @property
    def figures(self) -> Path:
        """The folder of figures."""
        return self.path / "figures"

    def experiment(self, name: str) -> Path:
        """The folder of the responses to the stimuli called `name`: mouse<M>.h5."""
        return self.path / "experiments" / name

    def table(self, name: str) -> Path:
        """The parquet file of the table `name`."""
        return self.tables / f"{name}.parquet"


def write_result(
    folder: Path, name: str, frame: pd.DataFrame, *, method: Mapping[str, Any]
) -> Path:
    """The parquet file to which the table `name` was written, whole or not at all.

    Rows of mice that `frame` does not hold are kept if they were made by the same method, else
    dropped, and a warning says so: a table never mixes methods. A JSON file beside it tells how it
    was made: method, as_published, version, command line, and what each column is.

    Args:
        folder: the run, or another folder of results.
        name: of a table in `specs.TABLES`.
        frame: its columns, in any order.
        method: the settings that shaped the numbers, plain values, the same for all mice;
            `as_published` is one of them where there is the choice.

    Raises:
        ConfigError: there is no such table.
        DataError: columns are missing or unknown, or two rows have one key.
    """
    spec, path = spec_of(name), ResultDir(Path(folder)).table(name)
    _check(frame, spec, where=f"table {name}")
    table = frame[list(spec.columns)].reset_index(drop=True)
    about: dict[Any, Any] = {
        "table": name,
        "made_by": spec.made_by,
        "method": {key: _plain(value) for key, value in method.items()},
        "as_published": bool(method.get("as_published", False)),
        "version": viv1t.__version__,
        "argv": list(sys.argv),
    }
    if MOUSE in spec.columns:
        table = _with_other_mice(table, path, spec, about)
    table.attrs = about
    write_table(path, table)
    write_json(path.with_suffix(".json"), about | {"columns": dict(spec.columns)})
    return path


def read_result(
    folder: Path, name: str, *, mouse_ids: Sequence[MouseId] | None = None
) -> pd.DataFrame:
    """The table `name`, with `attrs` that tell how it was made.

    Args:
        folder: the run, or another folder of results.
        name: of a table in `specs.TABLES`.
        mouse_ids: mice whose rows are wanted, all of which must be there; None: what there is.

    Raises:
        MissingResultError: the table or a mouse is missing; the message names the command.
        DataError: the table is damaged, or lacks columns.
    """
    spec, path = spec_of(name), ResultDir(Path(folder)).table(name)
    command = f"python {spec.made_by} {spec.folder_flag} {folder}"
    table = read_table(path, command=command)
    absent = [column for column in spec.columns if column not in table]
    if absent:
        raise DataError(
            f"{path} lacks {', '.join(absent)}: another version wrote it; write it again with: "
            f"{command}"
        )
    if mouse_ids is None:
        return table
    missing = [mouse_id for mouse_id in mouse_ids if mouse_id not in set(table[MOUSE])]
    if missing:
        raise MissingResultError(
            f"{path} holds no row of mouse {', '.join(missing)}; add them with: {command} "
            f"--mouse_ids {' '.join(missing)}"
        )
    return table[table[MOUSE].isin(list(mouse_ids))].reset_index(drop=True)


def spec_of(name: str) -> TableSpec:
    """The spec of the table `name`.

    Raises:
        ConfigError: there is no such table.
    """
    if name not in TABLES:
        raise unknown_name("table", name, TABLES)
    return TABLES[name]


def _check(frame: pd.DataFrame, spec: TableSpec, *, where: str) -> None:
    missing = [column for column in spec.columns if column not in frame]
    unknown = [str(column) for column in frame if column not in spec.columns]
    if missing or unknown:
        raise DataError(
            f"{where} should have the columns {', '.join(spec.columns)}; missing: "
            f"{', '.join(missing) or 'none'}, unknown: {', '.join(unknown) or 'none'}"
        )
    key = list(spec.key)
    if frame[key].isna().any(axis=None):
        raise DataError(f"{where}: {', '.join(key)} must not be empty")
    twice = frame[frame.duplicated(key)]
    if len(twice):
        raise DataError(
            f"{where}: rows should differ in {', '.join(key)}, {len(twice)} repeat an earlier "
            f"one, for example {twice[key].iloc[0].to_dict()}"
        )


def _with_other_mice(
    table: pd.DataFrame, path: Path, spec: TableSpec, about: Mapping[str, Any]
) -> pd.DataFrame:
    """`table` with the rows of other mice in `path`, mice in order."""
    if not path.is_file():
        return table
    stored = read_table(path, command=f"python {spec.made_by}")
    kept = stored[~stored[MOUSE].isin(set(table[MOUSE]))]
    if kept.empty:
        return table
    before, now = stored.attrs.get("method"), about["method"]
    if list(stored) != list(spec.columns) or before != now:
        logger.warning(
            "%s: dropped the rows of mouse %s, which were made in another way (%s, now %s)",
            path,
            ", ".join(sorted(set(kept[MOUSE]))),
            before,
            now,
        )
        return table
    both = pd.concat([kept, table], ignore_index=True)
    return both.sort_values(MOUSE, kind="stable", ignore_index=True)


def _plain(value: Any) -> Any:  # noqa: ANN401
    """`value` as JSON gives it back."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.item() if hasattr(value, "item") else value
