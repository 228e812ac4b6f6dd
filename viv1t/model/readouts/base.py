"""The interface of all readouts, and their registry."""

from typing import Literal, NotRequired, TypeAlias, TypedDict, Unpack

import torch
from torch import Tensor, nn

from viv1t.config.schema import ReadoutConfig
from viv1t.errors import ConfigError
from viv1t.model.cores.base import add_reg_scale, scaled_l1
from viv1t.registry import Registry

READOUTS: Registry[ReadoutConfig] = Registry("readout")

BiasMode: TypeAlias = Literal[0, 1, 2]


class ReadoutRuntime(TypedDict):
    """What the readout of one mouse is built with besides its flags.

    Attributes:
        core_shape: (c', t', h', w') of the core.
        coordinates: (n, 3) positions of the neurons in µm; its length is the number of neurons.
        mean_response: (n,) mean transformed response, the start of the bias; None: zeros.
        as_published: reproduce defects of the published code that change numbers.
        fast: take the fast paths, equal to the plain ones to rounding (default).
    """

    core_shape: tuple[int, int, int, int]
    coordinates: Tensor
    mean_response: NotRequired[Tensor | None]
    as_published: NotRequired[bool]
    fast: NotRequired[bool]


class Readout(nn.Module):
    """Turns features into the responses of the neurons of one mouse.

    Attributes:
        sees_features_only: whether equal features give equal responses, whatever the gaze.
    """

    sees_features_only: bool = False
    reg_scale: Tensor

    def __init__(self, config: ReadoutConfig, **runtime: Unpack[ReadoutRuntime]) -> None:
        """Build the readout from its flags and from `ReadoutRuntime`."""
        super().__init__()
        self.config = config
        self.core_shape = runtime["core_shape"]
        self.num_neurons = len(runtime["coordinates"])
        self.as_published = runtime.get("as_published", False)
        self.fast = runtime.get("fast", True)
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

    def _initial_bias(self, mode: BiasMode, mean_response: Tensor | None) -> nn.Parameter | None:
        """The bias (n,) of a bias mode: 0 none, 1 zeros, 2 mean responses (None: zeros)."""
        if mode == 0:
            return None
        if mode == 2 and mean_response is not None:
            return nn.Parameter(mean_response.detach().clone().float())
        return nn.Parameter(torch.zeros(self.num_neurons))
