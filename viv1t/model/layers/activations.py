"""Activations by name, and the output non-linearities of a model."""

from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ActivationName: TypeAlias = Literal["none", "tanh", "elu", "relu", "gelu", "silu"]
FeedForwardName: TypeAlias = Literal["none", "tanh", "elu", "relu", "gelu", "silu", "swiglu"]


class SwiGLU(nn.Module):
    """The first half of the last axis times SiLU of the second (Shazeer 2020)."""

    def forward(self, inputs: Tensor) -> Tensor:
        """(..., 2 f) -> (..., f)."""
        values, gates = inputs.chunk(2, dim=-1)
        return F.silu(gates) * values


class ELU1(nn.Module):
    """ELU + 1: positive everywhere, linear above zero."""

    one: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("one", torch.tensor(1.0))

    def forward(self, inputs: Tensor) -> Tensor:
        """Element-wise, any shape."""
        return F.elu(inputs) + self.one


class Exponential(nn.Module):
    """exp(x)."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Element-wise, any shape."""
        return inputs.exp()


class LearnableSoftplus(nn.Module):
    """softplus(beta x) / beta with a learnt beta; linear where beta x reaches the threshold.

    Args:
        as_published: keep the published formula, whose gradient is NaN where exp(beta x)
            overflows (beta x above about 88) although the output there is linear.
    """

    threshold: Tensor

    def __init__(self, *, as_published: bool = False) -> None:
        super().__init__()
        self.as_published = as_published
        self.log_beta = nn.Parameter(torch.zeros(()))
        self.register_buffer("threshold", torch.tensor(20))

    def forward(self, inputs: Tensor) -> Tensor:
        """Element-wise, any shape."""
        beta = self.log_beta.exp()
        scaled = beta * inputs
        is_curved = scaled < self.threshold
        exponent = scaled if self.as_published else torch.where(is_curved, scaled, 0.0)
        return torch.where(is_curved, torch.log1p(exponent.exp()) / beta, inputs)


def build_activation(name: FeedForwardName) -> nn.Module:
    """The activation called `name`; "none" is the identity, "swiglu" halves the last axis."""
    match name:
        case "none":
            return nn.Identity()
        case "tanh":
            return nn.Tanh()
        case "elu":
            return nn.ELU()
        case "relu":
            return nn.ReLU()
        case "gelu":
            return nn.GELU()
        case "silu":
            return nn.SiLU()
        case "swiglu":
            return SwiGLU()


def build_output_activation(mode: int, *, as_published: bool = False) -> nn.Module:
    """The output non-linearity of `--output_mode`: 0 none, 1 ELU + 1, 2 exp, 3 softplus, 4 sigmoid.

    Args:
        mode: 0 to 4.
        as_published: see `LearnableSoftplus`.
    """
    match mode:
        case 0:
            return nn.Identity()
        case 1:
            return ELU1()
        case 2:
            return Exponential()
        case 3:
            return LearnableSoftplus(as_published=as_published)
        case _:
            return nn.Sigmoid()
