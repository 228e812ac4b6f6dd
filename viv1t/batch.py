"""What travels from a recording to a model: one mouse, one or several trials."""

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from viv1t.names import MouseId


@dataclass(frozen=True, kw_only=True)
class DataShapes:
    """What a core may know of the data before it sees any.

    Attributes:
        video: (c, t, h, w) of a training clip.
        num_behaviors: rows of the behaviour array (0 if there is none).
        num_pupils: rows of the pupil centre array (0 if there is none).
        max_frames: longest trial; sizes the tables of positional encodings.
    """

    video: tuple[int, int, int, int]
    num_behaviors: int = 2
    num_pupils: int = 2
    max_frames: int = 300


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Trials of one mouse, transformed, all of one length.

    Attributes:
        mouse_id: the mouse.
        video: (b, c, t, h, w) float32.
        response: (b, n, t) float32.
        behavior: (b, k, t) float32; k may be 0.
        pupil_center: (b, p, t) float32; p may be 0.
        trial_ids: (b,) int64, index of the trial in its recording.
        video_ids: (b,) int64, equal for repeats of one movie; -1 unknown.
        stimulus_ids: (b,) int64, index into `names.STIMULUS_TYPES`; -1 unknown.
    """

    mouse_id: MouseId
    video: Tensor
    response: Tensor
    behavior: Tensor
    pupil_center: Tensor
    trial_ids: Tensor
    video_ids: Tensor
    stimulus_ids: Tensor

    def __len__(self) -> int:
        return len(self.video)

    def to(self, device: torch.device) -> "Batch":
        """The batch with its four signals on `device`; ids stay on the CPU."""
        signals = ("video", "response", "behavior", "pupil_center")
        return replace(self, **{s: getattr(self, s).to(device, non_blocking=True) for s in signals})

    def micro(self, size: int) -> list["Batch"]:
        """The batch in pieces of at most `size` trials, in order."""
        tensors = [f.name for f in fields(self) if f.name != "mouse_id"]
        return [
            replace(self, **{name: getattr(self, name)[i : i + size] for name in tensors})
            for i in range(0, len(self), size)
        ]
