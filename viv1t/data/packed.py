"""Packed copies of recordings: few memory-mapped files, time first, that hold the same numbers.

A packed copy lies in `<session>/viv1t/packed`, is written by data/pack_recordings.py and may be
deleted at any time. One file a signal holds the frames of all trials, one trial after the other:
a crop is one stretch of a file, and nothing but that stretch is read. Responses lie in blocks of
60 frames, neurons first within a block: frame by frame, a few neurons would be scattered over the
whole file, and turning a trial around would take longer than reading it.
"""

import errno
import logging
import math
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

FORMAT: Final = 2
BLOCK_FRAMES: Final = 60
VIDEO_DTYPES: Final[tuple[type[np.generic], ...]] = (np.uint8, np.float16, np.float32)


@dataclass(frozen=True)
class Stretch:
    """Where the frames of a trial lie, and how many the trial has.

    Attributes:
        start: its first frame in the packed files.
        block: its first block of responses.
        length: frames that are packed: those that are used.
        duration: frames that were recorded.
    """

    start: int
    block: int
    length: int
    duration: int

    @property
    def num_blocks(self) -> int:
        """Blocks of responses; what is left of the last one is zero."""
        return _num_blocks(self.length)


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

    def rows(self, name: str, trial: int, *, start: int, stop: int) -> np.ndarray:
        """Frames `start` to `stop` of "behavior" or "pupil_center", (rows, t)."""
        return _as_rows(self._frames(name, trial, start, stop))

    def responses(
        self, trial: int, neurons: np.ndarray | slice, *, start: int, stop: int
    ) -> np.ndarray:
        """Frames `start` to `stop` of the responses of some neurons, (n, t)."""
        stretch = self.stretches[trial]
        blocks = self._files["responses"][stretch.block : stretch.block + stretch.num_blocks]
        return _as_responses(blocks, neurons, start, stop)

    def check(self, recording: "Recording") -> None:
        """Raise DataError unless the files are whole and have the shape of `recording`."""
        for name, column in _columns(recording).items():
            expected = (column.size(self.stretches.values()), *column.shape)
            found = self._files[name].shape if name in self._files else None
            if found != expected:
                raise DataError(f"{name}.npy has shape {found}, expected {expected}")

    def _frames(self, name: str, trial: int, start: int, stop: int) -> np.ndarray:
        first = self.stretches[trial].start
        frames: np.ndarray = self._files[name][first + start : first + stop]
        return frames

    @cached_property
    def _files(self) -> dict[str, np.ndarray]:
        """{signal: (frames or blocks, ...)}, memory-mapped."""
        return {path.stem: open_array(path).view(np.ndarray) for path in self.folder.glob("*.npy")}


def _as_video(frames: np.ndarray) -> np.ndarray:
    """(t, c, h, w) of any dtype as (c, t, h, w) float32."""
    return np.array(np.moveaxis(frames, 1, 0), dtype=np.float32, order="C")


def _as_rows(frames: np.ndarray) -> np.ndarray:
    """(t, rows) as (rows, t)."""
    return np.array(frames.T, order="C")


