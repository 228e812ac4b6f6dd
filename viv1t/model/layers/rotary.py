"""Rotary positions with a decay as in xPos, where queries and keys share the same scale."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

SCALE_BASE = 512


class Rotation(NamedTuple):
    """Cosine and sine of each position, times its scale: (n, head_dim / 2) each."""

    cos: Tensor
    sin: Tensor


def rotary_constants(head_dim: int) -> tuple[Tensor, Tensor]:
    """Angle per position and base of the scale for each pair of entries, (d / 2,) each.

    Su et al. 2021 (rotation), Sun et al. 2022 (scale).
    """
    index = torch.arange(0, head_dim, 2, dtype=torch.float32)
    return 1.0 / (10000.0 ** (index / head_dim)), (index + 0.4 * head_dim) / (1.4 * head_dim)


class RotaryPositionEmbedding(nn.Module):
    """The constants of one block, kept because published checkpoints hold them.

    Args:
        head_dim: d, even.
    """

    inv_freq: Tensor
    scale: Tensor

    def __init__(self, head_dim: int) -> None:
        super().__init__()
        inv_freq, scale = rotary_constants(head_dim)
        self.register_buffer("inv_freq", inv_freq)
        self.register_buffer("scale", scale)


class RotaryTables(nn.Module):
    """The rotations of all positions of a transformer, shared by its blocks.

    The exponent of the scale counts from `centre` = floor(n0 / 2), where n0 is the length given
    here; a longer sequence extends the table. The published code rebuilt it for the longer
    length n, with its centre at floor(n / 2), for good: later answers for shorter sequences
    changed. That is `as_published`.

    Args:
        length: n0, positions at construction.
        head_dim: d, even.
        as_published: rebuild for longer sequences, and stay rebuilt.
    """

    cos: Tensor
    sin: Tensor

    def __init__(self, length: int, head_dim: int, *, as_published: bool = False) -> None:
        super().__init__()
        self.head_dim = head_dim
        self.as_published = as_published
        self.centre = length // 2
        tables = self.build(length)
        self.register_buffer("cos", tables.cos, persistent=False)
        self.register_buffer("sin", tables.sin, persistent=False)

    def angles_and_scale(self, length: int) -> tuple[Tensor, Tensor]:
        """Angle in radians and scale of each position, (n, d / 2) each, on the CPU."""
        inv_freq, scale = rotary_constants(self.head_dim)
        positions = torch.arange(length, dtype=torch.float32)[:, None]
        power = (positions - self.centre) / SCALE_BASE
        return positions * inv_freq, scale**power

    def build(self, length: int) -> Rotation:
        """Tables for positions 0 to `length` - 1, on the CPU."""
        angles, scale = self.angles_and_scale(length)
        return Rotation(angles.cos() * scale, angles.sin() * scale)

    def forward(self, length: int, *, num_fixed: int) -> Rotation:
        """The rotations of `length` positions, then of `num_fixed` tokens that do not turn.

        Args:
            length: number of tokens that have a position.
            num_fixed: register tokens at the end of the sequence.
        """
        cos, sin = self.cos, self.sin
        if length > len(cos):
            if self.as_published:
                self.centre = length // 2
            tables = self.build(length)
            cos, sin = tables.cos.to(cos), tables.sin.to(sin)
            if self.as_published:
                self.cos, self.sin = cos, sin
        cos, sin = cos[:length], sin[:length]
        if num_fixed:
            still = cos.new_ones((num_fixed, cos.shape[1]))
            cos, sin = torch.cat((cos, still)), torch.cat((sin, torch.zeros_like(still)))
        return Rotation(cos, sin)


def rotate(heads: Tensor, rotation: Rotation) -> Tensor:
    """Queries or keys (..., n, d) turned: entry i pairs with entry i + d / 2."""
    first, second = heads.chunk(2, dim=-1)
    cos, sin = rotation
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)
