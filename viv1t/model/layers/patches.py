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
        norm_eps: see `build_norm`.
    """

    patch: tuple[int, int]
    stride: tuple[int, int]
    emb_dim: int
    norm: NormName
    norm_eps: NotRequired[float | None]


class Unfold3d(nn.Module):
    """Embeds each space-time window by norm and linear layer.

    Args:
        channels: of the movie.
        options: see `UnfoldOptions`.
    """

    def __init__(self, *, channels: int, **options: Unpack[UnfoldOptions]) -> None:
        super().__init__()
        self.patch, self.stride = options["patch"], options["stride"]
        patch_dim = channels * self.patch[0] * self.patch[1] ** 2
        self.norm = build_norm(options["norm"], patch_dim, eps=options.get("norm_eps"))
        self.linear = nn.Linear(patch_dim, options["emb_dim"])

    def windows(self, video: Tensor) -> Tensor:
        """All windows as (b, t', h', w', c pt ps ps), the channel slowest in the last axis."""
        (pt, ps), (st, ss) = self.patch, self.stride
        views = video.unfold(2, pt, st).unfold(3, ps, ss).unfold(4, ps, ss)
        return views.permute(0, 2, 3, 4, 1, 5, 6, 7).flatten(4)

    def forward(self, video: Tensor) -> Tensor:
        """Tokens (b, t', p, d) of a movie (b, c, t, h, w), p row-major over the frame."""
        return self.linear(self.norm(self.windows(video))).flatten(2, 3)


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
