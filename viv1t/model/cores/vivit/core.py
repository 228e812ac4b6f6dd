"""The core of ViV1T: tokens, attention within each frame, then attention over time."""

from typing import Unpack

import torch
from torch import Tensor, nn

from viv1t.config.flags import check
from viv1t.model.cores.base import CORES, AttentionStack, Core, CoreRuntime, add_reg_scale
from viv1t.model.cores.vivit.blocks import Transformer
from viv1t.model.cores.vivit.config import ViViTConfig
from viv1t.model.cores.vivit.incremental import IncrementalViViT, can_advance
from viv1t.model.cores.vivit.tokenizer import Tokenizer
from viv1t.model.layers.activations import build_activation
from viv1t.model.layers.linear import is_covered
from viv1t.model.layers.residual import chunks
from viv1t.names import MouseId

# Chunks that a transformer is given at a time: its preparations are made once for all of them.
TIMES = 8


class ViViT(nn.Module):
    """A spatial transformer over the tokens of each frame, then a temporal one at each place.

    Register tokens (Darcet et al. 2024) stand at the end of each sequence and are dropped
    afterwards. Under causal attention no frame can see the temporal ones. `--core_fast 1` leaves
    them out, and so does training, where both paths draw the same random numbers;
    `reg_t_tokens` stays, because checkpoints hold it, but gets no gradient.

    Args:
        config: flags of the core.
        num_patches: p, tokens of a frame.
        num_frames: t, frames of tokens of the longest movie.
        grad_checkpointing: recompute each block in the backward pass.
        as_published: see `RotaryTables`.

    Attributes:
        is_chunked: take some frames, then some places, at a time, without gradients on the CPU.
    """

    reg_scale: Tensor

    def __init__(
        self,
        config: ViViTConfig,
        *,
        num_patches: int,
        num_frames: int,
        grad_checkpointing: bool,
        as_published: bool,
    ) -> None:
        super().__init__()
        self.num_registers = config.reg_tokens
        self.is_causal = config.use_causal_attention
        self.is_fast = self.is_chunked = config.fast == 1
        if config.reg_tokens > 0:
            self.reg_s_tokens = nn.Parameter(torch.randn(config.reg_tokens, config.emb_dim))
            self.reg_t_tokens = nn.Parameter(torch.randn(config.reg_tokens, config.emb_dim))
        add_reg_scale(self)
        mode = config.pos_encoding
        options = {"grad_checkpointing": grad_checkpointing, "as_published": as_published}
        self.spatial_transformer = Transformer(
            config,
            depth=config.spatial_depth,
            num_positions=num_patches if mode == 5 else None,
            is_causal=False,
            **options,
        )
        self.temporal_transformer = Transformer(
            config,
            depth=config.temporal_depth,
            num_positions=num_frames if mode in (5, 6, 7) else None,
            is_causal=self.is_causal,
            **options,
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (b, p, t, d) after both transformers, of tokens (b, t, p, d)."""
        num_batch, num_frames, num_patches, _ = tokens.shape
        if self.is_chunked and not self._keeps_all(tokens):
            places = tokens.new_empty(num_batch, num_patches, num_frames, tokens.shape[-1])
            for movie, place in zip(tokens, places, strict=True):
                for part in chunks(movie, times=TIMES):
                    place[:, part] = self._spatial(movie[part]).transpose(0, 1)
                for part in chunks(place, times=TIMES):
                    place[part] = self._temporal(place[part])
            return places
        frames = self._spatial(tokens.flatten(0, 1)).unflatten(0, (num_batch, num_frames))
        places = self._temporal(frames.transpose(1, 2).flatten(0, 1))
        return places.unflatten(0, (num_batch, num_patches))

    def _keeps_all(self, tokens: Tensor) -> bool:
        """Whether every step must be kept or drawn at once, or there is nothing to be gained."""
        return self.training or torch.is_grad_enabled() or not is_covered(tokens)

    def _spatial(self, frames: Tensor) -> Tensor:
        """Frames (f, p, d) after attention within each of them."""
        num_patches = frames.shape[1]
        if self.num_registers:
            frames = self._append(frames, self.reg_s_tokens)
        transformer = self.spatial_transformer
        return transformer(frames, num_registers=self.num_registers)[:, :num_patches]

    def _temporal(self, places: Tensor) -> Tensor:
        """Places (p, t, d) after attention over time."""
        num_frames = places.shape[1]
        is_unseen = self.is_causal and (self.is_fast or self.training)
        num_registers = 0 if is_unseen else self.num_registers
        if num_registers:
            places = self._append(places, self.reg_t_tokens)
        return self.temporal_transformer(places, num_registers=num_registers)[:, :num_frames]

    @staticmethod
    def _append(tokens: Tensor, registers: Tensor) -> Tensor:
        return torch.cat((tokens, registers.to(tokens).expand(len(tokens), -1, -1)), dim=1)


@CORES.register("vivit", ViViTConfig)
class ViViTCore(Core):
    """The video vision transformer core (Arnab et al. 2021, factorised encoder)."""

    config: ViViTConfig
    attention_stacks = (
        AttentionStack("vivit.spatial_transformer", "space"),
        AttentionStack("vivit.temporal_transformer", "time"),
    )

    def __init__(self, config: ViViTConfig, **runtime: Unpack[CoreRuntime]) -> None:
        super().__init__(config, **runtime)
        shapes = self.shapes
        check(
            config.temporal_patch_stride == 1 or self.as_published,
            f"--core_temporal_patch_stride {config.temporal_patch_stride} would compare responses "
            "with the wrong frames: use 1",
        )
        self.tokenizer = Tokenizer(config, shapes=shapes)
        height, width = self.tokenizer.grid
        self.vivit = ViViT(
            config,
            num_patches=height * width,
            num_frames=self.tokenizer.max_tokens,
            grad_checkpointing=self.grad_checkpointing,
            as_published=self.as_published,
        )
        self.activation = build_activation(config.activation)
        self.output_shape = (config.emb_dim, self.tokenizer.max_tokens, height, width)
        self.causal = config.use_causal_attention or config.temporal_depth == 0
        left, _, top, _, _, _ = self.tokenizer.padding
        middle = (config.spatial_patch_size - 1) / 2
        self.first_centre_px = (middle - left, middle - top)
        self.centre_step_px = (float(config.spatial_patch_stride),) * 2
        self.patch_px = config.spatial_patch_size

    def num_frames_out(self, num_frames: int) -> int:
        """Frames that come out when `num_frames` go in."""
        return self.tokenizer.num_frames_out(num_frames)

    def forward(
        self, inputs: Tensor, *, mouse_id: MouseId, behaviors: Tensor, pupil_centers: Tensor
    ) -> Tensor:
        """Features (b, d, t', h', w'), see `Core.forward`."""
        tokens = self.tokenizer(inputs, behaviors=behaviors, pupil_centers=pupil_centers)
        features = self.vivit(tokens).unflatten(1, self.tokenizer.grid)
        return self.activation(features.permute(0, 4, 3, 1, 2))

    def incremental(self) -> IncrementalViViT | None:
        """The core piece by piece, if it is causal."""
        return IncrementalViViT(self) if can_advance(self) else None

    def compile_core(self) -> None:
        """Compile both transformers, each as one graph, for whole movies."""
        self.vivit.is_chunked = False
        for transformer in (self.vivit.spatial_transformer, self.vivit.temporal_transformer):
            transformer.compile(fullgraph=True)
