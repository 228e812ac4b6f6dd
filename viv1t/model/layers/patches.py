"""Movies to patches: how many windows there are, the padding, and two equal embeddings."""

import math
from typing import NotRequired, TypedDict, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from viv1t.model.layers.norms import NormName, build_norm


def num_windows(length: int, *, patch: int, stride: int) -> int:
    """Windows of `patch` samples, `stride` apart, that fit into `length` samples."""
    return (length - patch) // stride + 1


def full_padding(length: int, *, patch: int, stride: int) -> int:
    """Samples to add so that there are ceil(length / stride) windows; negative: to cut."""
    return (math.ceil(length / stride) - 1) * stride + patch - length


class UnfoldOptions(TypedDict):
    """How windows are cut and embedded.

    Attributes:
        patch: (frames, pixels) of a window; it is square in space.
        stride: (frames, pixels) between windows.
        emb_dim: d, length of a token.
        norm: name of the norm over the pixels of a window.
        contrast_floor: tokens are told the log contrast of their windows, see `Unfold3d`; None: no.
    """

    patch: tuple[int, int]
    stride: tuple[int, int]
    emb_dim: int
    norm: NormName
    contrast_floor: NotRequired[float | None]


class Unfold3d(nn.Module):
    """Embeds each space-time window by norm and linear layer.

    The norm hides how strong a window is. With `contrast_floor`, which is then the constant that
    the norm adds to the variance, a learnt vector times the log of its scale is added.

    Args:
        channels: of the movie.
        options: see `UnfoldOptions`.
    """

    def __init__(self, *, channels: int, **options: Unpack[UnfoldOptions]) -> None:
        super().__init__()
        self.patch, self.stride = options["patch"], options["stride"]
        patch_dim = channels * self.patch[0] * self.patch[1] ** 2
        floor, emb_dim = options.get("contrast_floor"), options["emb_dim"]
        self.norm = build_norm(options["norm"], patch_dim, eps=floor)
        self.linear = nn.Linear(patch_dim, emb_dim)
        # Half as large, per unit of log contrast, as what the linear layer makes of a window.
        self.contrast = None if floor is None else nn.Parameter(0.3 * torch.randn(emb_dim))

    def windows(self, video: Tensor) -> Tensor:
        """All windows as (b, t', h', w', c pt ps ps), the channel slowest in the last axis."""
        (pt, ps), (st, ss) = self.patch, self.stride
        views = video.unfold(2, pt, st).unfold(3, ps, ss).unfold(4, ps, ss)
        return views.permute(0, 2, 3, 4, 1, 5, 6, 7).flatten(4)

    def forward(self, video: Tensor) -> Tensor:
        """Tokens (b, t', p, d) of a movie (b, c, t, h, w), p row-major over the frame."""
        windows = self.windows(video)
        tokens: Tensor = self.linear(self.norm(windows))
        if self.contrast is not None:
            tokens = tokens + self.contrast * _log_contrast(self.norm, windows)
        return tokens.flatten(2, 3)


def _log_contrast(norm: nn.Module, windows: Tensor) -> Tensor:
    """(..., 1): log of what the norm divides windows (..., k) by."""
    assert isinstance(norm, nn.LayerNorm | nn.RMSNorm)
    assert norm.eps is not None
    centred = isinstance(norm, nn.LayerNorm)
    strength = windows.var(-1, correction=0) if centred else windows.square().mean(-1)
    return (strength + norm.eps).log()[..., None] / 2


class UnfoldConv3d(Unfold3d):
    """`Unfold3d` that cuts the windows with a grouped convolution (`--core_patch_mode 1`).

    Its one-hot kernel is a buffer, which published checkpoints hold.
    """

    weight: Tensor

    def __init__(self, *, channels: int, **options: Unpack[UnfoldOptions]) -> None:
        super().__init__(channels=channels, **options)
        pt, ps = self.patch
        size = pt * ps * ps
        one_hot = torch.eye(size).view(size, 1, pt, ps, ps)
        self.register_buffer("weight", one_hot.repeat(channels, 1, 1, 1, 1))

    def windows(self, video: Tensor) -> Tensor:
        """All windows as (b, t', h', w', c pt ps ps), the channel slowest in the last axis."""
        (st, ss), groups = self.stride, video.shape[1]
        cut = F.conv3d(video, self.weight, stride=(st, ss, ss), groups=groups)
        return cut.permute(0, 2, 3, 4, 1)
