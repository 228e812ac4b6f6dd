"""Residual branches, some sequences at a time, with a backward pass of their own.

A branch is inputs + out(dropout(inner(norm(inputs)))). What comes out equals the plain layers to
rounding, for the same random numbers. What is saved for the backward pass: the inputs, what
enters the last layer, queries, keys and values; the rest is cheap and computed again. Sequences
whose branch `DropPath` drops are not computed at all.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
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


class Addend(NamedTuple):
    """A branch that is added to its inputs."""

    branch: Branch
    weights: Weights
    drops: Drops


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
    addends: Sequence[Addend],
    norm: tuple[Tensor, ...],
    tokens: Tensor,
    *,
    base: Tensor | None = None,
) -> Tensor:
    """`base` (b, n, d) plus branches of the tokens, of the same shape.

    Args:
        addends: the branches, with one norm and the same sequences kept.
        norm: parameters of the norm, in the order of its module.
        tokens: (b, n, d), contiguous.
        base: None for the tokens themselves.
    """
    weights = [x for addend in addends for x in (addend.weights.out, *addend.weights.inner)]
    found: Tensor = _Residual.apply(tokens, base, addends, len(norm), *norm, *weights)
    return found


class _Kind(NamedTuple):
    """What the backward pass must know of an addend besides tensors."""

    branch: Branch
    scale: float
    has_mask: bool
    num_weights: int
    num_saved: int


class _Call(Context, Protocol):
    kinds: list[_Kind]
    sequences: Tensor | None
    num_norm: int
    has_base: bool


class _Residual(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: _Call,
        tokens: Tensor,
        base: Tensor | None,
        addends: Sequence[Addend],
        num_norm: int,
        *weights: Tensor,
    ) -> Tensor:
        ctx.sequences, ctx.num_norm = addends[0].drops.sequences, num_norm
        ctx.has_base = base is not None
        out = (tokens if base is None else base).clone()
        saved: list[Tensor] = []
        for part in _parts(tokens, ctx.sequences):
            normed = apply_norm(addends[0].branch.norm, tokens[part], weights[:num_norm])
            ctx.kinds = []
            for branch, (weight, inner), drops in addends:
                hidden, rest = branch.inner(normed, inner)
                has_mask = drops.entries is not None and not branch.hides_dropped
                if drops.entries is not None:
                    kept = drops.entries[part]
                    hidden.mul_(_as_numbers(kept))
                    rest = (*rest, kept) if has_mask else rest
                found = product(hidden.flatten(0, 1), weight).view_as(normed)
                _add(out, part, found, scale=drops.scale)
                saved += (hidden, *rest)
                ctx.kinds.append(
                    _Kind(branch, drops.scale, has_mask, 1 + len(inner), 1 + len(rest))
                )
        ctx.save_for_backward(tokens, *weights, *saved)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: _Call, gradient: Tensor) -> tuple[Tensor | None, ...]:
        num_weights = len(ctx.needs_input_grad) - 4
        tokens, *rest = ctx.saved_tensors
        weights, saved = rest[:num_weights], iter(rest[num_weights:])
        is_frozen = not any(ctx.needs_input_grad[4:])
        gradient = gradient.contiguous()
        of_tokens = torch.zeros_like(tokens) if ctx.has_base else gradient.clone()
        of_weights = [] if is_frozen else [torch.zeros_like(x) for x in weights]
        for part in _parts(tokens, ctx.sequences):
            of_part, *changes = _backward(
                ctx, weights, saved, tokens[part], gradient[part], is_frozen=is_frozen
            )
            _add(of_tokens, part, of_part)
            for total, change in zip(of_weights, changes, strict=True):
                total += change
        of_base = gradient if ctx.has_base else None
        of_all = [None] * num_weights if is_frozen else of_weights
        return of_tokens, of_base, None, None, *of_all


def _backward(
    call: _Call,
    weights: list[Tensor],
    saved: Iterator[Tensor],
    tokens: Tensor,
    gradient: Tensor,
    *,
    is_frozen: bool,
) -> list[Tensor]:
    """Gradients of some tokens through the addends, and of the weights unless `is_frozen`."""
    norm = call.kinds[0].branch.norm
    with torch.enable_grad():
        leaves = leaves_of((tokens, *weights[: call.num_norm]))
        normed = apply_norm(norm, leaves[0], tuple(leaves[1:]))
    of_normed = torch.zeros_like(normed)
    of_weights: list[Tensor] = []
    remaining = iter(weights[call.num_norm :])
    for branch, scale, has_mask, num_weights, num_saved in call.kinds:
        weight, *inner = islice(remaining, num_weights)
        found = tuple(islice(saved, num_saved))
        slope = gradient if scale == 1 else gradient * scale
        of_hidden, of_out = linear_backward(slope, found[0], weight, is_frozen=is_frozen)
        if has_mask:
            of_hidden.mul_(_as_numbers(found[-1]))
            found = found[:-1]
        change, of_inner = branch.inner_backward(
            of_hidden, normed.detach(), found, tuple(inner), is_frozen=is_frozen
        )
        of_normed += change
        of_weights += of_out + of_inner
    wanted = leaves[:1] if is_frozen else leaves
    of_tokens, *of_norm = torch.autograd.grad(normed, wanted, of_normed)
    return [of_tokens, *of_norm, *of_weights]


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
