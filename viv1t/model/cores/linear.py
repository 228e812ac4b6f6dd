"""The linear core: each pixel of each channel has a gain and an offset."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from viv1t.config.flags import check, flag
from viv1t.config.schema import CoreConfig
from viv1t.model.cores.base import CORES, Core, CoreRuntime, add_reg_scale
from viv1t.model.layers.behaviors import (
    BehaviorMode,
    append_behaviors,
    num_input_channels,
    select_behaviors,
)
from viv1t.names import MouseId

CNN_OPTIM: Mapping[str, Any] = MappingProxyType(
    {"lr": 0.005, "core_lr": None, "weight_decay": 0.0, "core_weight_decay": 0.0}
)


@dataclass(frozen=True, kw_only=True)
class LinearConfig(CoreConfig):
    """A gain and an offset per pixel; with a readout, a linear model of the latest frames."""

    optim_defaults: ClassVar[Mapping[str, Any]] = CNN_OPTIM

    behavior_mode: BehaviorMode = flag(
        1, help="channels added to the movie: 0 none, 1 behaviour, 2 behaviour and pupil centre"
    )
    temporal_kernel: int = flag(
        1, help="frames seen at once, as channels; 1 as published, 13 for the LN baseline"
    )

    def __post_init__(self) -> None:
        kernel = self.temporal_kernel
        check(kernel >= 1, f"--core_temporal_kernel must be at least 1, got {kernel}")


@CORES.register("linear", LinearConfig)
class LinearCore(Core):
    """weight * frames + bias, pixel by pixel.

    With a temporal kernel k the k latest frames (zeros before the first) become channels, the
    oldest first within each input channel. With a factorised readout that is a linear-nonlinear
    model. It starts as the identity, the published frame-wise core (k = 1) from N(0, 1).
    """

    config: LinearConfig
    reg_scale: Tensor

    def __init__(self, config: LinearConfig, **runtime: Unpack[CoreRuntime]) -> None:
        super().__init__(config, **runtime)
        shapes = self.shapes
        _, _, height, width = shapes.video
        channels = num_input_channels(config.behavior_mode, shapes) * config.temporal_kernel
        shape = (channels, height, width)
        is_published = config.temporal_kernel == 1
        self.weight = nn.Parameter(torch.randn(shape) if is_published else torch.ones(shape))
        self.bias = nn.Parameter(torch.randn(shape) if is_published else torch.zeros(shape))
        add_reg_scale(self)
        self.output_shape = (channels, shapes.max_frames, height, width)
        self.causal = True
        self.num_frames_seen = config.temporal_kernel

    def forward(
        self, inputs: Tensor, *, mouse_id: MouseId, behaviors: Tensor, pupil_centers: Tensor
    ) -> Tensor:
        """Features (b, c' k, t, h, w), see `Core.forward`."""
        signals = select_behaviors(behaviors, pupil_centers, mode=self.config.behavior_mode)
        frames = append_behaviors(inputs, signals)
        kernel = self.config.temporal_kernel
        if kernel > 1:
            padded = F.pad(frames, (0, 0, 0, 0, kernel - 1, 0))
            frames = padded.unfold(2, kernel, 1).permute(0, 1, 5, 2, 3, 4).flatten(1, 2)
        return self.weight[:, None] * frames + self.bias[:, None]
