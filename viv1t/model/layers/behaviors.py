"""How behaviour enters a core: as channels that are constant over space."""

from typing import Literal, TypeAlias

import torch
from torch import Tensor

from viv1t.batch import DataShapes

BehaviorMode: TypeAlias = Literal[0, 1, 2]


def num_input_channels(mode: int, shapes: DataShapes) -> int:
    """Channels of a movie after `append_behaviors`."""
    added = (0, shapes.num_behaviors, shapes.num_behaviors + shapes.num_pupils)[mode]
    return shapes.video[0] + added


def select_behaviors(behaviors: Tensor, pupil_centers: Tensor, *, mode: int) -> Tensor:
    """The signals that a core sees, (b, k, t): none, behaviour, behaviour then pupil centre.

    Args:
        behaviors: (b, k, t).
        pupil_centers: (b, p, t).
        mode: 0, 1 or 2.
    """
    signals = (behaviors, pupil_centers)[:mode]
    return torch.cat(signals, dim=1) if signals else behaviors[:, :0]


def append_behaviors(video: Tensor, signals: Tensor) -> Tensor:
    """The movie (b, c, t, h, w) with `signals` (b, k, t) as further channels."""
    if not signals.shape[1]:
        return video
    maps = signals[..., None, None].expand(-1, -1, -1, *video.shape[-2:])
    return torch.cat((video, maps), dim=1)
