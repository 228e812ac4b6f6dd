"""Dot-product attention: the fused kernel, and the same step by step."""

import torch
import torch.nn.functional as F
from torch import Tensor


def manual_attention(query: Tensor, key: Tensor, value: Tensor, *, is_causal: bool) -> Tensor:
    """softmax(q k^T / sqrt(d)) v, each step a separate operation (`--core_flash_attention 0`).

    Args:
        query: (..., n, d).
        key: (..., n, d).
        value: (..., n, d).
        is_causal: mask what comes later in the sequence.
    """
    logits = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
    if is_causal:
        later = torch.ones(logits.shape[-2:], dtype=torch.bool, device=logits.device).triu(1)
        logits = logits.masked_fill(later, float("-inf"))
    return logits.softmax(dim=-1) @ value


def attention(
    query: Tensor, key: Tensor, value: Tensor, *, is_causal: bool, is_fused: bool
) -> Tensor:
    """Attention output (b, heads, n, d) of queries, keys and values of that shape.

    Args:
        query: (b, heads, n, d).
        key: (b, heads, n, d).
        value: (b, heads, n, d).
        is_causal: mask what comes later in the sequence.
        is_fused: use PyTorch's fused kernel.
    """
    if is_fused:
        return F.scaled_dot_product_attention(query, key, value, is_causal=is_causal)
    return manual_attention(query, key, value, is_causal=is_causal)
