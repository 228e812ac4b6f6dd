"""Residual branches, some sequences at a time, with a backward pass of their own.

A branch is inputs + out(dropout(inner(norm(inputs)))). What comes out equals the plain layers to
rounding, for the same random numbers. What is saved for the backward pass: the inputs, what
enters the last layer, queries, keys and values; the rest is cheap and computed again. Sequences
whose branch `DropPath` drops are not computed at all.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol, TypeAlias

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from viv1t.model.layers.branches import Branch, Weights, leaves_of, linear_backward
from viv1t.model.layers.drop import Dropout, DropPath
from viv1t.model.layers.linear import Context, product
from viv1t.model.layers.norms import apply_norm

# Tokens computed together: results of this size stay in the processor's cache.
CHUNK_TOKENS = 2400

Part: TypeAlias = slice | Tensor


class Drops(NamedTuple):
    """What dropout leaves of a branch.

    Attributes:
        entries: (b, n, k) bool, what is kept before the last layer; None for all.
        sequences: indices along axis 0 that are kept; None for all.
        scale: factor of what is kept.
    """

    entries: Tensor | None
    sequences: Tensor | None
    scale: float


def chunks(tokens: Tensor, *, times: int = 1) -> Iterator[slice]:
    """Sequences of tokens (b, n, d) that are taken together: `times` `CHUNK_TOKENS` tokens."""
    step = times * _num_together(tokens)
    return (slice(start, start + step) for start in range(0, len(tokens), step))


def draw(dropout: Dropout, path: DropPath, tokens: Tensor, *, num_hidden: int) -> Drops:
    """What is left of a branch, by the random numbers that the plain layers would draw.

    Args:
        dropout: before the last layer.
        path: after it.
        tokens: inputs of the branch, (b, n, d).
        num_hidden: k, inputs of the last layer.
    """
    entries = dropout.draw((*tokens.shape[:2], num_hidden))
    kept = path.draw(tokens)
    scale = 1.0 if entries is None else dropout.scale
    if kept is None:
        return Drops(entries, None, scale)
    return Drops(entries, kept.nonzero().squeeze(1), scale * path.scale)


def add_branch(branch: Branch, weights: Weights, normed: Tensor, *, base: Tensor) -> Tensor:
    """`base` (b, n, d) plus the branch of `normed`, of the same shape: no gradient, no dropout."""
    hidden, _ = branch.inner(normed, weights.inner)
    found = product(hidden.flatten(0, 1), weights.out, plus=base.flatten(0, 1))
    return found.view_as(base)


def residual(
    branch: Branch, weights: Weights, drops: Drops, tokens: Tensor, *, base: Tensor | None = None
) -> Tensor:
    """`base` (b, n, d) plus the branch of the tokens, of the same shape.

    Args:
        branch: what is between the norm and the last layer.
        weights: its parameters.
        drops: see `draw`.
        tokens: (b, n, d), contiguous.
        base: None for the tokens themselves.
    """
    num_norm = len(weights.norm)
    flat = (weights.out, *weights.norm, *weights.inner)
    found: Tensor = _Residual.apply(tokens, base, branch, drops, num_norm, *flat)
    return found


class _Call(Context, Protocol):
    branch: Branch
    sequences: Tensor | None
    scale: float
    has_mask: bool
    has_base: bool
    num_norm: int
    num_weights: int


class _Residual(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: _Call,
        tokens: Tensor,
        base: Tensor | None,
        branch: Branch,
        drops: Drops,
        num_norm: int,
        *flat: Tensor,
    ) -> Tensor:
        weights = _unflatten(flat, num_norm)
        ctx.branch, ctx.sequences, ctx.scale = branch, drops.sequences, drops.scale
        ctx.has_mask = drops.entries is not None and not branch.hides_dropped
        ctx.has_base, ctx.num_norm, ctx.num_weights = base is not None, num_norm, len(flat)
        out = (tokens if base is None else base).clone()
        saved: list[Tensor] = []
        for part in _parts(tokens, drops.sequences):
            normed = apply_norm(branch.norm, tokens[part], weights.norm)
            hidden, rest = branch.inner(normed, weights.inner)
            if drops.entries is not None:
                kept = drops.entries[part]
                hidden.mul_(_as_numbers(kept))
                saved += (kept,) if ctx.has_mask else ()
            found = product(hidden.flatten(0, 1), weights.out).view_as(normed)
            _add(out, part, found, scale=drops.scale)
            saved += (hidden, *rest)
        ctx.save_for_backward(tokens, *flat, *saved)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: _Call, gradient: Tensor) -> tuple[Tensor | None, ...]:
        tokens, *rest = ctx.saved_tensors
        weights = _unflatten(tuple(rest[: ctx.num_weights]), ctx.num_norm)
        saved = rest[ctx.num_weights :]
        parts = list(_parts(tokens, ctx.sequences))
        is_frozen = not any(ctx.needs_input_grad[-ctx.num_weights :])
        gradient = gradient.contiguous()
        of_tokens = torch.zeros_like(tokens) if ctx.has_base else gradient.clone()
        of_weights = [] if is_frozen else [torch.zeros_like(x) for x in rest[: ctx.num_weights]]
        for index, part in enumerate(parts):
            size = len(saved) // len(parts)
            found = saved[index * size : (index + 1) * size]
            mask = _as_numbers(found.pop(0)) if ctx.has_mask else None
            scaled = gradient[part] if ctx.scale == 1 else gradient[part] * ctx.scale
            of_part, *changes = _backward(
                ctx.branch, weights, tokens[part], scaled, found, mask, is_frozen=is_frozen
            )
            _add(of_tokens, part, of_part)
            for total, change in zip(of_weights, changes, strict=True):
                total += change
        of_base = gradient if ctx.has_base else None
        of_flat = [None] * ctx.num_weights if is_frozen else of_weights
        return of_tokens, of_base, None, None, None, *of_flat


def _backward(
    branch: Branch,
    weights: Weights,
    tokens: Tensor,
    gradient: Tensor,
    found: list[Tensor],
    mask: Tensor | None,
    *,
    is_frozen: bool,
) -> list[Tensor]:
    """Gradients of some tokens through their branch, and of the weights unless `is_frozen`."""
    with torch.enable_grad():
        leaves = leaves_of((tokens, *weights.norm))
        normed = apply_norm(branch.norm, leaves[0], tuple(leaves[1:]))
    of_hidden, of_out = linear_backward(gradient, found[0], weights.out, is_frozen=is_frozen)
    if mask is not None:
        of_hidden.mul_(mask)
    of_normed, of_inner = branch.inner_backward(
        of_hidden, normed.detach(), tuple(found), weights.inner, is_frozen=is_frozen
    )
    wanted = leaves[:1] if is_frozen else leaves
    of_tokens, *of_norm = torch.autograd.grad(normed, wanted, of_normed)
    return [of_tokens, *of_out, *of_norm, *of_inner]


def _unflatten(flat: tuple[Tensor, ...], num_norm: int) -> Weights:
    return Weights(flat[0], flat[1 : 1 + num_norm], flat[1 + num_norm :])


def _parts(tokens: Tensor, sequences: Tensor | None) -> Iterator[Part]:
    """Sequences that are computed together: all, or the chosen ones."""
    if sequences is None:
        yield from chunks(tokens)
    elif len(sequences):
        yield from sequences.split(_num_together(tokens))


def _num_together(tokens: Tensor) -> int:
    return max(1, CHUNK_TOKENS // tokens.shape[1])


def _add(total: Tensor, part: Part, change: Tensor, *, scale: float = 1.0) -> None:
    if isinstance(part, slice):
        total[part].add_(change, alpha=scale)
    else:
        total.index_add_(0, part, change, alpha=scale)


def _as_numbers(mask: Tensor) -> Tensor:
    """A bool mask as 0 and 1: as bytes it converts seven times as fast."""
    return mask.view(torch.uint8).to(torch.float32)
