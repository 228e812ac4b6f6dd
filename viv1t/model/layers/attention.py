"""Dot-product attention: the fused kernel, the same step by step, and the same by oneDNN."""

from collections.abc import Iterator
from itertools import product as pairs

import torch
import torch.nn.functional as F
from torch import Tensor

from viv1t.model.layers.linear import product

# oneDNN head by head beats the fused kernel from about 200 tokens of 80 entries.
MIN_WORK = 2**21
# Logits computed together: 2 MiB stay in the processor's cache.
MAX_LOGITS = 2**19


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


def attend(query: Tensor, key: Tensor, value: Tensor, *, is_causal: bool) -> tuple[Tensor, Tensor]:
    """Attention output (b, n, heads, d), without gradient, and what `attend_backward` needs of it.

    For tensors that `linear.is_covered`. The fused kernel multiplies by MKL; oneDNN's faster
    products outweigh the steps between them where sequences are long.

    Args:
        query: (b, heads, n, d).
        key: (b, heads, n, d).
        value: (b, heads, n, d).
        is_causal: mask what comes later in the sequence.
    """
    if not _is_long(query):
        found, logsumexp = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
            query, key, value, 0.0, is_causal
        )
        return found.transpose(1, 2), logsumexp
    num_batch, num_heads, length, head_dim = query.shape
    found = query.new_empty((num_batch, length, num_heads, head_dim))
    for index in pairs(range(num_batch), range(num_heads)):
        rows, keys, columns = query[index] * head_dim**-0.5, key[index], value[index].contiguous()
        for part, seen, weights in _weights(rows, keys.contiguous(), is_causal=is_causal):
            found[index[0], part, index[1]] = product(weights, columns[seen].t())
    return found, found.new_empty(0)


def attend_backward(
    gradient: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    found: Tensor,
    logsumexp: Tensor,
    is_causal: bool,
) -> Tensor:
    """Gradients of queries, keys and values, side by side: (b, n, 3, heads, d).

    Args:
        gradient: of the output, (b, n, heads, d).
        query: (b, heads, n, d).
        key: (b, heads, n, d).
        value: (b, heads, n, d).
        found: the output; may be anything where the gradient is zero.
        logsumexp: the second thing that `attend` gave.
        is_causal: mask what comes later in the sequence.
    """
    if not _is_long(query):
        of_heads = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward(
            gradient.transpose(1, 2),
            query,
            key,
            value,
            found.transpose(1, 2),
            logsumexp,
            0.0,
            is_causal,
        )
        return torch.stack([x.transpose(1, 2) for x in of_heads], dim=2)
    num_batch, num_heads, length, head_dim = query.shape
    gradients = query.new_zeros((num_batch, length, 3, num_heads, head_dim))
    for index in pairs(range(num_batch), range(num_heads)):
        rows, keys = query[index] * head_dim**-0.5, key[index].contiguous()
        columns, slope = value[index].contiguous(), gradient[index[0], :, index[1]].contiguous()
        for part, seen, weights in _weights(rows, keys, is_causal=is_causal):
            of_weights = product(slope[part], columns[seen])
            of_logits = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype)
            of_query, of_key, of_value = gradients[index[0], :, :, index[1]].unbind(1)
            of_query[part] = product(of_logits, keys[seen].t()).mul_(head_dim**-0.5)
            of_key[seen] += product(rows[part].t(), of_logits.t()).t()
            of_value[seen] += product(slope[part].t(), weights.t()).t()
    return gradients


def _is_long(query: Tensor) -> bool:
    return query.shape[2] ** 2 * query.shape[3] >= MIN_WORK


def _weights(
    rows: Tensor, keys: Tensor, *, is_causal: bool
) -> Iterator[tuple[slice, slice, Tensor]]:
    """Some queries, the keys that they see, and the weights of these, one block after another."""
    length = len(rows)
    step = min(length, max(MAX_LOGITS // length, 1))
    later = rows.new_full((step, step), float("-inf")).triu(1) if is_causal else None
    for start in range(0, length, step):
        part = slice(start, min(start + step, length))
        seen = slice(0, part.stop if is_causal else length)
        logits = product(rows[part], keys[seen])
        if later is not None:
            size = part.stop - start
            logits[:, start:] += later[:size, :size]
        yield part, seen, torch.softmax(logits, dim=-1, out=logits)
