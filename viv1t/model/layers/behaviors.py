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


def append_behaviors(
    video: Tensor, *, behaviors: Tensor, pupil_centers: Tensor, mode: int
) -> Tensor:
    """The movie (b, c, t, h, w) with behaviour as further channels.

    Args:
        video: (b, c, t, h, w).
        behaviors: (b, k, t), appended if `mode` is 1 or 2.
        pupil_centers: (b, p, t), appended after the behaviour if `mode` is 2.
        mode: 0, 1 or 2.
    """
    signals = (behaviors, pupil_centers)[:mode]
    maps = [s[..., None, None].expand(-1, -1, -1, *video.shape[-2:]) for s in signals]
    return torch.cat((video, *maps), dim=1) if maps else video
