"""The interface of all readouts, and their registry."""

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from viv1t.config.schema import ReadoutConfig
from viv1t.errors import ConfigError
from viv1t.model.cores.base import add_reg_scale, scaled_l1
from viv1t.registry import Registry

READOUTS: Registry[ReadoutConfig] = Registry("readout")

BiasMode: TypeAlias = Literal[0, 1, 2]


class Readout(nn.Module):
    """Turns features into the responses of the neurons of one mouse.

    Subclasses are built as `cls(config, core_shape=..., coordinates=..., mean_response=...,
    as_published=...)`.
    """

    reg_scale: Tensor

    def __init__(
        self,
        config: ReadoutConfig,
        *,
        core_shape: tuple[int, int, int, int],
        coordinates: Tensor,
        mean_response: Tensor | None = None,
        as_published: bool = False,
    ) -> None:
        """Build the readout of one mouse.

        Args:
            config: flags of the readout.
            core_shape: (c', t', h', w') of the core.
            coordinates: (n, 3) positions of the neurons in µm; its length is the number of neurons.
            mean_response: (n,) mean transformed response, the start of the bias; None: zeros.
            as_published: reproduce defects of the published code that change numbers.
        """
        super().__init__()
        self.config = config
        self.core_shape = core_shape
        self.num_neurons = len(coordinates)
        self.as_published = as_published
        add_reg_scale(self)

    def forward(self, features: Tensor, *, shifts: Tensor | None) -> Tensor:
        """Responses before the output non-linearity, (b, n, t').

        Args:
            features: (b, c', t', h', w').
            shifts: (b, 2, t') displacement of the gaze in grid units (x, y), or None.
        """
        raise NotImplementedError

    def positions(self) -> Tensor:
        """(n, 2) place (x, y) that each neuron reads, in grid units -1..1, without shift.

        Raises:
            ConfigError: the readout does not read at one place.
        """
        name = READOUTS.name_of(self.config)
        raise ConfigError(f"--readout {name} has no position per neuron; --readout gaussian has")

    def penalty(self) -> Tensor:
        """L1 norm of all parameters times `--readout_reg_scale`, a scalar."""
        return scaled_l1(self, self.config.reg_scale)


def initial_bias(
    mode: BiasMode, *, num_neurons: int, mean_response: Tensor | None
) -> nn.Parameter | None:
    """The bias (n,) of `--readout_bias_mode`: 0 none, 1 zeros, 2 mean responses (None: zeros)."""
    if mode == 0:
        return None
    if mode == 2 and mean_response is not None:
        return nn.Parameter(mean_response.detach().clone().float())
    return nn.Parameter(torch.zeros(num_neurons))
