"""The patch embedding without the patches: norm and linear layer folded into convolutions.

The plain embedding (`patches.Unfold3d`) copies each pixel into every window that holds it, then
normalises and projects. Here the projection is a convolution, and mean and variance of a window
are box averages. Behaviour is constant over space, so its share needs no image at all: only which
part of a window lies inside the frame. Equal to the plain path up to float rounding.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from viv1t.model.layers.patches import Unfold3d


def can_fold(embedding: Unfold3d) -> bool:
    """Whether the norm of `embedding` is linear but for mean and variance of the window."""
    return type(embedding) is Unfold3d and isinstance(embedding.norm, nn.LayerNorm | nn.RMSNorm)


def embed_folded(
    embedding: Unfold3d, video: Tensor, signals: Tensor, *, padding: tuple[int, ...]
) -> Tensor:
    """Tokens (b, t', p, d), as `embedding` gives for the padded movie with signals as channels.

    Args:
        embedding: norm and linear layer over windows; `can_fold` must hold.
        video: (b, c, t, h, w).
        signals: (b, k, t), constant over the frame; zero in the margin like the movie.
        padding: (left, right, top, bottom, front, back) zeros around the movie.
    """
    (pt, ps), (st, ss) = embedding.patch, embedding.stride
    norm = embedding.norm
    assert isinstance(norm, nn.LayerNorm | nn.RMSNorm)
    weight, bias = _folded_weights(embedding.linear, norm)
    num_channels = video.shape[1]
    kernel = weight.view(len(weight), -1, pt, ps, ps)
    padded = F.pad(video, padding)
    inside = F.pad(video.new_ones(1, 1, *video.shape[-2:]), padding[:4])
    windows = F.pad(signals, padding[4:]).unfold(2, pt, st)  # (b, k, t', pt)
    tokens = F.conv3d(padded, kernel[:, :num_channels], stride=(st, ss, ss)).flatten(3)
    if signals.shape[1]:
        tokens = tokens + _signal_share(kernel[:, num_channels:], inside, windows, stride=ss)
    mean, square = _window_moments(embedding, padded, inside, windows)
    if isinstance(norm, nn.LayerNorm):
        scale = (square - mean.square() + norm.eps).rsqrt().to(tokens.dtype)
        tokens = tokens - mean.to(tokens.dtype) * weight.sum(1).view(1, -1, 1, 1)
    else:
        eps = torch.finfo(video.dtype).eps if norm.eps is None else norm.eps
        scale = (square + eps).rsqrt().to(tokens.dtype)
    return (tokens * scale).permute(0, 2, 3, 1) + bias


def _folded_weights(linear: nn.Linear, norm: nn.LayerNorm | nn.RMSNorm) -> tuple[Tensor, Tensor]:
    """The linear layer with the gain and bias of the norm inside: (d, c pt ps ps) and (d,)."""
    weight = linear.weight * norm.weight
    if isinstance(norm, nn.LayerNorm):
        return weight, linear.weight @ norm.bias + linear.bias
    return weight, linear.bias


def _signal_share(kernel: Tensor, inside: Tensor, windows: Tensor, *, stride: int) -> Tensor:
    """What signals (b, k, t', pt) add to the tokens before scaling, (b, d, t', p).

    Args:
        kernel: (d, k, pt, ps, ps).
        inside: (1, 1, h, w) of the padded frame, one where the movie is.
        windows: (b, k, t', pt).
        stride: pixels between windows.
    """
    dim, num_signals, pt, ps, _ = kernel.shape
    spatial = F.conv2d(inside, kernel.reshape(-1, 1, ps, ps), stride=stride)
    spatial = spatial.view(dim, num_signals, pt, -1)
    return torch.einsum("bkts,dksp->bdtp", windows, spatial)


def _window_moments(
    embedding: Unfold3d, padded: Tensor, inside: Tensor, windows: Tensor
) -> tuple[Tensor, Tensor]:
    """Mean and mean square of all entries of each window, both (b, 1, t', p), float64.

    Single precision would lose the variance of bright, flat windows to cancellation.
    """
    (pt, ps), (st, ss) = embedding.patch, embedding.stride
    num_channels = padded.shape[1] + windows.shape[1]
    sums = torch.stack((padded.sum(1), padded.square().sum(1)), dim=1).double()
    moments = F.avg_pool3d(sums, (pt, ps, ps), (st, ss, ss)).flatten(3)
    covered = F.avg_pool2d(inside.double(), ps, ss).flatten()  # share of a window in the frame
    signal_sums = torch.stack((windows, windows.square()), dim=1).double().sum(2).mean(-1)
    moments = (moments + signal_sums[..., None] * covered) / num_channels
    return moments[:, :1], moments[:, 1:]
