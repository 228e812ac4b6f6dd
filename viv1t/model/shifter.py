"""The shifter: an MLP that moves a readout with the eye."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from viv1t.config.schema import ShifterConfig
from viv1t.model.cores.base import add_reg_scale, scaled_l1


class Shifter(nn.Module):
    """Behaviour to a displacement of the gaze, in grid units (-1..1).

    Weights start as torch.nn.Linear starts them, as in the published code (whose intended Xavier
    start never took effect).

    Args:
        config: flags of the shifter.
        num_inputs: rows of the behaviour that it sees.
    """

    reg_scale: Tensor

    def __init__(self, config: ShifterConfig, *, num_inputs: int) -> None:
        super().__init__()
        self.config = config
        add_reg_scale(self)
        widths = [num_inputs, *[config.size] * (config.layers - 1), 2]
        layers: list[nn.Module] = []
        for width_in, width_out in pairwise(widths):
            layers += [nn.Linear(width_in, width_out), nn.Tanh()]
        self.mlp = nn.Sequential(*layers)

    def forward(self, signals: Tensor) -> Tensor:
        """Displacement (b, 2, t) in x and y of behaviour (b, k, t)."""
        return self.mlp(signals.mT).mT

    def penalty(self) -> Tensor:
        """L1 norm of all parameters times `--shifter_reg_scale`, a scalar."""
        return scaled_l1(self, self.config.reg_scale)


def shifter_inputs(mode: int, *, behaviors: Tensor, pupil_centers: Tensor) -> Tensor:
    """What a shifter sees, (b, k, t): 1 the pupil centre, 2 behaviour, then pupil centre."""
    return pupil_centers if mode == 1 else torch.cat((behaviors, pupil_centers), dim=1)
