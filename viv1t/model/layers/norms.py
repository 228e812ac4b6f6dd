"""Normalisation layers by name."""

from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NormName: TypeAlias = Literal["layernorm", "rmsnorm", "dyt"]


class DynamicTanh(nn.Module):
    """tanh(alpha x) weight + bias, in place of a norm (Zhu et al. 2025)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.full((1,), 0.5))
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, inputs: Tensor) -> Tensor:
        """The squashed inputs, of the same shape (..., dim)."""
        return apply_norm("dyt", inputs, (self.alpha, self.weight, self.bias))


def build_norm(name: NormName, dim: int, *, eps: float | None = None) -> nn.Module:
    """A norm over a last axis of `dim` entries.

    Args:
        name: which norm.
        dim: entries.
        eps: added to the variance or mean square; None: that of PyTorch. A dynamic tanh has none.
    """
    match name:
        case "layernorm":
            return nn.LayerNorm(dim) if eps is None else nn.LayerNorm(dim, eps=eps)
        case "rmsnorm":
            return nn.RMSNorm(dim, eps=eps)
        case "dyt":
            return DynamicTanh(dim)


def apply_norm(name: NormName, inputs: Tensor, weights: tuple[Tensor, ...]) -> Tensor:
    """What `build_norm(name, dim)` gives with these weights, in the order of its parameters.

    Args:
        name: which norm.
        inputs: (..., dim).
        weights: its parameters.
    """
    match name:
        case "layernorm":
            weight, bias = weights
            return F.layer_norm(inputs, inputs.shape[-1:], weight, bias)
        case "rmsnorm":
            return F.rms_norm(inputs, inputs.shape[-1:], weights[0])
        case "dyt":
            alpha, weight, bias = weights
            return torch.tanh(alpha * inputs) * weight + bias
