"""The patch embedding without the patches: norm and linear layer folded into convolutions.

The plain embedding (`patches.Unfold3d`) copies each pixel into every window that holds it, then
normalises and projects. Here the projection is a convolution over the frame, with the frames of a
window as its channels. Subtracting the mean of a window is linear, so it is done once, to the
kernel; the variance is a box average. A dynamic tanh is taken of each pixel once. Behaviour is
constant over space, so its share needs no image at all: only which part of a window lies inside
the frame. Equal to the plain path up to float rounding.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from viv1t.model.layers.norms import DynamicTanh
from viv1t.model.layers.patches import Unfold3d, num_windows


def can_fold(embedding: Unfold3d) -> bool:
    """Whether `embed_folded` can stand in: a norm that it knows, windows in space."""
    is_known = isinstance(embedding.norm, nn.LayerNorm | nn.RMSNorm | DynamicTanh)
    return type(embedding) is Unfold3d and is_known and embedding.patch[1] > 1


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
    (pt, ps), (st, _) = embedding.patch, embedding.stride
    if isinstance(embedding.norm, DynamicTanh):  # zero in the margin stays zero
        video, signals = (torch.tanh(embedding.norm.alpha * x) for x in (video, signals))
    weight, bias = _folded_weights(embedding)
    kernel = weight.view(len(weight), -1, pt, ps, ps)
    padded = F.pad(video, padding)
    inside = F.pad(video.new_ones(1, 1, *video.shape[-2:]), padding[:4])
    windows = F.pad(signals, padding[4:]).unfold(2, pt, st).transpose(1, 2)  # (b, t', k, pt)
    if signals.shape[1] == 0 and isinstance(embedding.norm, nn.LayerNorm):
        tokens = _project_steps(embedding, padded, kernel)
    else:
        of_pixels, of_signals = kernel.split((video.shape[1], signals.shape[1]), dim=1)
        tokens = _project_pixels(embedding, padded, of_pixels)
        if signals.shape[1]:
            tokens = _add_signals(embedding, tokens, windows, of_signals, inside)
    if isinstance(embedding.norm, DynamicTanh):
        return tokens.unflatten(0, windows.shape[:2]) + bias
    scale = _window_scale(embedding, padded, windows, inside)
    tokens = torch.addcmul(bias, tokens.unflatten(0, scale.shape[:2]), scale)
    return tokens if embedding.contrast is None else tokens - embedding.contrast * scale.log()


def _folded_weights(embedding: Unfold3d) -> tuple[Tensor, Tensor]:
    """Linear layer with all of the norm but its scale inside: (d, c pt ps ps) and (d,)."""
    linear, norm = embedding.linear, embedding.norm
    assert isinstance(norm, nn.LayerNorm | nn.RMSNorm | DynamicTanh)
    weight = linear.weight * norm.weight
    if isinstance(norm, nn.RMSNorm):
        return weight, linear.bias
    if isinstance(norm, nn.LayerNorm):
        weight = weight - weight.mean(1, keepdim=True)
    return weight, linear.weight @ norm.bias + linear.bias


def _frames(embedding: Unfold3d, video: Tensor) -> Tensor:
    """The frames of each window as channels, (b t', c pt, h, w), in memory channels last."""
    windows = video.unfold(2, embedding.patch[0], embedding.stride[0])  # (b, c, t', h, w, pt)
    windows = windows.permute(0, 2, 3, 4, 1, 5).flatten(4).flatten(0, 1)
    return windows.contiguous().permute(0, 3, 1, 2)


def _convolve(frames: Tensor, kernel: Tensor, stride: tuple[int, int]) -> Tensor:
    """Convolution of (f, n, h, w) as tokens (f, p, d)."""
    kernel = kernel.contiguous(memory_format=torch.channels_last)
    return F.conv2d(frames, kernel, stride=stride).permute(0, 2, 3, 1).flatten(1, 2)


def _project_pixels(embedding: Unfold3d, padded: Tensor, kernel: Tensor) -> Tensor:
    """Tokens before scaling, (b t', p, d), of a movie (b, c, t, h, w)."""
    stride = embedding.stride[1]
    return _convolve(_frames(embedding, padded), kernel.flatten(1, 2), (stride, stride))


def _project_steps(embedding: Unfold3d, padded: Tensor, kernel: Tensor) -> Tensor:
    """The same from the steps between neighbouring pixels, for a kernel that sums to zero.

    In a window without contrast, such as a grey screen, all steps are exactly zero. Its pixels
    would give rounding errors, which its scale (one over the standard deviation) makes large.
    Summation by parts: a pixel is the first one of its row plus the steps along the row, that one
    is the first of its frame plus the steps down, and so on until the first pixel of the window.
    """
    stride = embedding.stride[1]
    along = _frames(embedding, padded.diff(dim=-1))
    tokens = _convolve(along, _sums_from(kernel.flatten(1, 2)), (stride, stride))
    rows = kernel.flatten(1, 2).sum(-1)
    down = _frames(embedding, padded.diff(dim=-2)[..., ::stride])
    height, width = (
        num_windows(size, patch=embedding.patch[1], stride=stride) for size in padded.shape[-2:]
    )
    tokens = tokens + _convolve(down[..., :width], _sums_from(rows)[..., None], (stride, 1))
    firsts = _frames(embedding, padded[..., ::stride, ::stride])[..., :height, :width]
    steps = firsts.diff(dim=1).permute(0, 2, 3, 1).flatten(1, 2)
    return tokens + F.linear(steps, _sums_from(rows.sum(-1)))


def _sums_from(kernel: Tensor) -> Tensor:
    """Sums of the last axis from each entry but the first to the end."""
    return kernel.flip(-1).cumsum(-1).flip(-1)[..., 1:]


def _add_signals(
    embedding: Unfold3d, tokens: Tensor, windows: Tensor, kernel: Tensor, inside: Tensor
) -> Tensor:
    """Tokens before scaling (b t', p, d) plus the share of the signals.

    Windows that lie alike in the margin share one kernel, its sum over what is inside the frame.

    Args:
        embedding: see `embed_folded`.
        tokens: (b t', p, d).
        windows: (b, t', k, pt).
        kernel: (d, k, pt, ps, ps).
        inside: (1, 1, h, w) of the padded frame, one where the movie is.
    """
    _, patch = embedding.patch
    _, stride = embedding.stride
    kinds, kind_of = [], []
    for axis in (2, 3):
        covered = inside.amax(5 - axis).flatten().unfold(0, patch, stride)
        unique, index = covered.unique(dim=0, return_inverse=True)
        kinds.append(unique)
        kind_of.append(F.one_hot(index, len(unique)).to(tokens.dtype))
    summed = torch.einsum("dktyx,iy,jx->ktijd", kernel, *kinds).flatten(2, 3).flatten(0, 1)
    shares = windows.flatten(2).flatten(0, 1) @ summed.flatten(1)  # (b t', kinds d)
    shares = shares.unflatten(1, summed.shape[1:])
    return torch.baddbmm(tokens, torch.kron(*kind_of).expand(len(tokens), -1, -1), shares)


def _window_scale(embedding: Unfold3d, padded: Tensor, windows: Tensor, inside: Tensor) -> Tensor:
    """What the norm multiplies each window with, (b, t', p, 1).

    In float64, as single precision would lose the variance of bright, flat windows.
    """
    norm, (pt, ps), (st, ss) = embedding.norm, embedding.patch, embedding.stride
    assert isinstance(norm, nn.LayerNorm | nn.RMSNorm)
    pixels = padded.double()
    sums = torch.stack((pixels.sum(1), pixels.square().sum(1)), dim=1)  # (b, 2, t, h, w)
    for patch, stride in (((1, ps, ps), (1, ss, ss)), ((pt, 1, 1), (st, 1, 1))):
        sums = F.avg_pool3d(sums, patch, stride)
    covered = F.avg_pool2d(inside.double(), ps, ss).flatten()  # share of a window in the frame
    values = windows.double()
    signal_sums = torch.stack((values.sum(2), values.square().sum(2)), dim=1).mean(-1)
    sums = sums.flatten(3) + signal_sums[..., None] * covered  # (b, 2, t', p)
    mean, square = (sums / (padded.shape[1] + windows.shape[2])).unbind(1)
    if isinstance(norm, nn.LayerNorm):
        variance, eps = square - mean.square(), norm.eps
    else:
        variance, eps = square, torch.finfo(padded.dtype).eps if norm.eps is None else norm.eps
    return (variance + eps).rsqrt().to(padded.dtype)[..., None]
