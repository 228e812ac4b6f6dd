"""What is between the norm and the last layer of a residual branch, forward and backward.

By oneDNN and without a graph: `residual` calls it for some sequences at a time.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from viv1t.model.layers.attention import attend, attend_backward
from viv1t.model.layers.linear import gradient_of_weight, product
from viv1t.model.layers.norms import NormName, apply_norm
from viv1t.model.layers.rotary import turn_


class Weights(NamedTuple):
    """The parameters of a branch but for its norm.

    Attributes:
        out: of the last layer, (d, k).
        inner: of what is between.
    """

    out: Tensor
    inner: tuple[Tensor, ...]


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
        projected = linear(normed, weights[0])
        turned = self.normed_qk(projected, weights[1:]) if self.norm_qk else projected
        if self.turns is not None:
            turn_(turned, self.turns)
        found, logsumexp = attend(*self.heads(turned), is_causal=self.is_causal)
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
            *self.heads(rest[-1]),
            found=attended.unflatten(-1, (self.num_heads, -1)),
            logsumexp=logsumexp,
            is_causal=self.is_causal,
        ).flatten(2)
        if self.turns is not None:
            turn_(of_projected, self.turns.conj())
        of_norms: list[Tensor] = []
        if self.norm_qk:
            with torch.enable_grad():
                leaves = leaves_of((rest[0], *weights[1:]))
                projected = self.normed_qk(leaves[0], tuple(leaves[1:]))
            wanted = leaves[:1] if is_frozen else leaves
            of_projected, *of_norms = torch.autograd.grad(projected, wanted, of_projected)
        of_normed, of_weight = linear_backward(
            of_projected, normed, weights[0], is_frozen=is_frozen
        )
        return of_normed, of_weight + of_norms

    def normed_qk(self, projected: Tensor, norms: tuple[Tensor, ...]) -> Tensor:
        """Queries, keys and values (b, n, 3 heads d), the former two normed by `norms`."""
        query, key, value = projected.chunk(3, dim=-1)
        half = len(norms) // 2
        query = apply_norm(self.norm, query, norms[:half])
        key = apply_norm(self.norm, key, norms[half:])
        return torch.cat((query, key, value), dim=-1)

    def heads(self, turned: Tensor) -> list[Tensor]:
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
            return linear(normed, weights[0], is_relu=True), ()
        hidden = linear(normed, weights[0])
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
        return linear_backward(of_hidden, normed, weights[0], is_frozen=is_frozen)


def leaves_of(tensors: Iterable[Tensor]) -> list[Tensor]:
    """The same values, where a graph of their own begins."""
    return [x.detach().requires_grad_() for x in tensors]


def linear(inputs: Tensor, weight: Tensor, *, is_relu: bool = False) -> Tensor:
    """Outputs (b, n, m) of inputs (b, n, k) and a weight (m, k)."""
    found = product(inputs.flatten(0, 1), weight, is_relu=is_relu)
    return found.view(*inputs.shape[:2], -1)


def linear_backward(
    gradient: Tensor, inputs: Tensor, weight: Tensor, *, is_frozen: bool
) -> tuple[Tensor, list[Tensor]]:
    """Gradients of the inputs (b, n, k) of `linear` and, unless frozen, of its weight."""
    rows = gradient.flatten(0, 1).contiguous()
    of_inputs = product(rows, weight.t()).view_as(inputs)
    return of_inputs, [] if is_frozen else [gradient_of_weight(rows, inputs.flatten(0, 1))]
