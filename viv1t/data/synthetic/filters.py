"""Linear filters of the synthetic population, and what a drifting grating does to them."""

from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

NUM_TAPS: Final = 24
PEAK_SHIFT: Final = 1.28


def gabor_pairs(
    frame: tuple[int, int],
    *,
    x: np.ndarray,
    y: np.ndarray,
    direction: np.ndarray,
    cpp: np.ndarray,
    sigma: np.ndarray,
    phase: np.ndarray,
) -> np.ndarray:
    """(n, 2, h * w) float32 Gabors without mean, an even and an odd one for each of n places.

    Args:
        frame: (h, w) in pixels.
        x: (n,) centre, column.
        y: (n,) centre, row, downwards.
        direction: (n,) radians; 0 for motion to the left, pi / 2 downwards.
        cpp: (n,) cycles per pixel.
        sigma: (n,) of the round envelope, pixels.
        phase: (n,) radians, of the even Gabor.
    """
    rows, columns = np.mgrid[: frame[0], : frame[1]].astype(np.float32)
    dx = columns.ravel()[None] - x[:, None].astype(np.float32)
    dy = rows.ravel()[None] - y[:, None].astype(np.float32)
    along = np.cos(direction)[:, None] * dx - np.sin(direction)[:, None] * dy
    envelope = np.exp(-(dx**2 + dy**2) / (2 * sigma[:, None] ** 2))
    carrier = 2 * np.pi * cpp[:, None] * along + phase[:, None]
    pair = np.stack([envelope * np.cos(carrier), envelope * np.sin(carrier)], 1)
    share = pair.sum(2, keepdims=True) / envelope.sum(1)[:, None, None]
    return (pair - share * envelope[:, None]).astype(np.float32)


def quadrature_kernels(tf_hz: np.ndarray, *, fps: float) -> np.ndarray:
    """(n, 2, k) temporal kernels (cosine, sine) under (t / tau)² exp(-t / tau), blind to DC.

    tau is a tenth of the period of the carrier, so that all kernels have the same bandwidth in
    octaves. The carrier is slower than the preferred frequency `tf_hz`, because the blindness to
    DC moves the peak.
    """
    carrier = tf_hz[:, None] / PEAK_SHIFT
    seconds = np.arange(NUM_TAPS) / fps
    scaled = seconds * 10 * carrier
    envelope = (scaled**2 * np.exp(-scaled))[:, None]
    angle = 2 * np.pi * carrier * seconds
    pair = envelope * np.stack([np.cos(angle), np.sin(angle)], 1)
    pair -= envelope * pair.sum(2, keepdims=True) / envelope.sum(2, keepdims=True)
    return pair / np.sqrt((pair**2).sum((1, 2), keepdims=True))


def spatial_gain(
    filters: np.ndarray, frame: tuple[int, int], *, direction: np.ndarray, cpp: np.ndarray
) -> np.ndarray:
    """(n, 2) complex amplitudes of filters (n, 2, h * w) under a grating of full contrast.

    The grating is cos(2 pi cpp (cos(dir) x - sin(dir) y) + w t): amplitude 1 around grey.
    """
    rows, columns = np.mgrid[: frame[0], : frame[1]]
    along = np.cos(direction)[:, None] * columns.ravel() - np.sin(direction)[:, None] * rows.ravel()
    wave = np.exp(2j * np.pi * cpp[:, None] * along).astype(np.complex64)
    return (filters * wave[:, None]).sum(2)


def temporal_gain(kernels: np.ndarray, cpf: np.ndarray) -> np.ndarray:
    """(n, 2) complex gains of kernels (n, 2, k) at `cpf` (n,) cycles per frame."""
    frames = np.arange(kernels.shape[2])
    return np.einsum("nfk,nk->nf", kernels, np.exp(-2j * np.pi * cpf[:, None] * frames))


def causal(signal: Tensor, kernels: Tensor) -> Tensor:
    """(b, n * m, t): each of n signals (b, n, t) through its own m causal kernels (n, m, k).

    Before the first frame the signal is 0 (a grey screen).
    """
    n, m, taps = kernels.shape
    weight = kernels.flip(-1).reshape(n * m, 1, taps)
    return F.conv1d(F.pad(signal, (taps - 1, 0)), weight, groups=n)


def delay(signal: Tensor, lag: Tensor) -> Tensor:
    """`signal` (b, n, t), each neuron `lag` (n,) frames later; 0 before."""
    source = torch.arange(signal.shape[2], device=signal.device) - lag[:, None]
    shifted = torch.gather(signal, 2, source.clamp(min=0).expand(len(signal), -1, -1))
    return shifted * (source >= 0)


def gaze_shift(video: Tensor, shift: Tensor) -> Tensor:
    """`video` (b, 1, t, h, w) as seen after the eye moved by `shift` (b, 2, t) pixels (x, y).

    Position p of the result shows what is at p + shift; the border is continued.
    """
    b, c, t, h, w = video.shape
    theta = torch.zeros(b * t, 2, 3, dtype=video.dtype, device=video.device)
    theta[:, 0, 0] = theta[:, 1, 1] = 1
    size = torch.tensor([w - 1, h - 1], dtype=video.dtype, device=video.device)
    theta[:, :, 2] = shift.transpose(1, 2).reshape(b * t, 2) * 2 / size
    frames = video.transpose(1, 2).reshape(b * t, c, h, w)
    grid = F.affine_grid(theta, [b * t, c, h, w], align_corners=True)
    moved = F.grid_sample(frames, grid, padding_mode="border", align_corners=True)
    return moved.reshape(b, t, c, h, w).transpose(1, 2)
