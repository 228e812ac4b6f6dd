"""Packed copies of recordings: few memory-mapped files, time first, that hold the same numbers.

A packed copy lies in `<session>/viv1t/packed`, is written by data/pack_recordings.py and may be
deleted at any time. One file a signal holds the frames of all trials, one trial after the other:
a crop is one stretch of a file, and nothing but that stretch is read.
"""

import errno
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.lib import format as npy
from tqdm import tqdm

from viv1t.data.arrays import as_slice, open_array
from viv1t.data.cache import DAMAGED, read_npz, write_npz
from viv1t.errors import DataError
from viv1t.names import TIERS

if TYPE_CHECKING:
    from viv1t.data.recording import Recording, Trial

logger = logging.getLogger(__name__)

FORMAT: Final = 1
TURNED_FRAMES: Final = 32
VIDEO_DTYPES: Final[tuple[type[np.generic], ...]] = (np.uint8, np.float16, np.float32)


@dataclass(frozen=True)
class Stretch:
    """Where the frames of a trial lie, and how many the trial has.

    Attributes:
        start: its first frame in the packed files.
        length: frames that are packed: those that are used.
        duration: frames that were recorded.
    """

    start: int
    length: int
    duration: int


class Packed:
    """The packed copy of a session; gives float32 signals, as `Recording` does.

    Attributes:
        folder: where it lies.
        stretches: {trial: where its frames are}.
    """

    def __init__(self, folder: Path, stretches: Mapping[int, Stretch]) -> None:
        self.folder = folder
        self.stretches = dict(stretches)

    def __getstate__(self) -> dict[str, Any]:
        """Without the files: the process that reads this maps them anew."""
        return {"folder": self.folder, "stretches": self.stretches}

    def holds(self, trial: int, stop: int) -> bool:
        """Whether the frames of `trial` up to `stop` are here."""
        return trial in self.stretches and stop <= self.stretches[trial].length

    def video(self, trial: int, *, start: int, stop: int) -> np.ndarray:
        """Frames `start` to `stop` of a movie, (c, t, h, w)."""
        return _as_video(self._frames("videos", trial, start, stop))

    def rows(
        self, name: str, trial: int, rows: np.ndarray | slice, *, start: int, stop: int
    ) -> np.ndarray:
        """Some rows of "responses", "behavior" or "pupil_center" in some frames, (rows, t)."""
        return _as_rows(self._frames(name, trial, start, stop), rows)

    def check(self, recording: "Recording") -> None:
        """Raise DataError unless the files are whole and have the shape of `recording`."""
        num_frames = sum(stretch.length for stretch in self.stretches.values())
        for name, column in _columns(recording).items():
            expected = (num_frames, *column.shape)
            found = self._files[name].shape if name in self._files else None
            if found != expected:
                raise DataError(f"{name}.npy has shape {found}, expected {expected}")

    def _frames(self, name: str, trial: int, start: int, stop: int) -> np.ndarray:
        first = self.stretches[trial].start
        frames: np.ndarray = self._files[name][first + start : first + stop]
        return frames

    @cached_property
    def _files(self) -> dict[str, np.ndarray]:
        """{signal: (frames, ...)}, memory-mapped."""
        return {path.stem: open_array(path).view(np.ndarray) for path in self.folder.glob("*.npy")}


def _as_video(frames: np.ndarray) -> np.ndarray:
    """(t, c, h, w) of any dtype as (c, t, h, w) float32."""
    return np.array(np.moveaxis(frames, 1, 0), dtype=np.float32, order="C")


def _as_rows(frames: np.ndarray, rows: np.ndarray | slice) -> np.ndarray:
    """Some columns of (t, n) as (rows, t)."""
    chosen = as_slice(rows)
    if not isinstance(chosen, slice):
        return np.array(frames.take(chosen, axis=1).T, order="C")
    part = frames[:, chosen]
    turned = np.empty(part.shape[::-1], dtype=np.float32)
    for start in range(0, len(part), TURNED_FRAMES):
        block = slice(start, start + TURNED_FRAMES)
        # Copied in the order of the file first: turned around, it is in the cache of the CPU.
        turned[:, block] = part[block].copy().T
    return turned


class _Column(NamedTuple):
    """What a packed file holds of each frame."""

    shape: tuple[int, ...]
    dtype: type[np.generic]


def _columns(recording: "Recording") -> dict[str, _Column]:
    """{signal: column} of the signals that a recording has."""
    rows = {
        "responses": recording.num_neurons,
        "behavior": recording.num_behaviors,
        "pupil_center": recording.num_pupils,
    }
    columns = {name: _Column((n,), np.float32) for name, n in rows.items() if n}
    return {
        "videos": _Column((recording.num_channels, *recording.frame_shape), np.float32)
    } | columns


def packed_dir(recording: "Recording") -> Path:
    """Where the packed copy of a recording lies, if there is one."""
    return recording.cache_dir / "packed"


def _key(recording: "Recording") -> str:
    return f"{FORMAT} {recording.cache_key()}"


def open_packed(recording: "Recording") -> Packed | None:
    """The packed copy of a recording; None if there is none.

    One that was made of other files, or is damaged, is left aside, and a line says so.
    """
    folder = packed_dir(recording)
    if not folder.is_dir():
        return None
    try:
        index = read_npz(folder / "index.npz")
        if str(index["key"]) != _key(recording):
            raise DataError("the recording has changed since it was made")
        columns = [index[field.name].tolist() for field in fields(Stretch)]
        where = map(Stretch, *columns)
        packed = Packed(folder, dict(zip(index["trials"].tolist(), where, strict=True)))
        packed.check(recording)
    except (*DAMAGED, DataError) as error:
        logger.info(
            "mouse %s: %s is not used (%s); run data/pack_recordings.py again or delete it",
            recording.mouse.id,
            folder,
            " ".join(str(error).split()),
        )
        return None
    return packed


