"""Dot-product attention: the fused kernel, step by step, by oneDNN, and compiled (`kernels`)."""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from viv1t.model.kernels import attention as compiled
from viv1t.model.layers.linear import product

# oneDNN head by head beats the fused kernel from about 200 tokens of 80 entries.
MIN_WORK = 2**21
# Logits computed together: 2 MiB stay in the processor's cache.
MAX_LOGITS = 2**19


class Attending(nn.Module):
    """A layer whose attention can be watched; `attention_weights` makes it of what is seen.

    While somebody watches, the layer and those around it go step by step.

    Attributes:
        is_causal: whether what comes later in the sequence is masked.
        observer: called with the queries and keys (b, heads, n, d) of each call; None: nobody.
    """

    is_causal: bool
    observer: Callable[[Tensor, Tensor], None] | None = None


def attention_weights(query: Tensor, key: Tensor, *, is_causal: bool) -> Tensor:
    """softmax(q k^T / sqrt(d)), (..., n, n).

    Args:
        query: (..., n, d).
        key: (..., n, d).
        is_causal: mask what comes later in the sequence.
    """
    logits = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
    if is_causal:
        later = torch.ones(logits.shape[-2:], dtype=torch.bool, device=logits.device).triu(1)
        logits = logits.masked_fill(later, float("-inf"))
    return logits.softmax(dim=-1)


def manual_attention(query: Tensor, key: Tensor, value: Tensor, *, is_causal: bool) -> Tensor:
    """softmax(q k^T / sqrt(d)) v, each step a separate operation (`--core_flash_attention 0`).

    Args:
        query: (..., n, d).
        key: (..., n, d).
        value: (..., n, d).
        is_causal: mask what comes later in the sequence.
    """
    return attention_weights(query, key, is_causal=is_causal) @ value


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

    For tensors that `linear.is_covered`. Without the compiled kernel: PyTorch's fused one
    multiplies by MKL; oneDNN's faster products outweigh the steps between them where sequences
    are long.

    Args:
        query: (b, heads, n, d), already scaled by d^-0.5.
        key: (b, heads, n, d).
        value: (b, heads, n, d).
        is_causal: mask what comes later in the sequence.
    """
    if compiled.covers(query, key, value):
        return compiled.attend(query, key, value, is_causal=is_causal)
    if not _is_long(query):
        found, logsumexp = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
            query, key, value, 0.0, is_causal, scale=1.0
        )
        return found.transpose(1, 2), logsumexp
    found = torch.empty_like(query.transpose(1, 2), memory_format=torch.contiguous_format)
    blocks = _blocks(query, is_causal=is_causal)
    for rows, keys, values, out in _heads(query, key, value, found.transpose(1, 2)):
        for part, seen, mask in blocks:
            weights = _weights(rows[part], keys[seen], mask)
            out[part] = product(weights, values[seen].t())
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
        query: (b, heads, n, d), already scaled by d^-0.5.
        key: (b, heads, n, d).
        value: (b, heads, n, d).
        found: the output; may be anything where the gradient is zero.
        logsumexp: the second thing that `attend` gave.
        is_causal: mask what comes later in the sequence.
    """
    if compiled.covers(query, key, value):
        return compiled.attend_backward(
            gradient, query, key, value, found=found, logsumexp=logsumexp, is_causal=is_causal
        )
    gradient = gradient.transpose(1, 2)
    if not _is_long(query):
        of_heads = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward(
            gradient,
            query,
            key,
            value,
            found.transpose(1, 2),
            logsumexp,
            0.0,
            is_causal,
            scale=1.0,
        )
        return torch.stack([x.transpose(1, 2) for x in of_heads], dim=2)
    num_batch, num_heads, length, head_dim = query.shape
    gradients = query.new_zeros((num_batch, length, 3, num_heads, head_dim))
    outs = gradients.permute(0, 3, 2, 1, 4)
    blocks = _blocks(query, is_causal=is_causal)
    for rows, keys, values, slope, out in _heads(query, key, value, gradient, outs):
        of_query, of_key, of_value = out.unbind()
        for part, seen, mask in blocks:
            weights = _weights(rows[part], keys[seen], mask)
            of_weights = product(slope[part], values[seen])
            of_logits = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype)
            of_query[part] = product(of_logits, keys[seen].t())
            of_key[seen] += product(rows[part].t(), of_logits.t()).t()
            of_value[seen] += product(slope[part].t(), weights.t()).t()
    return gradients


def _is_long(query: Tensor) -> bool:
    return query.shape[2] ** 2 * query.shape[3] >= MIN_WORK


def _heads(*stacks: Tensor) -> Iterator[list[Tensor]]:
    """All heads of all sequences of stacks (b, heads, n, ...), those of one place together.

    All but the last, which is written to, are put in order: oneDNN needs it.
    """
    together = [x.contiguous() for x in stacks[:-1]] + [stacks[-1]]
    for sequences in zip(*(x.unbind() for x in together), strict=True):
        for heads in zip(*(x.unbind() for x in sequences), strict=True):
            yield list(heads)


def _blocks(query: Tensor, *, is_causal: bool) -> list[tuple[slice, slice, Tensor | None]]:
    """Some queries, the keys that they see, and what is added to their logits."""
    length = query.shape[2]
    step = min(length, max(MAX_LOGITS // length, 1))
    blocks: list[tuple[slice, slice, Tensor | None]] = []
    for start in range(0, length, step):
        stop = min(start + step, length)
        if is_causal:
            later = query.new_full((stop - start, stop), float("-inf")).triu(start + 1)
            blocks.append((slice(start, stop), slice(stop), later))
        else:
            blocks.append((slice(start, stop), slice(length), None))
    return blocks


def _weights(rows: Tensor, keys: Tensor, mask: Tensor | None) -> Tensor:
    """What each query makes of each key, (queries, keys)."""
    logits = product(rows, keys, plus=mask)
    return torch.softmax(logits, dim=-1, out=logits)
