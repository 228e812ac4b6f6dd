"""A block by its branches: what `--core_fast 1` does on the CPU, see `layers.residual`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from viv1t.model.layers.branches import AttentionBranch, FeedForwardBranch, Weights
from viv1t.model.layers.drop import Dropout
from viv1t.model.layers.norms import apply_norm
from viv1t.model.layers.residual import Addend, add_branch, draw, residual
from viv1t.model.layers.rotary import paired

if TYPE_CHECKING:
    from viv1t.model.cores.vivit.blocks import Block


def prepare(block: "Block", turns: Tensor | None) -> Callable[[Tensor], Tensor]:
    """What gives the same as `block(tokens, rotation)`, for tensors that `linear.is_covered`.

    Its argument: tokens (b, n, d), contiguous.

    Args:
        block: parallel or sequential, with fused attention.
        turns: the rotation as complex factors, see `RotaryTables.turns`; None: no rotation.
    """
    config = block.config
    is_parallel = config.parallel_attention
    of_qkv, of_hidden = block.input_weights()
    attention, attention_weights = attention_of(block, of_qkv, turns)
    activation, dropout, out = block.ff_out
    assert isinstance(dropout, Dropout)
    assert isinstance(out, nn.Linear)
    forward, forward_weights = (
        FeedForwardBranch(config.norm, activation),
        Weights(out.weight, (of_hidden,)),
    )
    norm = _parameters(block.norm)
    ff_norm = norm if is_parallel else _parameters(block.ff_norm)

    def evaluate(tokens: Tensor) -> Tensor:
        normed = apply_norm(config.norm, tokens, norm)
        middle = add_branch(attention, attention_weights, normed, base=tokens)
        if not is_parallel:
            normed = apply_norm(config.norm, middle, ff_norm)
        return add_branch(forward, forward_weights, normed, base=middle)

    def train(tokens: Tensor) -> Tensor:
        drops = draw(block.attn_dropout, block.drop_path1, tokens, num_hidden=block.inner_dim)
        first = Addend(attention, attention_weights, drops)
        drops = draw(dropout, block.drop_path2, tokens, num_hidden=config.ff_dim)
        second = Addend(forward, forward_weights, drops)
        if is_parallel and drops.sequences is None:
            return residual((first, second), norm, tokens)
        middle = residual((first,), norm, tokens)
        if is_parallel:
            return residual((second,), norm, tokens, base=middle)
        return residual((second,), ff_norm, middle)

    return train if block.training or torch.is_grad_enabled() else evaluate


def attention_of(
    block: "Block", weight: Tensor, turns: Tensor | None
) -> tuple[AttentionBranch, Weights]:
    """The attention of a block as a branch, whose weights hold scale and order, see the class.

    Args:
        block: parallel or sequential.
        weight: of queries, keys and values, (3 inner, d).
        turns: the rotation as complex factors; None: no rotation.
    """
    config = block.config
    query, key, value = weight.chunk(3)
    order = slice(None) if turns is None else paired(config.num_heads, config.head_dim)
    scale = config.head_dim**-0.5
    norms: tuple[Tensor, ...] = ()
    if config.norm_qk:
        norms = (*_of_entries(block.norm_q, order, scale), *_of_entries(block.norm_k, order, 1.0))
        scale = 1.0
    weight = torch.cat((query[order] * scale, key[order], value))
    branch = AttentionBranch(
        norm=config.norm,
        num_heads=config.num_heads,
        norm_qk=config.norm_qk,
        is_causal=block.is_causal,
        turns=turns,
    )
    return branch, Weights(block.attn_out.weight, (weight, *norms))


def _of_entries(norm: nn.Module, order: slice | Tensor, scale: float) -> tuple[Tensor, ...]:
    """Parameters of a norm of queries or keys, entries in this order and scaled."""
    named = norm.named_parameters()
    return tuple(x if name == "alpha" else x[order] * scale for name, x in named)


def _parameters(norm: nn.Module) -> tuple[Tensor, ...]:
    return tuple(norm.parameters())
