"""The factorised readout: a spatial mask and channel weights for each neuron."""

from dataclasses import dataclass
from typing import Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from viv1t.config.flags import check, flag
from viv1t.config.schema import ReadoutConfig
from viv1t.model.readouts.base import READOUTS, BiasMode, Readout, ReadoutRuntime

INIT_STD = 0.001


@dataclass(frozen=True, kw_only=True)
class FactorizedConfig(ReadoutConfig):
    """A spatial mask times channel weights (Klindt et al. 2017)."""

    bias_mode: BiasMode = flag(2, help="bias: 0 none, 1 from zero, 2 from the mean responses")
    dropout: float = flag(0.0, help="dropout of the masked channels")

    def __post_init__(self) -> None:
        check(0 <= self.dropout < 1, f"--readout_dropout must be in [0, 1), got {self.dropout}")


@READOUTS.register("factorized", FactorizedConfig)
class FactorizedReadout(Readout):
    """sum_c feature[n, c] sum_hw spatial[n, h, w] z[c, h, w] + bias[n]; ignores shifts.

    The published readout never had its bias, whatever `--readout_bias_mode`: `as_published`.
    """

    config: FactorizedConfig
    sees_features_only = True

    def __init__(self, config: FactorizedConfig, **runtime: Unpack[ReadoutRuntime]) -> None:
        super().__init__(config, **runtime)
        channels, _, height, width = self.core_shape
        self._features = nn.Parameter(torch.randn(self.num_neurons, channels) * INIT_STD)
        self.spatial = nn.Parameter(torch.randn(self.num_neurons, height, width) * INIT_STD)
        mode: BiasMode = 0 if self.as_published else config.bias_mode
        self.bias = self._initial_bias(mode, runtime.get("mean_response"))

    def forward(self, features: Tensor, *, shifts: Tensor | None) -> Tensor:
        """Responses (b, n, t'), see `Readout.forward`."""
        masked = torch.einsum("bcthw,nhw->btnc", features, self.spatial)
        masked = F.dropout(masked, self.config.dropout, self.training)
        responses = (masked * self._features).sum(dim=-1).mT
        return responses if self.bias is None else responses + self.bias[:, None]
