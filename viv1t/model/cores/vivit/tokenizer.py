"""Movie and behaviour to tokens with positions."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from viv1t.batch import DataShapes
from viv1t.config.flags import check
from viv1t.model.cores.vivit.config import ViViTConfig
from viv1t.model.layers.behaviors import (
    append_behaviors,
    num_input_channels,
    select_behaviors,
)
from viv1t.model.layers.drop import DropPatch
from viv1t.model.layers.folded import can_fold, embed_folded
from viv1t.model.layers.norms import build_norm
from viv1t.model.layers.patches import Unfold3d, UnfoldConv3d, full_padding, num_windows
from viv1t.model.layers.positions import SinusoidalPositions, sincos_2d_table


class Tokenizer(nn.Module):
    """Pads the movie, cuts it into patches, embeds them and adds positions.

    Attributes:
        padding: zeros added (left, right, top, bottom, front, back); all time padding is in front,
            so that a token sees its own frame and earlier ones.
        grid: (h', w') tokens of a frame.
    """

    sincos: Tensor

    def __init__(self, config: ViViTConfig, *, shapes: DataShapes) -> None:
        super().__init__()
        self.config = config
        self.padding = self._padding(config, shapes)
        left, right, top, bottom, _, _ = self.padding
        _, _, height, width = shapes.video
        ps, ss = config.spatial_patch_size, config.spatial_patch_stride
        self.grid = (
            num_windows(height + top + bottom, patch=ps, stride=ss),
            num_windows(width + left + right, patch=ps, stride=ss),
        )
        self.max_tokens = self.num_frames_out(shapes.max_frames)
        check(
            min(*self.grid, self.max_tokens) >= 1,
            f"patches of {config.temporal_patch_size} frames x {ps} x {ps} pixels "
            "(--core_temporal_patch_size, --core_spatial_patch_size) do not fit into movies of "
            f"{shapes.max_frames} frames x {height} x {width}: make them smaller or pad "
            "(--core_pad_frame 1)",
        )
        unfold = (Unfold3d, UnfoldConv3d)[config.patch_mode]
        self.tokenizer = unfold(
            channels=num_input_channels(config.behavior_mode, shapes),
            patch=(config.temporal_patch_size, ps),
            stride=(config.temporal_patch_stride, ss),
            emb_dim=config.emb_dim,
            norm=config.norm,
            contrast_floor=config.patch_contrast,
        )
        self.norm = build_norm(config.norm, config.emb_dim)
        self.drop_patch = DropPatch(config.p_dropout)
        self._add_positions(max_frames=shapes.max_frames)

    @staticmethod
    def _padding(config: ViViTConfig, shapes: DataShapes) -> tuple[int, int, int, int, int, int]:
        if not config.pad_frame:
            return (0, 0, 0, 0, 0, 0)
        patch, stride = config.spatial_patch_size, config.spatial_patch_stride
        vertical, horizontal = (
            full_padding(size, patch=patch, stride=stride) for size in shapes.video[2:]
        )
        front = full_padding(
            shapes.max_frames,
            patch=config.temporal_patch_size,
            stride=config.temporal_patch_stride,
        )
        left, top = horizontal // 2, vertical // 2
        return (left, horizontal - left, top, vertical - top, front, 0)

    def _add_positions(self, *, max_frames: int) -> None:
        mode, dim = self.config.pos_encoding, self.config.emb_dim
        dropout = self.config.p_dropout
        num_patches = self.grid[0] * self.grid[1]
        if mode == 1:
            self.pos_embedding = nn.Parameter(torch.randn(1, self.max_tokens, num_patches, dim))
        if mode in (2, 3, 6):
            self.spatial_pos_embedding = nn.Parameter(torch.randn(1, 1, num_patches, dim))
        if mode == 2:
            self.temporal_pos_embedding = nn.Parameter(torch.randn(1, self.max_tokens, 1, dim))
        if mode == 4:
            spatial = SinusoidalPositions(
                length=num_patches, dim=dim, axis="spatial", dropout=dropout
            )
            self.add_module("spatial_pos_embedding", spatial)
        if mode in (3, 4):
            self.temporal_pos_encoding = SinusoidalPositions(
                length=max_frames, dim=dim, axis="temporal", dropout=dropout
            )
        if mode == 7:
            self.register_buffer("sincos", sincos_2d_table(*self.grid, dim), persistent=False)
        self.max_positions = {1: self.max_tokens, 2: self.max_tokens, 3: max_frames, 4: max_frames}

    def num_frames_out(self, num_frames: int) -> int:
        """Frames of tokens from a movie of `num_frames` frames."""
        return num_windows(
            num_frames + self.padding[4],
            patch=self.config.temporal_patch_size,
            stride=self.config.temporal_patch_stride,
        )

    def with_positions(self, tokens: Tensor) -> Tensor:
        """Tokens (b, t, p, d) with the positions that are added to them.

        Raises:
            ValueError: the sequence is longer than the table of positions.
        """
        mode, num_frames = self.config.pos_encoding, tokens.shape[1]
        longest = self.max_positions.get(mode, num_frames)
        if num_frames > longest:
            raise ValueError(
                f"--core_pos_encoding {mode} has positions for {longest} frames of tokens, the "
                f"movie gives {num_frames}: shorten it, or train with rotary positions (5)"
            )
        match mode:
            case 1:
                return tokens + self.pos_embedding[:, :num_frames]
            case 2:
                both = self.spatial_pos_embedding + self.temporal_pos_embedding[:, :num_frames]
                return tokens + both
            case 3:
                return self.temporal_pos_encoding(tokens + self.spatial_pos_embedding)
            case 4:
                spatial = self.get_submodule("spatial_pos_embedding")
                return self.temporal_pos_encoding(spatial(tokens))
            case 6:
                return tokens + self.spatial_pos_embedding
            case 7:
                return tokens + self.sincos
            case _:
                return tokens

    def forward(self, inputs: Tensor, *, behaviors: Tensor, pupil_centers: Tensor) -> Tensor:
        """Tokens (b, t', p, d), p row-major over the grid.

        Args:
            inputs: (b, c, t, h, w).
            behaviors: (b, k, t).
            pupil_centers: (b, p, t).
        """
        signals = select_behaviors(behaviors, pupil_centers, mode=self.config.behavior_mode)
        embedded = self.embed(inputs, signals, padding=self.padding)
        return self.with_positions(self.drop_patch(embedded))

    def embed(self, inputs: Tensor, signals: Tensor, *, padding: tuple[int, ...]) -> Tensor:
        """Tokens (b, t', p, d) without positions.

        Args:
            inputs: (b, c, t, h, w).
            signals: (b, k, t), as `select_behaviors` gives them.
            padding: zeros around the movie, see `padding` above.
        """
        if self._folds(inputs):
            embedded = embed_folded(self.tokenizer, inputs, signals, padding=padding)
        else:
            embedded = self.tokenizer(F.pad(append_behaviors(inputs, signals), padding))
        return self.norm(embedded)

    def _folds(self, video: Tensor) -> bool:
        """Whether the fast embedding is wanted, and exact to rounding.

        It is not under autocast (bfloat16) nor on GPUs (convolutions in TF32).
        """
        is_float32 = video.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
        return bool(self.config.fast) and is_float32 and can_fold(self.tokenizer)
