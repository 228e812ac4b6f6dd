"""Residual branches by oneDNN, some sequences at a time, with a backward pass of their own.

A branch is inputs + out(dropout(inner(norm(inputs)))). What comes out equals the plain layers to
rounding, for the same random numbers. What is saved for the backward pass: the inputs, what
enters the last product, queries, keys and values; the rest is cheap and computed again. Sequences
whose branch `DropPath` drops are not computed at all.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from viv1t.model.layers.attention import attend, attend_backward
from viv1t.model.layers.drop import Dropout, DropPath
from viv1t.model.layers.linear import Context, gradient_of_weight, product
from viv1t.model.layers.norms import NormName, apply_norm
from viv1t.model.layers.rotary import turn_

# Tokens computed together: results of this size stay in the processor's cache.
CHUNK_TOKENS = 2400

Part: TypeAlias = slice | Tensor


class Weights(NamedTuple):
    """The parameters of a branch, those of a norm in the order of its module.

    Attributes:
        out: of the last layer, (d, k).
        norm: of the first layer.
        inner: of what is between.
    """

    out: Tensor
    norm: tuple[Tensor, ...]
    inner: tuple[Tensor, ...]


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


class Branch(ABC):
    """What is between the norm and the last layer, without gradient."""

    norm: NormName

    @property
    def hides_dropped(self) -> bool:
        """Whether `inner_backward` needs no mask: zeros in what it is given stand for it."""
        return False

    @abstractmethod
    def inner(
        self, normed: Tensor, weights: tuple[Tensor, ...]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """What enters the last layer (b, n, k), and what the backward pass needs besides.

        Args:
            normed: tokens after the norm, (b, n, d).
            weights: `Weights.inner`.
        """

    @abstractmethod
    def inner_backward(
        self,
        gradient: Tensor,
        normed: Tensor,
        found: tuple[Tensor, ...],
        weights: tuple[Tensor, ...],
        *,
        is_frozen: bool,
    ) -> tuple[Tensor, list[Tensor]]:
        """Gradients of `normed` and of the weights.

        Args:
            gradient: of what enters the last layer, (b, n, k).
            normed: tokens after the norm, (b, n, d).
            found: what enters the last layer, zero where dropped; then the rest of what `inner`
                gave.
            weights: `Weights.inner`.
            is_frozen: leave those of the weights out.
        """


@dataclass(frozen=True)
class AttentionBranch(Branch):
    """Queries, keys and values, turned by their position, and attention.

    Inner weights: of queries, keys and values (3 heads d, d), then, with `norm_qk`, of the norms
    of queries and of keys. What gives queries holds their scale d^-0.5. With `turns`, queries and
    keys are in the order of `rotary.paired`.

    Attributes:
        norm: which norm.
        num_heads: attention heads.
        norm_qk: norm queries and keys.
        is_causal: mask what comes later in the sequence.
        turns: see `RotaryTables.turns`; None: positions do not matter.
    """

    norm: NormName
    num_heads: int
    norm_qk: bool
    is_causal: bool
    turns: Tensor | None

    def inner(
        self, normed: Tensor, weights: tuple[Tensor, ...]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """See `Branch.inner`."""
        projected = _linear(normed, weights[0])
        turned = self._norm_qk(projected, weights[1:]) if self.norm_qk else projected
        if self.turns is not None:
            turn_(turned, self.turns)
        found, logsumexp = attend(*self._heads(turned), is_causal=self.is_causal)
        rest = (logsumexp, projected, turned) if self.norm_qk else (logsumexp, turned)
        return found.flatten(2), rest

    def inner_backward(
        self,
        gradient: Tensor,
        normed: Tensor,
        found: tuple[Tensor, ...],
        weights: tuple[Tensor, ...],
        *,
        is_frozen: bool,
    ) -> tuple[Tensor, list[Tensor]]:
        """See `Branch.inner_backward`."""
        attended, logsumexp, *rest = found
        of_projected = attend_backward(
            gradient.unflatten(-1, (self.num_heads, -1)),
            *self._heads(rest[-1]),
            found=attended.unflatten(-1, (self.num_heads, -1)),
            logsumexp=logsumexp,
            is_causal=self.is_causal,
        ).flatten(2)
        if self.turns is not None:
            turn_(of_projected, self.turns.conj())
        of_norms: list[Tensor] = []
        if self.norm_qk:
            with torch.enable_grad():
                leaves = _leaves((rest[0], *weights[1:]))
                projected = self._norm_qk(leaves[0], tuple(leaves[1:]))
            wanted = leaves[:1] if is_frozen else leaves
            of_projected, *of_norms = torch.autograd.grad(projected, wanted, of_projected)
        of_normed, of_weight = _linear_backward(
            of_projected, normed, weights[0], is_frozen=is_frozen
        )
        return of_normed, of_weight + of_norms

    def _norm_qk(self, projected: Tensor, norms: tuple[Tensor, ...]) -> Tensor:
        query, key, value = projected.chunk(3, dim=-1)
        half = len(norms) // 2
        query = apply_norm(self.norm, query, norms[:half])
        key = apply_norm(self.norm, key, norms[half:])
        return torch.cat((query, key, value), dim=-1)

    def _heads(self, turned: Tensor) -> list[Tensor]:
        """Queries, keys and values (b, heads, n, d)."""
        heads = turned.unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        return list(heads.unbind())


@dataclass(frozen=True)
class FeedForwardBranch(Branch):
    """One hidden layer. Inner weights: its own, (f, d).

    Attributes:
        norm: which norm.
        activation: of the hidden layer, without parameters.
    """

    norm: NormName
    activation: nn.Module

    @property
    def hides_dropped(self) -> bool:
        """For ReLU, which has no gradient where it is zero."""
        return isinstance(self.activation, nn.ReLU)

    def inner(
        self, normed: Tensor, weights: tuple[Tensor, ...]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """See `Branch.inner`."""
        if self.hides_dropped:
            return _linear(normed, weights[0], is_relu=True), ()
        hidden = _linear(normed, weights[0])
        return self.activation(hidden), (hidden,)

    def inner_backward(
        self,
        gradient: Tensor,
        normed: Tensor,
        found: tuple[Tensor, ...],
        weights: tuple[Tensor, ...],
        *,
        is_frozen: bool,
    ) -> tuple[Tensor, list[Tensor]]:
        """See `Branch.inner_backward`."""
        if self.hides_dropped:
            of_hidden = torch.ops.aten.threshold_backward(gradient, found[0], 0)
        else:
            with torch.enable_grad():
                hidden = found[1].detach().requires_grad_()
                activated = self.activation(hidden)
            (of_hidden,) = torch.autograd.grad(activated, hidden, gradient)
        return _linear_backward(of_hidden, normed, weights[0], is_frozen=is_frozen)


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
        leaves = _leaves((tokens, *weights.norm))
        normed = apply_norm(branch.norm, leaves[0], tuple(leaves[1:]))
    of_hidden, of_out = _linear_backward(gradient, found[0], weights.out, is_frozen=is_frozen)
    if mask is not None:
        of_hidden.mul_(mask)
    of_normed, of_inner = branch.inner_backward(
        of_hidden, normed.detach(), tuple(found), weights.inner, is_frozen=is_frozen
    )
    wanted = leaves[:1] if is_frozen else leaves
    of_tokens, *of_norm = torch.autograd.grad(normed, wanted, of_normed)
    return [of_tokens, *of_out, *of_norm, *of_inner]


def _leaves(tensors: Iterable[Tensor]) -> list[Tensor]:
    return [x.detach().requires_grad_() for x in tensors]


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


def _linear(inputs: Tensor, weight: Tensor, *, is_relu: bool = False) -> Tensor:
    found = product(inputs.flatten(0, 1), weight, is_relu=is_relu)
    return found.view(*inputs.shape[:2], -1)


def _linear_backward(
    gradient: Tensor, inputs: Tensor, weight: Tensor, *, is_frozen: bool
) -> tuple[Tensor, list[Tensor]]:
    """Gradients of the inputs (b, n, k) of a linear layer and, unless frozen, of its weight."""
    rows = gradient.flatten(0, 1).contiguous()
    of_inputs = product(rows, weight.t()).view_as(inputs)
    return of_inputs, [] if is_frozen else [gradient_of_weight(rows, inputs.flatten(0, 1))]
