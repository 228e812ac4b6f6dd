"""One recorded session on disk: lazy, read-only, checked as it is read."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np

from viv1t.data.arrays import as_slice, first_nan, open_array, read_array, read_labels
from viv1t.data.identity import trial_ids
from viv1t.data.mice import Mouse
from viv1t.data.packed import open_packed
from viv1t.errors import DataError
from viv1t.names import TIER_OF_RAW, TIERS

SIGNALS: Final = ("videos", "responses", "behavior", "pupil_center")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What was shown and recorded in one trial, as stored, padding removed.

    Attributes:
        video: (c, t, h, w) float32, grey levels.
        response: (n, t) float32; rows of missing neurons are NaN.
        behavior: (k, t) float32; k may be 0.
        pupil_center: (p, t) float32; p may be 0.
    """

    video: np.ndarray
    response: np.ndarray
    behavior: np.ndarray
    pupil_center: np.ndarray


class Recording:
    """The session of a mouse, in the format of data/README.md.

    Attributes:
        mouse: the mouse; its video_px and its monitor's pixels are those of the files.
        tiers: the tier of each trial, in the names used here.
        num_trials: trials of the session, those without files included.
        num_neurons: rows of the response arrays, missing neurons included.
        coordinates: (n, 3) float32, cortical x, y, z in µm.
        unit_ids: (n,) int64.
        num_channels: channels of the video.
        frame_shape: (h, w) of the video in pixels.
        num_behaviors: rows of the behaviour arrays, 0 if there are none.
        num_pupils: rows of the pupil centre arrays, 0 if there are none.
        packed: the packed copy that trials are read from; None: from their own files.
    """

    def __init__(self, mouse: Mouse, *, use_packed: bool = True) -> None:
        """Read what describes the session; trials are read when they are asked for.

        Args:
            mouse: where the session lies.
            use_packed: read trials from the packed copy, if there is one that fits.

        Raises:
            DataError: the session is missing, or its parts contradict one another.
        """
        self.folder = mouse.folder
        _check_folder(mouse)
        raw_tiers = read_labels(self.folder / "meta/trials/tiers.npy")
        self.tiers = tuple(TIER_OF_RAW.get(str(tier), str(tier)) for tier in raw_tiers)
        self.num_trials = len(self.tiers)
        self._files = {name: self._list(name) for name in SIGNALS}
        first = self._first_trial()
        channels, *frame, _ = self._open_video(first).shape
        self.num_channels, self.frame_shape = channels, (frame[0], frame[1])
        self.mouse = self._with_frame(mouse)
        self.num_neurons, self.num_behaviors, self.num_pupils = (
            len(self._open_rows(name, first)) if self._files[name] else 0 for name in SIGNALS[1:]
        )
        self.coordinates = self._read_coordinates()
        self.unit_ids = self._read_unit_ids()
        self.packed = open_packed(self) if use_packed else None
        stretches = self.packed.stretches if self.packed else {}
        self._durations = {trial: stretch.duration for trial, stretch in stretches.items()}
        self._hidden: dict[str, bool] = {}

    def trials(self, tier: str) -> np.ndarray:
        """Indices (int64, ascending) of the trials of `tier` whose files exist."""
        videos = self._files["videos"]
        found = [i for i, name in enumerate(self.tiers) if name == tier and i in videos]
        for trial in found:
            for name in SIGNALS[1:]:
                if self._files[name] and trial not in self._files[name]:
                    raise DataError(
                        f"{self._path(name, trial)} does not exist although trial {trial} "
                        f"({tier}) has a video; the session is incomplete"
                    )
        return np.array(found, dtype=np.int64)

    def duration(self, trial: int) -> int:
        """Recorded frames of `trial`: up to the first NaN of the video's first pixel."""
        if trial not in self._durations:
            pixel = np.array(self._open_video(trial)[0, 0, 0], dtype=np.float32)
            duration = first_nan(pixel)
            if duration == 0:
                raise DataError(f"{self._path('videos', trial)} holds no frame: it starts with NaN")
            self._durations[trial] = duration
        return self._durations[trial]

    def length(self, trial: int) -> int:
        """Frames of `trial` that are used: its duration, at most `mouse.max_frames`."""
        return min(self.duration(trial), self.mouse.max_frames)

    def load(
        self,
        trial: int,
        *,
        neurons: np.ndarray | None = None,
        frames: tuple[int, int] | None = None,
    ) -> Trial:
        """The signals of `trial`, cut to its length.

        Args:
            trial: index of the trial.
            neurons: rows of the response to read; None: all.
            frames: first frame and the one after the last; None: the whole length.

        Raises:
            DataError: a file is missing, damaged, of the wrong shape, or holds a NaN inside.
        """
        start, stop = frames or (0, self.length(trial))
        return Trial(
            video=self.read_video(trial, start=start, stop=stop),
            response=self.read_responses(trial, neurons=neurons, start=start, stop=stop),
            behavior=self.read_rows("behavior", trial, start=start, stop=stop),
            pupil_center=self.read_rows("pupil_center", trial, start=start, stop=stop),
        )

    def load_video(self, trial: int) -> np.ndarray:
        """The movie of `trial`, (c, t, h, w) float32, cut to its length."""
        return self.read_video(trial, start=0, stop=self.length(trial))

    def read_video(self, trial: int, *, start: int, stop: int) -> np.ndarray:
        """Frames `start` to `stop` of the movie of `trial`, (c, t, h, w) float32."""
        if self.packed and self.packed.holds(trial, stop):
            return self.packed.video(trial, start=start, stop=stop)
        stored = self._open_video(trial)
        expected = (self.num_channels, *self.frame_shape)
        if stored.shape[:3] != expected:
            raise DataError(
                f"{self._path('videos', trial)} has (c, h, w) = {stored.shape[:3]}, the first "
                f"video of the session {expected}"
            )
        frames = np.moveaxis(stored[..., start:stop], -1, 1)
        video = np.array(frames, dtype=np.float32, order="C")
        if not np.isfinite(video).all():
            c, t, h, w = np.argwhere(~np.isfinite(video))[0]
            raise DataError(
                f"{self._path('videos', trial)} has a NaN or infinite value in frame {start + t}, "
                f"pixel ({h}, {w}), channel {c}; only whole frames at the end may be NaN"
            )
        return video

    def read_pixels(self, trial: int, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Some pixels of the movie of `trial` in all its frames, (c, pixels, t) float32."""
        pixels = self._open_video(trial)[:, rows, columns, : self.duration(trial)]
        return np.array(pixels, dtype=np.float32)

    def read_responses(
        self, trial: int, *, neurons: np.ndarray | slice | None = None, start: int, stop: int
    ) -> np.ndarray:
        """Responses of `neurons` (None: all) in frames `start` to `stop`, (n, t) float32.

        Rows of missing neurons (`present` is False) are NaN throughout.
        """
        chosen = slice(None) if neurons is None else as_slice(neurons)
        if self.packed and self.packed.holds(trial, stop):
            return self.packed.responses(trial, chosen, start=start, stop=stop)
        response = self._read("responses", trial, chosen, start, stop)
        if not np.isfinite(response).all():
            rows = np.arange(self.num_neurons)[chosen]
            self._refuse_nan("responses", trial, response, rows, self.present[rows], start)
        elif not self.present[chosen].all():
            gone = np.arange(self.num_neurons)[chosen][~self.present[chosen]][0]
            raise self._comes_and_goes(gone, trial)
        return response

    def read_rows(self, name: str, trial: int, *, start: int, stop: int) -> np.ndarray:
        """Frames `start` to `stop` of "behavior" or "pupil_center", (rows, t) float32."""
        if not self._files[name]:
            return np.zeros((0, stop - start), dtype=np.float32)
        if self.packed and self.packed.holds(trial, stop):
            return self.packed.rows(name, trial, start=start, stop=stop)
        values = self._read(name, trial, slice(None), start, stop)
        if not np.isfinite(values).all():
            rows = np.arange(len(values))
            self._refuse_nan(name, trial, values, rows, np.ones(len(rows), dtype=bool), start)
        return values

    @cached_property
    def present(self) -> np.ndarray:
        """(n,) bool: False for a neuron that is NaN throughout (not found again that day)."""
        tiers_with_files = (self.trials(tier) for tier in TIERS)
        trial = next((int(found[0]) for found in tiers_with_files if len(found)), None)
        if trial is None:
            return np.ones(self.num_neurons, dtype=bool)
        response = self._read("responses", trial, slice(None), 0, self.duration(trial))
        return ~np.isnan(response).all(axis=1)

    def is_hidden(self, tier: str) -> bool:
        """Whether the responses of `tier` were withheld: its first and last trial are all zero."""
        if tier not in self._hidden:
            trials = self.trials(tier)
            ends = {int(trial) for trial in (*trials[:1], *trials[-1:])}
            responses = (self._read("responses", t, slice(None), 0, self.length(t)) for t in ends)
            self._hidden[tier] = bool(ends) and not any(np.nan_to_num(r).any() for r in responses)
        return self._hidden[tier]

    @cached_property
    def _ids(self) -> Mapping[str, np.ndarray]:
        return trial_ids(self)

    @property
    def video_ids(self) -> np.ndarray:
        """(num_trials,) int64, equal for repeats of one movie; -1 for trials without files."""
        return self._ids["video_ids"]

    @property
    def stimulus_ids(self) -> np.ndarray:
        """(num_trials,) int64, index into `names.STIMULUS_TYPES`; -1 unknown."""
        return self._ids["stimulus_ids"]

    def fingerprint(self) -> str:
        """A hash that tells sessions apart: files, their sizes, tiers, neurons, one response.

        It is the same for a copy of the session on another machine.
        """
        digest = hashlib.sha256(self._listing(times=False).encode())
        digest.update(self.coordinates.tobytes() + self.unit_ids.tobytes())
        digest.update(self._path("responses", self._first_trial()).read_bytes())
        return digest.hexdigest()[:32]

    def cache_key(self) -> str:
        """A hash of what derived files depend on: names, sizes, change times of files; tiers."""
        return hashlib.sha256(self._listing(times=True).encode()).hexdigest()

    @property
    def cache_dir(self) -> Path:
        """Where arrays derived from this session are kept."""
        return self.folder / "viv1t"

    def _listing(self, *, times: bool) -> str:
        files = [
            f"{name}/{trial} {entry.st_size} {entry.st_mtime_ns if times else ''}"
            for name in SIGNALS
            for trial, entry in sorted(self._files[name].items())
        ]
        return "\n".join((*self.tiers, *files))

    def _path(self, name: str, trial: int) -> Path:
        return self.folder / "data" / name / f"{trial}.npy"

    def _list(self, name: str) -> dict[int, os.stat_result]:
        """{trial: stat} of the files of one signal; empty if there is no such folder."""
        folder = self.folder / "data" / name
        if not folder.is_dir():
            return {}
        found = {
            int(entry.name[:-4]): entry.stat()
            for entry in os.scandir(folder)
            if entry.name.endswith(".npy") and entry.name[:-4].isdecimal()
        }
        if found and max(found) >= self.num_trials:
            raise DataError(
                f"{folder} holds {max(found)}.npy but {self.folder / 'meta/trials/tiers.npy'} "
                f"lists {self.num_trials} trials (0 to {self.num_trials - 1})"
            )
        return found

    def _first_trial(self) -> int:
        for name in SIGNALS[:2]:
            if not self._files[name]:
                raise DataError(f"{self.folder / 'data' / name} holds no trial (<number>.npy)")
        both = self._files["videos"].keys() & self._files["responses"].keys()
        if not both:
            raise DataError(f"no trial of {self.folder} has both a video and a response")
        return min(both)

    def _open_video(self, trial: int) -> np.ndarray:
        """The stored movie as (c, h, w, t), memory-mapped."""
        path = self._path("videos", trial)
        stored = open_array(path)
        if stored.ndim not in (3, 4) or 0 in stored.shape:
            raise DataError(
                f"{path} should hold a movie (h, w, t) or (c, h, w, t), found shape {stored.shape}"
            )
        return stored if stored.ndim == 4 else stored[None]

    def _open_rows(self, name: str, trial: int) -> np.ndarray:
        path = self._path(name, trial)
        stored = open_array(path)
        if stored.ndim != 2:
            raise DataError(f"{path} should hold (rows, t), found shape {stored.shape}")
        return stored

    def _read(
        self, name: str, trial: int, rows: np.ndarray | slice, start: int, stop: int
    ) -> np.ndarray:
        """Rows of a stored signal, checked for shape but not for NaN, (rows, t) float32."""
        stored = self._open_rows(name, trial)
        expected = {
            "responses": self.num_neurons,
            "behavior": self.num_behaviors,
            "pupil_center": self.num_pupils,
        }[name]
        if len(stored) != expected or stored.shape[1] < self.duration(trial):
            raise DataError(
                f"{self._path(name, trial)} has shape {stored.shape}, expected {expected} rows (as "
                f"in the first trial) and at least the {self.duration(trial)} frames of its video"
            )
        values = stored[rows, start:stop]
        return np.array(values, dtype=np.float32, copy=True if isinstance(rows, slice) else None)

    def _refuse_nan(
        self,
        name: str,
        trial: int,
        values: np.ndarray,
        rows: np.ndarray,
        present: np.ndarray,
        start: int,
    ) -> None:
        """Raise unless the values that are not finite are exactly the rows not `present`."""
        bad = ~np.isfinite(values)
        if (bad.all(axis=1) < ~present).any():
            raise self._comes_and_goes(rows[(bad.all(axis=1) < ~present).argmax()], trial)
        wrong = np.argwhere(bad & present[:, None])
        if len(wrong):
            what = "neuron" if name == "responses" else "row"
            raise DataError(
                f"{self._path(name, trial)} has a NaN or infinite value inside the trial: {what} "
                f"{rows[wrong[0, 0]]}, frame {start + wrong[0, 1]}; mend it, or give the trial the "
                "tier 'none'"
            )

    def _comes_and_goes(self, neuron: int, trial: int) -> DataError:
        return DataError(
            f"{self._path('responses', trial)} has responses of neuron {neuron}, which is NaN "
            "throughout in the first trial; a missing neuron must be NaN in all trials"
        )

    def _with_frame(self, mouse: Mouse) -> Mouse:
        height, width = self.frame_shape
        if mouse.video_px not in (None, self.frame_shape):
            raise DataError(
                f"mouse {mouse.id}: mice.yaml says video_px {list(mouse.video_px or ())}, the "
                f"videos in {self.folder / 'data/videos'} are {list(self.frame_shape)} (h, w)"
            )
        monitor = replace(mouse.monitor, width_px=width, height_px=height)
        return replace(mouse, monitor=monitor, video_px=self.frame_shape)

    def _read_coordinates(self) -> np.ndarray:
        path = self.folder / "meta/neurons/cell_motor_coordinates.npy"
        coordinates = read_array(path)
        if coordinates.shape != (self.num_neurons, 3):
            raise DataError(
                f"{path} has shape {coordinates.shape}, expected ({self.num_neurons}, 3) for the "
                f"{self.num_neurons} neurons of {self.folder / 'data/responses'}"
            )
        if not np.isfinite(coordinates).all():
            raise DataError(f"{path} has a NaN or infinite coordinate")
        return coordinates.astype(np.float32)

    def _read_unit_ids(self) -> np.ndarray:
        path = self.folder / "meta/neurons/unit_ids.npy"
        if not path.exists():
            return np.arange(self.num_neurons, dtype=np.int64)
        unit_ids = read_array(path)
        if unit_ids.shape != (self.num_neurons,):
            raise DataError(
                f"{path} has shape {unit_ids.shape}, expected ({self.num_neurons},) for the "
                f"neurons of {self.folder / 'data/responses'}"
            )
        return unit_ids.astype(np.int64)


def _check_folder(mouse: Mouse) -> None:
    """Raise unless the folder of `mouse` has data/ and meta/, naming sessions found inside it."""
    folder = mouse.folder
    if (folder / "data").is_dir() and (folder / "meta").is_dir():
        return
    if not folder.is_dir():
        raise DataError(f"mouse {mouse.id}: the session folder {folder} does not exist")
    inside = sorted(p.name for p in folder.iterdir() if (p / "data").is_dir())
    hint = (
        f"; it holds the sessions {', '.join(inside)}: name one as a folder in mice.yaml"
        if inside
        else ""
    )
    raise DataError(f"mouse {mouse.id}: {folder} should hold data/ and meta/{hint}")
