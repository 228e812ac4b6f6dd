"""The linear readout: the strongest response of each channel over the frame."""

from dataclasses import dataclass

from torch import Tensor, nn

from viv1t.config.schema import ReadoutConfig
from viv1t.model.readouts.base import READOUTS, Readout


@dataclass(frozen=True, kw_only=True)
class LinearReadoutConfig(ReadoutConfig):
    """Maximum over space, then a linear layer; no flags."""


@READOUTS.register("linear", LinearReadoutConfig)
class LinearReadout(Readout):
    """A linear layer on the maximum of each channel over the frame; ignores shifts."""

    def __init__(
        self,
        config: LinearReadoutConfig,
        *,
        core_shape: tuple[int, int, int, int],
        coordinates: Tensor,
        mean_response: Tensor | None = None,
        as_published: bool = False,
    ) -> None:
        super().__init__(config, core_shape=core_shape, coordinates=coordinates)
        self.linear = nn.Linear(core_shape[0], self.num_neurons)

    def forward(self, features: Tensor, *, shifts: Tensor | None) -> Tensor:
        """Responses (b, n, t'), see `Readout.forward`."""
        return self.linear(features.amax(dim=(3, 4)).mT).mT
