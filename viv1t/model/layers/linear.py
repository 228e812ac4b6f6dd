"""Linear layers by oneDNN, whose float32 products are up to three times MKL's on AMD processors.

PyTorch has them as private operations that know no gradients: both are given here. Whatever they
do not cover (other devices and types, autocast, torch.compile) goes through `F.linear`.
"""

from functools import cache
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class Context(Protocol):
    """What a `torch.autograd.Function` keeps for its backward pass."""

    saved_tensors: tuple[Tensor, ...]
    needs_input_grad: tuple[bool, ...]

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors."""


def product(
    rows: Tensor, columns: Tensor, *, is_relu: bool = False, plus: Tensor | None = None
) -> Tensor:
    """The product rows columns^T (m, n) by oneDNN, without gradient; see `is_covered`.

    Args:
        rows: (m, k).
        columns: (n, k), contiguous or the transpose of what is; of anything else (a slice of
            wider rows) oneDNN takes 1000 times as long.
        is_relu: set what is negative to zero.
        plus: (m, n), added instead.
    """
    if plus is not None:
        return torch.ops.mkldnn._linear_pointwise.binary(rows, plus, columns, None, "add")
    epilogue = "relu" if is_relu else "none"
    return torch.ops.mkldnn._linear_pointwise(rows, columns, None, epilogue, [], "")


def gradient_of_weight(gradient: Tensor, inputs: Tensor) -> Tensor:
    """gradient^T inputs (n, k): of a weight, from gradients (m, n) and inputs (m, k).

    Both contiguous. oneDNN is fastest where the result is wider than tall.
    """
    if gradient.shape[1] > inputs.shape[1]:
        return product(inputs.t(), gradient.t()).t()
    return product(gradient.t(), inputs.t())


@cache
def has_one_dnn() -> bool:
    """Whether this PyTorch has the operation, tried on a small product."""
    if not torch.backends.mkldnn.is_available():
        return False
    rows = torch.arange(24.0).view(4, 6)
    try:
        found = product(rows, rows[:3])
        transposed = product(rows.t(), rows.t())
    except (AttributeError, RuntimeError):
        return False
    return torch.allclose(found, rows @ rows[:3].t()) and torch.allclose(
        transposed, rows.t() @ rows
    )


def is_covered(*tensors: Tensor) -> bool:
    """Whether oneDNN can multiply these: on the CPU, in float32, no autocast, not compiling."""
    return (
        not torch.compiler.is_compiling()
        and all(x.device.type == "cpu" and x.dtype == torch.float32 for x in tensors)
        and all(x.numel() > 0 for x in tensors)
        and not torch.is_autocast_enabled("cpu")
        and bool(torch.backends.mkldnn.enabled)
        and has_one_dnn()
    )


class _Linear(torch.autograd.Function):
    """Rows (m, k) times a weight (n, k)."""

    @staticmethod
    def forward(ctx: Context, rows: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(rows, weight)
        return product(rows, weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        rows, weight = ctx.saved_tensors
        gradient = gradient.contiguous()
        of_rows = product(gradient, weight.t()) if ctx.needs_input_grad[0] else None
        of_weight = gradient_of_weight(gradient, rows) if ctx.needs_input_grad[1] else None
        return of_rows, of_weight


def fast_linear(inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`F.linear`, equal to rounding; second derivatives raise where oneDNN is used.

    Args:
        inputs: (..., k).
        weight: (n, k).
        bias: (n,).

    Returns:
        (..., n)
    """
    if not is_covered(inputs, weight):
        return F.linear(inputs, weight, bias)
    rows = inputs.flatten(0, -2) if inputs.ndim > 1 else inputs[None]
    found: Tensor = _Linear.apply(rows.contiguous(), weight.contiguous())
    if bias is not None:
        found = found + bias
    return found.view(*inputs.shape[:-1], len(weight))


class FastLinear(nn.Linear):
    """`nn.Linear` by `fast_linear`."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs (..., out_features) of inputs (..., in_features)."""
        return fast_linear(inputs, self.weight, self.bias)