def _as_responses(
    blocks: np.ndarray, neurons: np.ndarray | slice, start: int, stop: int
) -> np.ndarray:
    """Some neurons in frames `start` to `stop` of (blocks, n, frames), (n, t)."""
    chosen = as_slice(neurons)
    count = len(np.arange(blocks.shape[1])[chosen])
    responses = np.empty((count, stop - start), dtype=np.float32)
    for number in range(start // BLOCK_FRAMES, _num_blocks(stop)):
        first = number * BLOCK_FRAMES
        begin, end = max(start, first), min(stop, first + BLOCK_FRAMES)
        block = blocks[number]
        block = block[chosen] if isinstance(chosen, slice) else block.take(chosen, axis=0)
        responses[:, begin - start : end - start] = block[:, begin - first : end - first]
    return responses


def _as_blocks(responses: np.ndarray) -> np.ndarray:
    """(n, t) as (blocks, n, frames), with zeros at the end of the last block."""
    n, t = responses.shape
    num_blocks = _num_blocks(t)
    padded = np.pad(responses, ((0, 0), (0, num_blocks * BLOCK_FRAMES - t)))
    return padded.reshape(n, num_blocks, BLOCK_FRAMES).swapaxes(0, 1)


def _num_blocks(num_frames: int) -> int:
    return -(-num_frames // BLOCK_FRAMES)


class _Column(NamedTuple):
    """What a packed file holds of each frame, or of each block of frames."""

    shape: tuple[int, ...]
    dtype: type[np.generic] = np.float32
    in_blocks: bool = False

    def size(self, stretches: Iterable[Stretch]) -> int:
        """Length of the first axis."""
        return sum(s.num_blocks if self.in_blocks else s.length for s in stretches)


def _columns(recording: "Recording") -> dict[str, _Column]:
    """{signal: column} of the signals that a recording has."""
    rows = {"behavior": recording.num_behaviors, "pupil_center": recording.num_pupils}
    return {
        "videos": _Column((recording.num_channels, *recording.frame_shape)),
        "responses": _Column((recording.num_neurons, BLOCK_FRAMES), in_blocks=True),
        **{name: _Column((n,)) for name, n in rows.items() if n},
    }


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
            raise DataError("made of other files, or by another version")
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
    if recording.packed is not None:
        raise ValueError("a packed copy is not made of another: open it with use_packed=False")
    trials = sorted(int(trial) for tier in TIERS for trial in recording.trials(tier))
    stretches = _stretches(recording, trials)
    label = f"mouse {recording.mouse.id}"
    bar: tqdm[Any]
    with (
        tqdm(total=2 * len(trials), desc=label, unit="trial", disable=not progress) as bar,
        _replaced(packed_dir(recording)) as folder,
    ):
        columns = _columns(recording)
        columns["videos"] = columns["videos"]._replace(dtype=_video_dtype(recording, trials, bar))
        sizes = {name: column.size(stretches.values()) for name, column in columns.items()}
        _need_space(folder, columns, sizes)
        with _Writer(folder, columns, sizes) as writer:
            for trial in trials:
                if not writer.append(recording.load(trial)):
                    raise DataError(
                        f"mouse {recording.mouse.id}: trial {trial} did not come back from "
                        f"{folder} as it was written; check the disk"
                    )
                bar.update()
        names = [field.name for field in fields(Stretch)]
        table = np.array([astuple(stretch) for stretch in stretches.values()], dtype=np.int64)
        named = dict(zip(names, table.reshape(-1, len(names)).T, strict=True))
        key = np.array(_key(recording))
        write_npz(folder / "index.npz", named | {"trials": np.array(trials), "key": key})
    return sum(path.stat().st_size for path in packed_dir(recording).iterdir())


def _stretches(recording: "Recording", trials: Sequence[int]) -> dict[int, Stretch]:
    """Where trials lie, one after the other."""
    stretches: dict[int, Stretch] = {}
    start = block = 0
    for trial in trials:
        length, duration = recording.length(trial), recording.duration(trial)
        stretches[trial] = Stretch(start, block, length, duration)
        start, block = start + length, block + stretches[trial].num_blocks
    return stretches


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

    def __init__(
        self, folder: Path, columns: Mapping[str, _Column], sizes: Mapping[str, int]
    ) -> None:
        self._columns = columns
        self._files = {name: (folder / f"{name}.npy").open("w+b") for name in columns}
        for name, column in columns.items():
            header = {
                "descr": npy.dtype_to_descr(np.dtype(column.dtype)),
                "fortran_order": False,
                "shape": (sizes[name], *column.shape),
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
        video = self._append("videos", trial.video.swapaxes(0, 1))
        blocks = self._append("responses", _as_blocks(trial.response))
        back = [_as_video(video), _as_responses(blocks, slice(None), 0, trial.response.shape[1])]
        written = [trial.video, trial.response]
        for name in self._files.keys() - {"videos", "responses"}:
            written.append(getattr(trial, name))
            back.append(_as_rows(self._append(name, written[-1].T)))
        return all(map(_same_bits, back, written))

    def _append(self, name: str, frames: np.ndarray) -> np.ndarray:
        """What the end of the file holds after `frames` were written to it."""
        file, dtype = self._files[name], self._columns[name].dtype
        start = file.seek(0, os.SEEK_END)
        data = np.ascontiguousarray(frames, dtype=dtype)
        file.write(data.tobytes())
        file.flush()
        file.seek(start)
        return np.frombuffer(file.read(), dtype=dtype).reshape(data.shape)


def _need_space(folder: Path, columns: Mapping[str, _Column], sizes: Mapping[str, int]) -> None:
    """Raise OSError (ENOSPC) unless all files fit on the disk."""
    num_bytes = sum(
        sizes[name] * math.prod(column.shape) * np.dtype(column.dtype).itemsize
        for name, column in columns.items()
    )
    if shutil.disk_usage(folder).free < num_bytes:
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
