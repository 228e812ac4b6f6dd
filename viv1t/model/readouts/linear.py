"""The linear readout: the strongest response of each channel over the frame."""

from dataclasses import dataclass
from typing import Unpack

from torch import Tensor, nn

from viv1t.config.schema import ReadoutConfig
from viv1t.model.readouts.base import READOUTS, Readout, ReadoutRuntime


@dataclass(frozen=True, kw_only=True)
class LinearReadoutConfig(ReadoutConfig):
    """Maximum over space, then a linear layer; no flags."""


@READOUTS.register("linear", LinearReadoutConfig)
class LinearReadout(Readout):
    """A linear layer on the maximum of each channel over the frame; ignores shifts."""

    sees_features_only = True

    def __init__(self, config: LinearReadoutConfig, **runtime: Unpack[ReadoutRuntime]) -> None:
        super().__init__(config, **runtime)
        self.linear = nn.Linear(self.core_shape[0], self.num_neurons)

    def forward(self, features: Tensor, *, shifts: Tensor | None) -> Tensor:
        """Responses (b, n, t'), see `Readout.forward`."""
        return self.linear(features.amax(dim=(3, 4)).mT).mT
