"""The random readout: responses that know nothing of the features."""

from dataclasses import dataclass
from typing import Unpack

import torch
from torch import Tensor, nn

from viv1t.config.schema import ReadoutConfig
from viv1t.model.readouts.base import READOUTS, Readout, ReadoutRuntime


@dataclass(frozen=True, kw_only=True)
class RandomReadoutConfig(ReadoutConfig):
    """Uniform noise; no flags."""


@READOUTS.register("random", RandomReadoutConfig)
class RandomReadout(Readout):
    """Uniform random responses in [0, 1); one parameter, of no effect, keeps autograd going."""

    def __init__(self, config: RandomReadoutConfig, **runtime: Unpack[ReadoutRuntime]) -> None:
        super().__init__(config, **runtime)
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, features: Tensor, *, shifts: Tensor | None) -> Tensor:
        """Noise (b, n, t')."""
        shape = (len(features), self.num_neurons, features.shape[2])
        noise = torch.rand(shape, device=features.device, dtype=features.dtype)
        return noise + self.weight - self.weight
