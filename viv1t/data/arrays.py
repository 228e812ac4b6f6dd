"""Reading .npy files: memory-mapped, never executing what they hold, with errors that name them."""

import io
import os
import pickle
import threading
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.lib import format as npy

from viv1t.errors import DataError

# Older and newer NumPy name the same functions differently.
_PICKLED_ARRAY: Final = frozenset(
    (module, name)
    for module in ("numpy", "numpy.core.multiarray", "numpy._core.multiarray")
    for name in ("_reconstruct", "ndarray", "dtype", "scalar")
)
# NumPy reads a header with `ast`, whose depth count CPython shares between threads before
# 3.11.8 and 3.12.2 (python/cpython#106905): two at once can end in a SystemError.
HEADERS: Final = threading.Lock()
if hasattr(os, "register_at_fork"):  # worker processes of loaders must not begin with it held
    os.register_at_fork(
        before=HEADERS.acquire, after_in_parent=HEADERS.release, after_in_child=HEADERS.release
    )


def first_nan(x: np.ndarray) -> int:
    """Index of the first NaN of the 1-D array `x`; its length if there is none."""
    nan = np.isnan(x)
    return int(nan.argmax()) if nan.any() else len(x)


def as_slice(rows: np.ndarray | slice) -> np.ndarray | slice:
    """`rows` as a slice if they follow one another: slices are read without an index."""
    if isinstance(rows, slice) or not len(rows):
        return rows
    start, stop = int(rows[0]), int(rows[-1]) + 1
    follow = stop - start == len(rows) and np.array_equal(rows, np.arange(start, stop))
    return slice(start, stop) if follow else rows


def open_array(path: Path) -> np.ndarray:
    """The array stored in `path`, memory-mapped and read-only.

    Raises:
        DataError: the file is missing, empty, truncated, not .npy, or holds Python objects.
    """
    try:
        with path.open("rb") as file:
            shape, is_fortran, dtype = _read_header(file)
            if dtype.hasobject:
                raise ValueError("it holds Python objects")
            order: Literal["C", "F"] = "F" if is_fortran else "C"
            return np.memmap(file, dtype, "r", file.tell(), shape, order)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; the session is incomplete") from error
    except (ValueError, EOFError) as error:
        raise _damaged(path, error) from error


def _read_header(file: io.BufferedReader) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether it is in Fortran order, and dtype of an array; the file stands at its data."""
    version = npy.read_magic(file)  # fills the buffer: no thread waits for another one's disk
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    with HEADERS:
        shape, is_fortran, dtype = read(file)
    return shape, is_fortran, dtype


def read_array(path: Path) -> np.ndarray:
    """The array stored in `path`, in memory; errors as in `open_array`."""
    return np.array(open_array(path))


def read_labels(path: Path) -> np.ndarray:
    """The 1-D array of text or whole numbers in `path`, of any dtype, as str or int64.

    Arrays of Python objects are read by an unpickler that knows nothing but NumPy's arrays.

    Raises:
        DataError: the file is missing or damaged, or holds anything else.
    """
    try:
        with path.open("rb") as file:
            _, _, dtype = _read_header(file)
            labels = _ArrayUnpickler(file).load() if dtype.hasobject else None
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; the session is incomplete") from error
    except (ValueError, EOFError, pickle.UnpicklingError) as error:
        raise _damaged(path, error) from error
    values = np.asarray(read_array(path) if labels is None else labels)
    if values.ndim != 1:
        raise DataError(f"{path} should hold a 1-D array, found shape {values.shape}")
    return _as_text_or_int(values, path)


def _as_text_or_int(values: np.ndarray, path: Path) -> np.ndarray:
    if values.dtype.kind in "iu":
        return values.astype(np.int64)
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8")
    if values.dtype.kind == "U":
        return values
    items = [item.decode() if isinstance(item, bytes) else item for item in values.tolist()]
    if all(isinstance(item, str) for item in items):
        return np.array(items, dtype=np.str_)
    if all(float(item).is_integer() for item in items if not isinstance(item, str)):
        return np.array([int(item) for item in items], dtype=np.int64)
    raise DataError(f"{path} should hold text or whole numbers, found {values.dtype}")


def _damaged(path: Path, error: Exception) -> DataError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return DataError(
        f"{path} is not a whole .npy array of numbers ({reason}); copy or download it again"
    )


class _ArrayUnpickler(pickle.Unpickler):
    """Builds NumPy arrays and plain Python values; refuses every other class or function."""

    def __init__(self, file: io.BufferedReader) -> None:
        super().__init__(file)

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        if (module, name) in _PICKLED_ARRAY:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is refused")
