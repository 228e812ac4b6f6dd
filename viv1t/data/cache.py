"""Derived arrays kept beside a recording and recomputed when it changes."""

import logging
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from viv1t.data.arrays import HEADERS
from viv1t.utils.files import atomic

logger = logging.getLogger(__name__)

# What reading a truncated or overwritten npz file can raise.
DAMAGED: Final = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)

Arrays = dict[str, np.ndarray]


def write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write `arrays` (numbers and text, no objects) to the npz file `path`, whole or not at all."""
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **dict(arrays))


def read_npz(path: Path) -> Arrays:
    """All arrays of the npz file `path`; a damaged file raises one of `DAMAGED`."""
    with HEADERS, path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def cached(path: Path, *, key: str, compute: Callable[[], Arrays]) -> Arrays:
    """The arrays of `compute()`, read from the npz file `path` if that was made under `key`.

    A folder that cannot be written costs one line in the log, and the work again next time.
    """
    arrays = _read(path, key)
    if arrays is None:
        arrays = compute()
        try:
            write_npz(path, arrays | {"key": np.array(key)})
        except OSError as error:
            logger.info("%s could not be kept (%s): computed anew each time", path, error.strerror)
    return arrays


def _read(path: Path, key: str) -> Arrays | None:
    try:
        arrays = read_npz(path)
    except DAMAGED:
        return None
    return arrays if str(arrays.pop("key", "")) == key else None
