"""Rotary positions with a decay as in xPos, where queries and keys share the same scale."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

SCALE_BASE = 512


class Rotation(NamedTuple):
    """Factors for queries and keys (..., n, heads d), see `rotate`: (n, heads d) each.

    Attributes:
        cos: cosine of each position and entry, times its scale.
        sin: sine, times its scale, negative for the first half of each head.
    """

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
        num_heads: attention heads.
        as_published: rebuild for longer sequences, and stay rebuilt.
    """

    cos: Tensor
    sin: Tensor

    def __init__(
        self, length: int, *, head_dim: int, num_heads: int, as_published: bool = False
    ) -> None:
        super().__init__()
        self.head_dim = head_dim
        self.num_heads = num_heads
        self.as_published = as_published
        self.centre = length // 2
        cos, sin = self.build(length)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def angles_and_scale(self, length: int) -> tuple[Tensor, Tensor]:
        """Angle in radians and scale of each position, (n, d / 2) each, on the CPU."""
        inv_freq, scale = rotary_constants(self.head_dim)
        positions = torch.arange(length, dtype=torch.float32)[:, None]
        power = (positions - self.centre) / SCALE_BASE
        return positions * inv_freq, scale**power

    def build(self, length: int) -> tuple[Tensor, Tensor]:
        """Cosine and sine, times scale, of positions 0 to n - 1, (n, d / 2) each, on the CPU."""
        angles, scale = self.angles_and_scale(length)
        return angles.cos() * scale, angles.sin() * scale

    def forward(self, length: int, *, num_fixed: int) -> Rotation:
        """The rotations of `length` positions, then of `num_fixed` tokens that do not turn.

        Args:
            length: number of tokens that have a position.
            num_fixed: register tokens at the end of the sequence.
        """
        cos, sin = self._halves(length, num_fixed)
        heads = (1, self.num_heads)
        return Rotation(
            torch.cat((cos, cos), dim=1).repeat(heads), torch.cat((-sin, sin), dim=1).repeat(heads)
        )

    def turns(self, length: int, *, num_fixed: int) -> Tensor:
        """The same as complex factors of queries and keys, (n, heads d), see `turn_`."""
        cos, sin = self._halves(length, num_fixed)
        return torch.complex(cos, sin).repeat(1, 2 * self.num_heads)

    def _halves(self, length: int, num_fixed: int) -> tuple[Tensor, Tensor]:
        cos, sin = self.cos, self.sin
        if length > len(cos):
            if self.as_published:
                self.centre = length // 2
            cos, sin = (table.to(self.cos) for table in self.build(length))
            if self.as_published:
                self.cos, self.sin = cos, sin
        cos, sin = cos[:length], sin[:length]
        if num_fixed:
            still = cos.new_ones((num_fixed, cos.shape[1]))
            cos, sin = torch.cat((cos, still)), torch.cat((sin, torch.zeros_like(still)))
        return cos, sin


def rotate(tokens: Tensor, rotation: Rotation, *, head_dim: int) -> Tensor:
    """Queries or keys (..., n, heads d) turned: entry i of a head pairs with entry i + d / 2.

    All heads at once, so that the innermost loop is long.

    Args:
        tokens: queries or keys, (..., n, heads d).
        rotation: of each of the n tokens.
        head_dim: d.
    """
    swapped = tokens.unflatten(-1, (-1, 2, head_dim // 2)).flip(-2).flatten(-3)
    return torch.addcmul(tokens * rotation.cos, swapped, rotation.sin)


def paired(num_heads: int, head_dim: int) -> Tensor:
    """Order of the heads d entries that puts those which turn together side by side.

    Attention does not see it if queries and keys are both in this order.
    """
    order = torch.arange(num_heads * head_dim).view(num_heads, 2, head_dim // 2)
    return order.transpose(1, 2).flatten()


def turn_(projected: Tensor, turns: Tensor) -> None:
    """`rotate` in place, by one product: queries and keys in the order of `paired`.

    Args:
        projected: queries, keys and values (..., n, 3 heads d).
        turns: see `RotaryTables.turns`; their conjugate turns back.
    """
    both = projected[..., : 2 * turns.shape[-1]]
    torch.view_as_complex(both.unflatten(-1, (-1, 2))).mul_(turns)
