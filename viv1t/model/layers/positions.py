"""Sinusoidal position tables that are added to tokens."""

import math
from typing import Literal

import torch
from torch import Tensor, nn


def sinusoidal_table(length: int, dim: int) -> Tensor:
    """(length, dim): sines at even, cosines at odd entries, w_k = 10000^(-2k / dim).

    Vaswani et al. 2017, section 3.5.
    """
    rates = torch.exp(-torch.arange(0, dim, 2) * (math.log(10000.0) / dim))
    angles = torch.arange(length)[:, None] * rates
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)


def sincos_2d_table(height: int, width: int, dim: int) -> Tensor:
    """(h w, dim): the first half of the last axis encodes the column, the second the row.

    Each half holds dim / 4 sines, then dim / 4 cosines, of rates 10000^(-4k / dim).
    """
    rates = 10000.0 ** (-torch.arange(dim // 4) / (dim / 4))
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    angles = [axis.flatten()[:, None] * rates for axis in (columns, rows)]
    return torch.cat([part for a in angles for part in (a.sin(), a.cos())], dim=1)


class SinusoidalPositions(nn.Module):
    """Adds a fixed sinusoidal table along one axis of the tokens, then drops elements.

    Args:
        length: longest sequence.
        dim: d, length of a token, even.
        axis: "temporal" (axis t) or "spatial" (axis p).
        dropout: probability that an element is zeroed in training.
    """

    pos_encoding: Tensor

    def __init__(
        self, *, length: int, dim: int, axis: Literal["temporal", "spatial"], dropout: float
    ) -> None:
        super().__init__()
        table = sinusoidal_table(length, dim)
        shape = (1, length, 1, dim) if axis == "temporal" else (1, 1, length, dim)
        self.register_buffer("pos_encoding", table.view(shape))
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (b, t, p, d) with their positions."""
        return self.dropout(tokens + self.pos_encoding[:, : tokens.shape[1], : tokens.shape[2]])
