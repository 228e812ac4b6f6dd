"""The random core: features that know nothing of the movie, a lower bound and a test dummy."""

from dataclasses import dataclass
from typing import Unpack

import torch
from torch import Tensor, nn

from viv1t.config.flags import check
from viv1t.config.schema import CoreConfig
from viv1t.model.cores.base import CORES, Core, CoreRuntime
from viv1t.names import MouseId

NUM_CHANNELS = 32
MARGIN_PX = 4


@dataclass(frozen=True, kw_only=True)
class RandomCoreConfig(CoreConfig):
    """Uniform noise; no flags."""


@CORES.register("random", RandomCoreConfig)
class RandomCore(Core):
    """Uniform random features in [0, 1); one parameter, of no effect, keeps autograd going."""

    def __init__(self, config: RandomCoreConfig, **runtime: Unpack[CoreRuntime]) -> None:
        super().__init__(config, **runtime)
        shapes = self.shapes
        _, _, height, width = shapes.video
        check(
            min(height, width) > 2 * MARGIN_PX,
            f"--core random needs frames of more than {2 * MARGIN_PX} pixels in height and width, "
            f"got {height} x {width}",
        )
        self.weight = nn.Parameter(torch.ones(()))
        self.output_shape = (
            NUM_CHANNELS,
            shapes.max_frames,
            height - 2 * MARGIN_PX,
            width - 2 * MARGIN_PX,
        )
        self.causal = True
        self.first_centre_px = (float(MARGIN_PX), float(MARGIN_PX))

    def forward(
        self, inputs: Tensor, *, mouse_id: MouseId, behaviors: Tensor, pupil_centers: Tensor
    ) -> Tensor:
        """Noise (b, 32, t, h - 8, w - 8)."""
        channels, _, height, width = self.output_shape
        shape = (len(inputs), channels, inputs.shape[2], height, width)
        noise = torch.rand(shape, device=inputs.device, dtype=inputs.dtype)
        return noise + self.weight - self.weight
