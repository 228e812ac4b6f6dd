"""Files that are written whole or not at all, and read with errors that name them."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import ArrayLike

from viv1t.errors import ConfigError, MissingResultError, UserError


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; it is flushed to disk and renamed to `path` on success.

    On an exception the temporary file is removed and `path` stays as it was.

    Raises:
        ConfigError: `path` is a device or a folder, which must not be replaced by a file.
    """
    if path.exists() and not path.is_file():
        raise ConfigError(f"{path} is no ordinary file: name one that can be written or replaced")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a write that finds no space names no file
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_yaml(path: Path, values: Mapping[str, Any]) -> None:
    """Write plain `values` (numbers, text, lists, mappings) to `path` as YAML, keys sorted."""
    write_text(path, yaml.safe_dump(dict(values), sort_keys=True, allow_unicode=True))


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping stored in the YAML file `path`.

    Raises:
        MissingResultError: there is no such file.
        UserError: the file is not YAML or holds no mapping.
    """
    if not path.is_file():
        raise MissingResultError(f"{path} does not exist")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise UserError(f"{path} should hold a YAML mapping, found {type(values).__name__}")
    return values


def write_npy(path: Path, values: ArrayLike) -> None:
    """Write an array to the npy file `path`, whole or not at all."""
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.save(file, np.asarray(values))


def write_json(path: Path, values: Any) -> None:  # noqa: ANN401
    """Write plain `values` to `path` as indented JSON."""
    write_text(path, json.dumps(values, indent=1, sort_keys=True) + "\n")