def pack(recording: "Recording", *, progress: bool = False) -> int:
    """Bytes of the packed copy that was written of `recording`, in the place of an older one.

    Every trial is read back and compared bit by bit. The video has the smallest dtype of uint8,
    float16 and float32 that keeps all its values, other signals are float32. Whatever goes wrong,
    what was there before is still there.

    Args:
        recording: opened with `use_packed=False`.
        progress: show a progress bar.

    Raises:
        DataError: a trial is damaged, or was not written as it is.
        OSError: there is no room, or the folder cannot be written.
    """
    trials = sorted(int(trial) for tier in TIERS for trial in recording.trials(tier))
    stretches: dict[int, Stretch] = {}
    num_frames = 0
    for trial in trials:
        stretch = Stretch(num_frames, recording.length(trial), recording.duration(trial))
        stretches[trial], num_frames = stretch, num_frames + stretch.length
    label = f"mouse {recording.mouse.id}"
    bar: tqdm[Any]
    with (
        tqdm(total=2 * len(trials), desc=label, unit="trial", disable=not progress) as bar,
        _replaced(packed_dir(recording)) as folder,
    ):
        columns = _columns(recording)
        columns["videos"] = columns["videos"]._replace(dtype=_video_dtype(recording, trials, bar))
        _need_space(folder, columns, num_frames)
        with _Writer(folder, columns, num_frames) as writer:
            for trial in trials:
                if not writer.append(recording.load(trial)):
                    raise DataError(
                        f"mouse {recording.mouse.id}: trial {trial} did not come back from "
                        f"{folder} as it was written; check the disk"
                    )
                bar.update()
        table = np.array([astuple(stretch) for stretch in stretches.values()]).reshape(-1, 3)
        named = dict(zip((field.name for field in fields(Stretch)), table.T, strict=True))
        key = np.array(_key(recording))
        write_npz(folder / "index.npz", named | {"trials": np.array(trials), "key": key})
    return sum(path.stat().st_size for path in packed_dir(recording).iterdir())


def _video_dtype(recording: "Recording", trials: list[int], bar: "tqdm[Any]") -> type[np.generic]:
    """The smallest dtype that keeps every bit of every movie."""
    candidates = list(VIDEO_DTYPES)
    for trial in trials:
        video = recording.load_video(trial) if len(candidates) > 1 else None
        while video is not None and not _same_bits(_cast(video, candidates[0]), video):
            candidates.pop(0)
        bar.update()
    return candidates[0]


def _cast(values: np.ndarray, dtype: type[np.generic]) -> np.ndarray:
    """`values` after a journey through `dtype`, float32; what does not fit becomes anything."""
    with np.errstate(invalid="ignore", over="ignore"):
        return values.astype(dtype).astype(np.float32)


def _same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.array_equal(a.view(np.uint32), b.view(np.uint32))


class _Writer:
    """Appends trials to the files of a packed copy, and reads them back."""

    def __init__(self, folder: Path, columns: Mapping[str, _Column], num_frames: int) -> None:
        self._columns = columns
        self._files = {name: (folder / f"{name}.npy").open("w+b") for name in columns}
        for name, column in columns.items():
            header = {
                "descr": npy.dtype_to_descr(np.dtype(column.dtype)),
                "fortran_order": False,
                "shape": (num_frames, *column.shape),
            }
            npy.write_array_header_1_0(self._files[name], header)

    def __enter__(self) -> "_Writer":
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            with closing(file):
                file.flush()
                os.fsync(file.fileno())

    def append(self, trial: "Trial") -> bool:
        """Whether the files now end with `trial`, to the bit."""
        same = _same_bits(
            _as_video(self._append("videos", trial.video.swapaxes(0, 1))), trial.video
        )
        signals = {
            "responses": trial.response,
            "behavior": trial.behavior,
            "pupil_center": trial.pupil_center,
        }
        for name, values in signals.items():
            if name in self._files:
                back = _as_rows(self._append(name, values.T), slice(None))
                same = same and _same_bits(back, values)
        return same

    def _append(self, name: str, frames: np.ndarray) -> np.ndarray:
        """What the file holds after `frames` (t, ...) were written to its end."""
        file, dtype = self._files[name], self._columns[name].dtype
        start = file.seek(0, os.SEEK_END)
        data = np.ascontiguousarray(frames, dtype=dtype)
        file.write(data.tobytes())
        file.flush()
        file.seek(start)
        return np.frombuffer(file.read(), dtype=dtype).reshape(data.shape)


def _need_space(folder: Path, columns: Mapping[str, _Column], num_frames: int) -> None:
    """Raise OSError (ENOSPC) unless all files fit on the disk."""
    sizes = (np.prod(c.shape) * np.dtype(c.dtype).itemsize for c in columns.values())
    if shutil.disk_usage(folder).free < num_frames * sum(sizes):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


@contextmanager
def _replaced(folder: Path) -> Iterator[Path]:
    """A new folder that takes the place of `folder` on success, and is removed otherwise."""
    partial, old = (folder.with_name(f".{folder.name}.{word}") for word in ("partial", "old"))
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
        partial.rename(folder)
    finally:
        for left in (partial, old):
            shutil.rmtree(left, ignore_errors=True)
