"""Which movies of a session are the same, and what kind of stimulus each one is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from viv1t.data.arrays import read_labels
from viv1t.data.cache import cached
from viv1t.data.stimulus_type import classify
from viv1t.errors import DataError
from viv1t.names import TIERS, UNKNOWN_STIMULUS, MouseId
from viv1t.utils.files import write_npy

if TYPE_CHECKING:
    from viv1t.data.recording import Recording

UNKNOWN_VIDEO: Final = -1
# Two movies are one if more than this share of frames lies within this many grey levels.
SAME_SHARE: Final = 0.85
SAME_GREY: Final = 1.0
MOVIE: Final = 0
# Pixels (per channel) that are compared before whole movies are.
_PROBES: Final = 12

# Sensorium 2023: mouse -> stimulus ids of (live_bonus, final_bonus).
BONUS_TYPES: Final[Mapping[MouseId, tuple[tuple[int, ...], tuple[int, ...]]]] = MappingProxyType(
    {
        "A": ((1,), (2, 3)),
        "B": ((4,), (1, 5)),
        "C": ((3,), (4, 5)),
        "D": ((5,), (1, 2)),
        "E": ((2,), (3, 4)),
        "F": ((1,), (2, 3)),
        "G": ((4,), (3, 5)),
        "H": ((2,), (1, 5)),
        "I": ((3,), (2, 4)),
        "J": ((5,), (1, 4)),
    }
)


def trial_ids(recording: "Recording") -> dict[str, np.ndarray]:
    """{"video_ids", "stimulus_ids"} of a recording, each (num_trials,) int64.

    Read from meta/trials/ where the session has them, else derived from the movies and kept
    beside the data.
    """
    stored = {name: _read_ids(recording, name) for name in ("video_ids", "stimulus_ids")}
    found = {name: ids for name, ids in stored.items() if ids is not None}
    if len(found) < len(stored):
        derived = cached(
            recording.cache_dir / "trial_ids.npz",
            key=recording.cache_key(),
            compute=lambda: _derive(recording),
        )
        found = derived | found
    return found


def write_ids(recording: "Recording") -> list[Path]:
    """Files of ids that were written to meta/trials/, where the session had none.

    Args:
        recording: one mouse; its folder must be writable.
    """
    written = []
    for name, ids in trial_ids(recording).items():
        path = _ids_path(recording, name)
        if not path.exists():
            write_npy(path, ids)
            written.append(path)
    return written


def same_movie(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two movies (c, t, h, w) of grey levels are repeats of one.

    They are if they have the same shape and more than 85 % of frames lie within 1 grey level in
    every pixel (the rule by which the ids of the Sensorium 2023 recordings were made).
    """
    return a.shape == b.shape and _share_alike(np.moveaxis(a, 1, -1), np.moveaxis(b, 1, -1))


def types_of_tier(mouse_id: MouseId, tier: str) -> tuple[int, ...]:
    """Stimulus ids that may occur in a tier of a mouse; only -1 where nothing is known."""
    if tier not in ("live_bonus", "final_bonus"):
        return (MOVIE,)
    if mouse_id not in BONUS_TYPES:
        return (UNKNOWN_STIMULUS,)
    return BONUS_TYPES[mouse_id][tier == "final_bonus"]


def _share_alike(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether more than SAME_SHARE of the last axis agrees within SAME_GREY everywhere else."""
    alike = (np.abs(a - b) <= SAME_GREY).all(axis=tuple(range(a.ndim - 1)))
    return bool(alike.mean() > SAME_SHARE)


def _ids_path(recording: "Recording", name: str) -> Path:
    return recording.folder / "meta/trials" / f"{name}.npy"


def _read_ids(recording: "Recording", name: str) -> np.ndarray | None:
    path = _ids_path(recording, name)
    if not path.exists():
        return None
    ids = read_labels(path)
    if len(ids) != recording.num_trials:
        raise DataError(
            f"{path} has {len(ids)} entries, the session has {recording.num_trials} trials"
        )
    return ids if ids.dtype == np.int64 else np.unique(ids, return_inverse=True)[1].astype(np.int64)


def _derive(recording: "Recording") -> dict[str, np.ndarray]:
    video_ids = _derive_video_ids(recording)
    return {"video_ids": video_ids, "stimulus_ids": _derive_stimulus_ids(recording, video_ids)}


@dataclass(frozen=True)
class _Known:
    """The first presentation of a movie: a few of its pixels over time, (c, pixels, t)."""

    trial: int
    probes: np.ndarray


def _probes(recording: "Recording", trial: int) -> np.ndarray:
    rows, columns = (
        np.linspace(0, size - 1, _PROBES, dtype=np.int64) for size in recording.frame_shape
    )
    return recording.read_pixels(trial, rows, columns)


def _derive_video_ids(recording: "Recording") -> np.ndarray:
    """Consecutive ids in order of first appearance; training movies are always new."""
    ids = np.full(recording.num_trials, UNKNOWN_VIDEO, dtype=np.int64)
    known: list[_Known] = []
    for trial in _trials_with_files(recording):
        probes = _probes(recording, trial)
        found = None
        if recording.tiers[trial] != "train":
            found = _find(recording, trial, probes, known)
        if found is None:
            found = len(known)
            known.append(_Known(trial, probes))
        ids[trial] = found
    return ids


def _find(
    recording: "Recording", trial: int, probes: np.ndarray, known: list[_Known]
) -> int | None:
    """The first known movie that `trial` repeats. Few pixels rule most out, whole movies decide."""
    video = None
    for video_id, candidate in enumerate(known):
        alike = candidate.probes.shape == probes.shape and _share_alike(candidate.probes, probes)
        if alike:
            video = _whole(recording, trial) if video is None else video
            if same_movie(video, _whole(recording, candidate.trial)):
                return video_id
    return None


def _whole(recording: "Recording", trial: int) -> np.ndarray:
    return recording.read_video(trial, start=0, stop=recording.duration(trial))


def _trials_with_files(recording: "Recording") -> Iterator[int]:
    """Trials of a tier that is used, in index order."""
    yield from sorted(int(trial) for tier in TIERS for trial in recording.trials(tier))


def _derive_stimulus_ids(recording: "Recording", video_ids: np.ndarray) -> np.ndarray:
    """Stimulus ids: from the table where a tier has one type, else from the movie itself."""
    ids = np.full(recording.num_trials, UNKNOWN_STIMULUS, dtype=np.int64)
    seen: dict[int, int] = {}
    for trial in _trials_with_files(recording):
        types = types_of_tier(recording.mouse.id, recording.tiers[trial])
        video_id = int(video_ids[trial])
        if len(types) == 1:
            ids[trial] = types[0]
            continue
        if video_id not in seen:
            seen[video_id] = classify(recording.load_video(trial), types)
        ids[trial] = seen[video_id]
    return ids
