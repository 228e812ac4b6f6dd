"""The interface of all cores, and their registry."""

from typing import TYPE_CHECKING, Literal, NamedTuple, NotRequired, TypedDict, Unpack

import torch
from torch import Tensor, nn

from viv1t.batch import DataShapes
from viv1t.config.schema import CoreConfig
from viv1t.names import MouseId
from viv1t.registry import Registry

if TYPE_CHECKING:
    from viv1t.model.cores.vivit.incremental import IncrementalViViT

CORES: Registry[CoreConfig] = Registry("core")


class CoreRuntime(TypedDict):
    """What a core is built with besides its flags.

    Attributes:
        shapes: of the data.
        grad_checkpointing: recompute activations in the backward pass, where the core can.
        as_published: reproduce defects of the published code that change numbers.
    """

    shapes: DataShapes
    grad_checkpointing: NotRequired[bool]
    as_published: NotRequired[bool]


class AttentionStack(NamedTuple):
    """Attention layers of a core, one after the other.

    Attributes:
        name: the submodule whose `Attending` layers they are, in order.
        axis: "space" if sequences are frames and tokens their places, "time" if it is the other
            way round. Register tokens stand last.
    """

    name: str
    axis: Literal["space", "time"]


class Core(nn.Module):
    """Turns a movie into features that all mice share.

    A core states its temporal contract as data: `causal` (output frame t depends on input frames
    up to t only) and `num_frames_out`. Output frames are aligned with the END of the movie.
    Frames in and out are equally many unless a core says otherwise.

    Attributes:
        output_shape: (c', t', h', w') for a movie of `shapes.max_frames` frames.
        causal: whether changing a frame leaves all earlier outputs as they are.
        num_frames_seen: latest frames that an output of a causal core depends on, its own
            included; None: all.
        first_centre_px: (x, y) pixel in the unpadded frame on which the feature at row 0, column 0
            is centred; pixel centres have whole numbers.
        centre_step_px: (x, y) pixels from one feature to the next.
        patch_px: edge of the square of pixels that a feature is made of, before any mixing.
        attention_stacks: what of the core attends, in order; empty if nothing does.
    """

    output_shape: tuple[int, int, int, int]
    causal: bool
    num_frames_seen: int | None = None
    first_centre_px: tuple[float, float] = (0.0, 0.0)
    centre_step_px: tuple[float, float] = (1.0, 1.0)
    patch_px: int = 1
    attention_stacks: tuple[AttentionStack, ...] = ()

    def __init__(self, config: CoreConfig, **runtime: Unpack[CoreRuntime]) -> None:
        """Build the core from its flags and from `CoreRuntime`."""
        super().__init__()
        self.config = config
        self.shapes = runtime["shapes"]
        self.grad_checkpointing = runtime.get("grad_checkpointing", False)
        self.as_published = runtime.get("as_published", False)

    def num_frames_out(self, num_frames: int) -> int:
        """Frames that come out when `num_frames` go in."""
        return num_frames

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

    def incremental(self) -> "IncrementalViViT | None":
        """The core piece by piece, for `insilico`; None if it must see whole movies."""
        return None

    def token_centres_px(self) -> Tensor:
        """(h', w', 2) pixel (x, y) in the unpadded frame on which each feature is centred."""
        _, _, height, width = self.output_shape
        rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        index = torch.stack((columns, rows), dim=-1)
        return torch.tensor(self.first_centre_px) + index * torch.tensor(self.centre_step_px)

    def penalty(self) -> Tensor:
        """L1 norm of all parameters times `--core_reg_scale`, a scalar."""
        return scaled_l1(self, self.config.reg_scale)

    def compile_core(self) -> None:
        """Wrap the costly parts with torch.compile; cores without such parts compile whole."""
        self.compile()


def scaled_l1(module: nn.Module, scale: float) -> Tensor:
    """`scale` times the sum of absolute values of the trainable parameters, a scalar."""
    terms = [p.abs().sum() for p in module.parameters() if scale != 0 and p.requires_grad]
    return torch.stack(terms).sum() * scale if terms else torch.zeros(())


def add_reg_scale(module: nn.Module) -> None:
    """Register the buffer `reg_scale`, zero and unused, which published checkpoints hold."""
    module.register_buffer("reg_scale", torch.tensor(0.0))
