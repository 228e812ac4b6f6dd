"""The factorised 3-D convolutional core of the Sensorium 2023 baseline."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Unpack

import torch
from torch import Tensor, nn

from viv1t.config.flags import check, flag
from viv1t.config.schema import CoreConfig
from viv1t.model.cores.base import CORES, Core, CoreRuntime
from viv1t.model.cores.linear import CNN_OPTIM
from viv1t.model.layers.behaviors import (
    BehaviorMode,
    append_behaviors,
    num_input_channels,
    select_behaviors,
)
from viv1t.names import MouseId

BATCH_NORM_MOMENTUM = 0.7


@dataclass(frozen=True, kw_only=True)
class FCNNConfig(CoreConfig):
    """Layers of a spatial, then a temporal convolution (Hoefling et al. 2024)."""

    optim_defaults: ClassVar[Mapping[str, Any]] = CNN_OPTIM

    behavior_mode: BehaviorMode = flag(
        2, help="channels added to the movie: 0 none, 1 behaviour, 2 behaviour and pupil centre"
    )
    spatial_input_kernel: int = flag(11, help="pixels of the first spatial kernel")
    temporal_input_kernel: int = flag(11, help="frames of the first temporal kernel")
    spatial_hidden_kernel: int = flag(5, help="pixels of the other spatial kernels")
    temporal_hidden_kernel: int = flag(5, help="frames of the other temporal kernels")
    num_layers: int = flag(4, help="layers")
    hidden_dim: int = flag(16, help="channels of the first layer; each further layer doubles them")
    dropout: float = flag(0.0, help="dropout of channels")
    linear: bool = flag(False, help="leave out batch norms and activations")

    def __post_init__(self) -> None:
        for name in (
            "spatial_input_kernel",
            "temporal_input_kernel",
            "spatial_hidden_kernel",
            "temporal_hidden_kernel",
            "num_layers",
            "hidden_dim",
        ):
            value = getattr(self, name)
            check(value >= 1, f"--core_{name} must be at least 1, got {value}")
        check(0 <= self.dropout < 1, f"--core_dropout must be in [0, 1), got {self.dropout}")

    def kernel(self, layer: int) -> tuple[int, int]:
        """(frames, pixels) of the kernels of a layer."""
        if layer == 0:
            return self.temporal_input_kernel, self.spatial_input_kernel
        return self.temporal_hidden_kernel, self.spatial_hidden_kernel


class Laplace(nn.Module):
    """A fixed Laplace filter, which published checkpoints hold; nothing uses it."""

    filter: Tensor

    def __init__(self, values: list[list[float]] | list[float]) -> None:
        super().__init__()
        self.register_buffer("filter", torch.tensor(values)[None, None])


class LaplaceHolder(nn.Module):
    """Gives a `Laplace` filter the key it has in published checkpoints."""

    def __init__(self, values: list[list[float]] | list[float]) -> None:
        super().__init__()
        self.laplace = Laplace(values)


class FactorisedCNN(nn.Module):
    """The layers, and constants that published checkpoints hold.

    Args:
        config: flags of the core.
        channels: of the movie, behaviour included.
    """

    def __init__(self, config: FCNNConfig, *, channels: int) -> None:
        super().__init__()
        self.register_buffer("gamma_input_spatial", torch.tensor(0.0))
        self.register_buffer("gamma_input_temporal", torch.tensor(0.0))
        self._input_weight_regularizer = LaplaceHolder(
            [[0.0, -1.0, 0.0], [-1.0, 4.0, -1.0], [0.0, -1.0, 0.0]]
        )
        self.temporal_regularizer = LaplaceHolder([-1.0, 4.0, -1.0])
        self.features = nn.Sequential()
        for layer in range(config.num_layers):
            width = config.hidden_dim * 2**layer
            self.features.add_module(
                f"layer{layer}", self._layer(config, layer, channels_in=channels, channels=width)
            )
            channels = width

    @staticmethod
    def _layer(config: FCNNConfig, layer: int, *, channels_in: int, channels: int) -> nn.Sequential:
        frames, pixels = config.kernel(layer)
        suffix = f"_{layer}" if layer else ""
        modules: OrderedDict[str, nn.Module] = OrderedDict()
        modules[f"conv_spatial{suffix}"] = nn.Conv3d(
            channels_in, channels, (1, pixels, pixels), padding=(0, pixels // 2, pixels // 2)
        )
        modules[f"conv_temporal{suffix}"] = nn.Conv3d(channels, channels, (frames, 1, 1))
        if not config.linear:
            modules["norm"] = nn.BatchNorm3d(channels, momentum=BATCH_NORM_MOMENTUM)
            modules["nonlin"] = nn.ELU()
        if layer == 0 or layer < config.num_layers - 1:
            modules["dropout"] = nn.Dropout3d(config.dropout)
        for module in modules.values():
            if isinstance(module, nn.Conv3d) and module.bias is not None:
                nn.init.xavier_normal_(module.weight)
                nn.init.zeros_(module.bias)
        return nn.Sequential(modules)


@CORES.register("fcnn", FCNNConfig)
class FCNNCore(Core):
    """Factorised 3-D convolutions: "same" in space, valid in time, so causal."""

    config: FCNNConfig

    def __init__(self, config: FCNNConfig, **runtime: Unpack[CoreRuntime]) -> None:
        super().__init__(config, **runtime)
        shapes = self.shapes
        _, _, height, width = shapes.video
        kernels = [config.kernel(layer) for layer in range(config.num_layers)]
        self.num_frames_lost = sum(frames - 1 for frames, _ in kernels)
        num_even = sum(pixels % 2 == 0 for _, pixels in kernels)
        channels = config.hidden_dim * 2 ** (config.num_layers - 1)
        num_frames = shapes.max_frames - self.num_frames_lost
        check(
            num_frames >= 1,
            f"the temporal kernels of --core fcnn need more than {self.num_frames_lost} frames, "
            f"the movies have {shapes.max_frames}: make the kernels shorter",
        )
        self.cnn = FactorisedCNN(config, channels=num_input_channels(config.behavior_mode, shapes))
        self.output_shape = (channels, num_frames, height + num_even, width + num_even)
        self.causal = True
        self.num_frames_seen = self.num_frames_lost + 1
        self.first_centre_px = (-num_even / 2, -num_even / 2)

    def num_frames_out(self, num_frames: int) -> int:
        """Frames that come out when `num_frames` go in: those whose whole past is known."""
        return num_frames - self.num_frames_lost

    def forward(
        self, inputs: Tensor, *, mouse_id: MouseId, behaviors: Tensor, pupil_centers: Tensor
    ) -> Tensor:
        """Features (b, c', t', h, w), see `Core.forward`."""
        signals = select_behaviors(behaviors, pupil_centers, mode=self.config.behavior_mode)
        video = append_behaviors(inputs, signals)
        return self.cnn.features(video)
