"""The compiled attention with gradients."""

from typing import Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from viv1t.model.kernels import attention as compiled
from viv1t.model.layers.linear import Context


class _Call(Context, Protocol):
    is_causal: bool


class _Attend(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: _Call,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        seen_keys: Tensor | None,
        seen_values: Tensor | None,
        is_causal: bool,
    ) -> Tensor:
        seen = None
        if seen_keys is not None and seen_values is not None:
            seen = (seen_keys, seen_values)
        found, logsumexp = compiled.attend(query, key, value, is_causal=is_causal, seen=seen)
        ctx.is_causal = is_causal
        ctx.save_for_backward(query, key, value, seen_keys, seen_values, found, logsumexp)
        return found.transpose(1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: _Call, gradient: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, seen_keys, seen_values, found, logsumexp = ctx.saved_tensors
        gradients = compiled.attend_backward(
            gradient.transpose(1, 2),
            *(query, key, value),
            found=found,
            logsumexp=logsumexp,
            is_causal=ctx.is_causal,
            seen=None if seen_keys is None else (seen_keys, seen_values),
        )
        return *(part.transpose(1, 2) for part in gradients.unbind(2)), None, None, None


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    is_causal: bool,
    seen: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Attention output (b, heads, n, d); gradients reach queries, own keys and own values.

    For tensors that the kernel covers (`attention.covers`).

    Args:
        query: (b, heads, n, d), already scaled by d^-0.5.
        key: (b, heads, n, d).
        value: (b, heads, n, d).
        is_causal: a query sees no later key.
        seen: keys and values (b, heads, m, d) before them; no gradient.
    """
    found: Tensor = _Attend.apply(query, key, value, *(seen or (None, None)), is_causal)
    return found
