import gc
import multiprocessing
import os
import re
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import golden_cases
import numpy as np
import pytest

from viv1t.data.arrays import first_nan, open_array, read_labels
from viv1t.errors import DataError


@pytest.mark.parametrize("case", golden_cases.facts("transforms")["find_nan"])
def test_first_nan(case: dict):
    x = np.array([float(value) for value in case["x"]])
    if np.isnan(x[0]) and np.isnan(x).sum() == 1:  # the published search misses a lone first NaN
        assert case["index"] == len(x)
        assert first_nan(x) == 0
    else:
        assert first_nan(x) == case["index"]


@pytest.mark.parametrize(
    "labels",
    [["a", "bc"], [3, 1, 2]],
    ids=["text", "numbers"],
)
@pytest.mark.parametrize("dtype", [None, object, "S8"])
def test_labels_of_any_dtype(tmp_path: Path, labels: list, dtype: object):
    np.save(tmp_path / "x.npy", np.array(labels, dtype=dtype))
    found = read_labels(tmp_path / "x.npy").tolist()
    assert found == ([str(label) for label in labels] if dtype == "S8" else labels)


class _Bomb:
    def __reduce__(self) -> tuple:
        return (os.mkdir, ("exploded",))


def test_a_pickle_bomb_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.array([_Bomb()], dtype=object))
    with pytest.raises(DataError, match=r"x\.npy .*asks for posix\.mkdir, which is refused"):
        read_labels(Path("x.npy"))
    assert not Path("exploded").exists()


@pytest.mark.parametrize(
    ("values", "message"),
    [(np.zeros((2, 2)), "1-D"), (np.array([0.5, 1.0]), "text or whole numbers")],
)
def test_labels_that_are_none(tmp_path: Path, values: np.ndarray, message: str):
    np.save(tmp_path / "x.npy", values)
    with pytest.raises(DataError, match=message):
        read_labels(tmp_path / "x.npy")


@pytest.mark.parametrize("content", [b"", b"not an array", b"half"], ids=["empty", "text", "cut"])
@pytest.mark.parametrize("read", [open_array, read_labels])
def test_damaged_files_are_named(tmp_path: Path, content: bytes, read: object):
    path = tmp_path / "x.npy"
    np.save(path, np.arange(1000))
    path.write_bytes(path.read_bytes()[:200] if content == b"half" else content)
    with pytest.raises(DataError, match=re.escape(str(path)) + ".*not a whole .npy array"):
        read(path)
    path.unlink()
    with pytest.raises(DataError, match="does not exist"):
        read(path)


class _Finalised:
    """Garbage whose finaliser lets another thread run."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        for _ in range(50):
            pass


@pytest.fixture
def _threads_switch_often() -> Iterator[None]:
    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(20)
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*threshold)


@pytest.mark.usefixtures("_threads_switch_often")
def test_threads_can_open_arrays_at_once(tmp_path: Path):
    path = tmp_path / "x.npy"
    np.save(path, np.zeros((6, 80)))

    def opened(_: int) -> tuple[int, ...]:
        _Finalised()
        return open_array(path).shape

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(opened, range(4000))) == {(6, 80)}


def test_a_process_forked_while_arrays_are_opened_can_open_them(tmp_path: Path):
    path, stop = tmp_path / "x.npy", threading.Event()
    np.save(path, np.zeros((6, 80)))

    def read() -> None:
        while not stop.is_set():
            open_array(path)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for _ in range(30):
            fork = multiprocessing.get_context("fork")
            child = fork.Process(target=open_array, args=(path,), daemon=True)
            child.start()
            child.join(20)
            assert child.exitcode == 0
    finally:
        stop.set()
        thread.join()
