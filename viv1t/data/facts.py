"""All that prediction needs to know of a mouse, so that its recording need not be there."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from viv1t.batch import DataShapes
from viv1t.data.cache import DAMAGED, read_npz, write_npz
from viv1t.data.recording import Recording
from viv1t.data.statistics import Statistics
from viv1t.errors import DataError, MissingResultError
from viv1t.names import MouseId
from viv1t.units import Monitor

_MONITOR: Final = ("width_cm", "height_cm", "distance_cm", "width_px", "height_px")
_NUMBERS: Final = MappingProxyType(
    {
        "num_recorded": int,
        "fps": float,
        "num_behaviors": int,
        "num_pupils": int,
        "skip_frames": int,
        "max_frames": int,
        "mouse_id": str,
        "fingerprint": str,
    }
)


@dataclass(frozen=True, kw_only=True)
class MouseFacts:
    """What a run knows of a mouse; arrays over neurons hold the neurons of the model only.

    Attributes:
        mouse_id: the mouse.
        statistics: in recorded units; its response_floor is that of all recorded neurons.
        coordinates: (n, 3) float32 in µm, or None if unknown.
        unit_ids: (n,) int64.
        neuron_idx: (n,) int64, the rows of the recording that the model has.
        num_recorded: rows of the recording.
        monitor: the screen.
        fps: frames per second.
        video_shape: (c, h, w) of a frame.
        num_behaviors: rows of the behaviour.
        num_pupils: rows of the pupil centre.
        skip_frames: frames at the start of a trial that are never scored.
        max_frames: frames of a trial that are used at most.
        fingerprint: identifies the recording.
    """

    mouse_id: MouseId
    statistics: Statistics
    coordinates: np.ndarray | None
    unit_ids: np.ndarray
    neuron_idx: np.ndarray
    num_recorded: int
    monitor: Monitor
    fps: float
    video_shape: tuple[int, int, int]
    num_behaviors: int
    num_pupils: int
    skip_frames: int
    max_frames: int
    fingerprint: str

    def save(self, path: Path) -> None:
        """Write the facts to the npz file `path`, whole or not at all."""
        arrays: dict[str, Any] = {name: np.array(getattr(self, name)) for name in _NUMBERS}
        arrays |= {f"statistics/{k}": v for k, v in self.statistics.to_arrays().items()}
        arrays |= {"unit_ids": self.unit_ids, "neuron_idx": self.neuron_idx}
        arrays["video_shape"] = np.array(self.video_shape)
        arrays["monitor"] = np.array([getattr(self.monitor, name) for name in _MONITOR])
        if self.coordinates is not None:
            arrays["coordinates"] = self.coordinates
        write_npz(path, arrays)

    @classmethod
    def load(cls, path: Path) -> "MouseFacts":
        """The facts stored in `path`.

        Raises:
            MissingResultError: there is no such file.
            DataError: the file is damaged or lacks an entry.
        """
        if not path.is_file():
            raise MissingResultError(f"{path} does not exist; train.py writes it into the run")
        try:
            return cls._from_arrays(read_npz(path))
        except DAMAGED as error:
            raise DataError(
                f"{path} is not a whole file of mouse facts ({type(error).__name__}: {error}); "
                "copy the run folder again"
            ) from error

    @classmethod
    def _from_arrays(cls, arrays: dict[str, np.ndarray]) -> "MouseFacts":
        prefix = "statistics/"
        statistics = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
        sizes = arrays["monitor"].tolist()
        c, h, w = arrays["video_shape"].tolist()
        return cls(
            **{name: kind(arrays[name].item()) for name, kind in _NUMBERS.items()},
            statistics=Statistics.from_arrays(statistics),
            coordinates=arrays.get("coordinates"),
            unit_ids=arrays["unit_ids"],
            neuron_idx=arrays["neuron_idx"],
            monitor=Monitor(
                **dict(zip(_MONITOR[:3], sizes[:3], strict=True)),
                width_px=int(sizes[3]),
                height_px=int(sizes[4]),
            ),
            video_shape=(c, h, w),
        )


def shapes_of(mice: Collection[MouseFacts], *, crop_frame: int) -> DataShapes:
    """What a core may know of the recordings of `mice`, which are alike.

    Args:
        mice: one or more.
        crop_frame: frames of a training clip; -1: whole trials.
    """
    first = next(iter(mice))
    max_frames = max(facts.max_frames for facts in mice)
    channels, height, width = first.video_shape
    frames = max_frames if crop_frame == -1 else min(crop_frame, max_frames)
    return DataShapes(
        video=(channels, frames, height, width),
        num_behaviors=first.num_behaviors,
        num_pupils=first.num_pupils,
        max_frames=max_frames,
    )


def facts_of(recording: Recording, *, neurons: np.ndarray, statistics: Statistics) -> MouseFacts:
    """The facts of a recording of which a model has the rows `neurons`.

    Args:
        recording: the recording.
        neurons: (n,) int64 rows.
        statistics: of these neurons.
    """
    mouse = recording.mouse
    return MouseFacts(
        mouse_id=mouse.id,
        statistics=statistics,
        coordinates=recording.coordinates[neurons],
        unit_ids=recording.unit_ids[neurons],
        neuron_idx=neurons,
        num_recorded=recording.num_neurons,
        monitor=mouse.monitor,
        fps=mouse.fps,
        video_shape=(recording.num_channels, *recording.frame_shape),
        num_behaviors=recording.num_behaviors,
        num_pupils=recording.num_pupils,
        skip_frames=mouse.skip_frames,
        max_frames=mouse.max_frames,
        fingerprint=recording.fingerprint(),
    )
