"""Statistics of the training trials of a recording, in bounded memory, kept beside the data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from viv1t.data.cache import cached
from viv1t.data.moments import MOMENTS, Moments, row_moments, streamed_moments
from viv1t.data.recording import Recording
from viv1t.errors import DataError

# Bytes of responses held at once; the median of each row is taken in memory.
BLOCK_BYTES: Final = 128 * 2**20
# Share of the mean standard deviation below which a neuron's own is not used to scale it.
PRECISION_FLOOR: Final = 0.01
_PARTS: Final = ("video", "behavior", "pupil_center", "response")


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Moments over all frames of all training trials, in recorded units.

    Attributes:
        video: shape (), over all pixels, in grey levels.
        behavior: shape (k,).
        pupil_center: shape (p,).
        response: shape (n,); NaN for missing neurons.
        response_floor: 1 % of the mean standard deviation of all recorded neurons; responses of
            neurons that vary less are divided by it.
    """

    video: Moments
    behavior: Moments
    pupil_center: Moments
    response: Moments
    response_floor: float

    def select(self, neurons: np.ndarray) -> "Statistics":
        """The same with the responses of some neurons; the floor stays that of all."""
        return replace(self, response=self.response.select(neurons))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """A flat dict: "video/mean", ..., "response/median", "response_floor"."""
        arrays = {
            f"{part}/{name}": getattr(getattr(self, part), name)
            for part in _PARTS
            for name in MOMENTS
        }
        return arrays | {"response_floor": np.float64(self.response_floor).reshape(())}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Statistics":
        """The statistics that `to_arrays` wrote; a missing floor is computed from the responses.

        Raises:
            DataError: an entry is missing.
        """
        missing = [f"{p}/{name}" for p in _PARTS for name in MOMENTS if f"{p}/{name}" not in arrays]
        if missing:
            raise DataError(f"statistics lack {', '.join(missing)}")
        parts = {
            part: Moments(
                **{name: np.asarray(arrays[f"{part}/{name}"], dtype=np.float32) for name in MOMENTS}
            )
            for part in _PARTS
        }
        floor = arrays.get("response_floor", response_floor(parts["response"].std))
        return cls(**parts, response_floor=float(floor))


def response_floor(std: np.ndarray) -> float:
    """1 % of the mean of the standard deviations (n,) of all neurons, NaN left out."""
    return PRECISION_FLOOR * float(np.nanmean(std)) if np.isfinite(std).any() else 0.0


def compute_statistics(recording: Recording) -> Statistics:
    """The statistics of the training trials of `recording`, all their recorded frames.

    Reads the responses once and the videos twice; holds `BLOCK_BYTES` of responses at a time.

    Raises:
        DataError: there is no training trial, or one is damaged.
    """
    trials = [int(trial) for trial in recording.trials("train")]
    if not trials:
        raise DataError(
            f"mouse {recording.mouse.id}: no trial of tier train with files in {recording.folder}"
        )
    blocks = _neuron_blocks(recording, trials)
    steps = len(trials) * (len(blocks) + 3)
    label = f"statistics of mouse {recording.mouse.id}"
    bar: tqdm[Any]
    with tqdm(total=steps, desc=label, unit="trial", disable=None) as bar:

        def videos() -> Iterator[np.ndarray]:
            for trial in trials:
                yield recording.read_video(trial, start=0, stop=recording.duration(trial))
                bar.update()

        video = streamed_moments(videos)
        behavior, pupil_center = (
            row_moments(_all_rows(recording, name, trials)) for name in ("behavior", "pupil_center")
        )
        bar.update(len(trials))
        responses = []
        for block in blocks:
            responses.append(row_moments(_all_responses(recording, block, trials, bar)))
    response = Moments(
        **{k: np.concatenate([getattr(part, k) for part in responses]) for k in MOMENTS}
    )
    return Statistics(
        video=video,
        behavior=behavior,
        pupil_center=pupil_center,
        response=response,
        response_floor=response_floor(response.std),
    )


def load_statistics(recording: Recording) -> Statistics:
    """The statistics of `recording`, computed on first use and kept in its folder.

    They are recomputed when names, sizes or change times of trial files, or tiers, change.
    """
    arrays = cached(
        recording.cache_dir / "statistics.npz",
        key=recording.cache_key(),
        compute=lambda: compute_statistics(recording).to_arrays(),
    )
    return Statistics.from_arrays(arrays)


def _neuron_blocks(recording: Recording, trials: list[int]) -> list[slice]:
    frames = sum(recording.duration(trial) for trial in trials)
    size = max(1, BLOCK_BYTES // (4 * frames))
    return [slice(i, i + size) for i in range(0, recording.num_neurons, size)]


def _all_rows(recording: Recording, name: str, trials: list[int]) -> np.ndarray:
    return np.concatenate(
        [recording.read_rows(name, t, start=0, stop=recording.duration(t)) for t in trials], axis=1
    )


def _all_responses(
    recording: Recording, block: slice, trials: list[int], bar: "tqdm[Any]"
) -> np.ndarray:
    """Responses of a block of neurons in all trials, (n, frames)."""
    ends = np.cumsum([recording.duration(trial) for trial in trials])
    rows = len(range(*block.indices(recording.num_neurons)))
    values = np.empty((rows, ends[-1]), dtype=np.float32)
    for trial, end in zip(trials, ends, strict=True):
        frames = recording.duration(trial)
        values[:, end - frames : end] = recording.read_responses(
            trial, neurons=block, start=0, stop=frames
        )
        bar.update()
    return values
