"""The interface of all cores, and their registry."""

import torch
from torch import Tensor, nn

from viv1t.batch import DataShapes
from viv1t.config.schema import CoreConfig
from viv1t.names import MouseId
from viv1t.registry import Registry

CORES: Registry[CoreConfig] = Registry("core")


class Core(nn.Module):
    """Turns a movie into features that all mice share.

    A core states its temporal contract as data: `causal` (output frame t depends on input frames
    up to t only) and `num_frames_out`. Output frames are aligned with the END of the movie.

    Attributes:
        output_shape: (c', t', h', w') for a movie of `shapes.max_frames` frames.
        causal: whether changing a frame leaves all earlier outputs as they are.
    """

    reg_scale: Tensor
    output_shape: tuple[int, int, int, int]
    causal: bool

    def __init__(self, config: CoreConfig, *, shapes: DataShapes) -> None:
        super().__init__()
        self.config = config
        self.shapes = shapes

    def num_frames_out(self, num_frames: int) -> int:
        """Frames that come out when `num_frames` go in."""
        raise NotImplementedError

    def forward(
        self, inputs: Tensor, *, mouse_id: MouseId, behaviors: Tensor, pupil_centers: Tensor
    ) -> Tensor:
        """Features (b, c', t', h', w') of transformed movies.

        Args:
            inputs: (b, c, t, h, w).
            mouse_id: the mouse that watched.
            behaviors: (b, k, t).
            pupil_centers: (b, p, t).
        """
        raise NotImplementedError

    def penalty(self) -> Tensor:
        """L1 norm of all parameters times `--core_reg_scale`, a scalar."""
        return l1_norm(self) * self.config.reg_scale

    def compile_core(self) -> None:
        """Wrap the costly parts with torch.compile; cores without such parts compile whole."""
        self.compile()


def l1_norm(module: nn.Module) -> Tensor:
    """Sum of the absolute values of the trainable parameters of `module`, a scalar."""
    terms = [p.abs().sum() for p in module.parameters() if p.requires_grad]
    return torch.stack(terms).sum() if terms else torch.zeros(())
