"""The interface of all readouts, and their registry."""

from torch import Tensor, nn

from viv1t.config.schema import ReadoutConfig
from viv1t.model.cores.base import l1_norm
from viv1t.registry import Registry

READOUTS: Registry[ReadoutConfig] = Registry("readout")


class Readout(nn.Module):
    """Turns features into the responses of the neurons of one mouse.

    Subclasses are built as `cls(config, core_shape=..., coordinates=..., mean_response=...)`.
    """

    reg_scale: Tensor

    def __init__(
        self,
        config: ReadoutConfig,
        *,
        core_shape: tuple[int, int, int, int],
        coordinates: Tensor,
        mean_response: Tensor | None,
    ) -> None:
        """Build the readout of one mouse.

        Args:
            config: flags of the readout.
            core_shape: (c', t', h', w') of the core.
            coordinates: (n, 3) positions of the neurons in µm; its length is the number of neurons.
            mean_response: (n,) mean transformed response, the start of the bias; None: zeros.
        """
        super().__init__()
        self.config = config
        self.core_shape = core_shape
        self.num_neurons = len(coordinates)

    def forward(self, features: Tensor, *, shifts: Tensor | None) -> Tensor:
        """Responses before the output non-linearity, (b, n, t').

        Args:
            features: (b, c', t', h', w').
            shifts: (b, 2, t') displacement of the gaze in grid units (x, y), or None.
        """
        raise NotImplementedError

    def penalty(self) -> Tensor:
        """L1 norm of all parameters times `--readout_reg_scale`, a scalar."""
        return l1_norm(self) * self.config.reg_scale
