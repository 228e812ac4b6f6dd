"""A block by its branches: what `--core_fast 1` does on the CPU, see `layers.branches`."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from viv1t.model.layers.branches import (
    AttentionBranch,
    FeedForwardBranch,
    Weights,
    add_branch,
    draw,
    residual,
)
from viv1t.model.layers.drop import Dropout
from viv1t.model.layers.norms import apply_norm
from viv1t.model.layers.rotary import paired

if TYPE_CHECKING:
    from viv1t.model.cores.vivit.blocks import Block


def forward_fast(block: "Block", tokens: Tensor, turns: Tensor | None) -> Tensor:
    """What `block(tokens, rotation)` gives, for tensors that `linear.is_covered`.

    Args:
        block: parallel or sequential, with fused attention.
        tokens: (b, n, d), contiguous.
        turns: the rotation as complex factors, see `RotaryTables.turns`; None: no rotation.
    """
    config = block.config
    of_qkv, of_hidden = block.input_weights()
    attention, attention_weights = _attention(block, of_qkv, turns)
    activation, dropout, out = block.ff_out
    assert isinstance(dropout, Dropout)
    assert isinstance(out, nn.Linear)
    forward = FeedForwardBranch(config.norm, activation)
    ff_norm = block.norm if config.parallel_attention else block.ff_norm
    forward_weights = Weights(out.weight, _parameters(ff_norm), (of_hidden,))
    if not block.training and not torch.is_grad_enabled():
        normed = apply_norm(config.norm, tokens, attention_weights.norm)
        middle = add_branch(attention, attention_weights, normed, base=tokens)
        if not config.parallel_attention:
            normed = apply_norm(config.norm, middle, forward_weights.norm)
        return add_branch(forward, forward_weights, normed, base=middle)
    drops = draw(block.attn_dropout, block.drop_path1, tokens, num_hidden=block.inner_dim)
    middle = residual(attention, attention_weights, drops, tokens)
    drops = draw(dropout, block.drop_path2, tokens, num_hidden=config.ff_dim)
    if config.parallel_attention:
        return residual(forward, forward_weights, drops, tokens, base=middle)
    return residual(forward, forward_weights, drops, middle)


def _attention(
    block: "Block", weight: Tensor, turns: Tensor | None
) -> tuple[AttentionBranch, Weights]:
    config = block.config
    norms = (*_parameters(block.norm_q), *_parameters(block.norm_k)) if config.norm_qk else ()
    if turns is not None:
        order = paired(config.num_heads, config.head_dim)
        query, key, value = weight.chunk(3)
        weight = torch.cat((query[order], key[order], value))
        norms = tuple(x[order] if len(x) == len(order) else x for x in norms)
    branch = AttentionBranch(
        norm=config.norm,
        num_heads=config.num_heads,
        norm_qk=config.norm_qk,
        is_causal=block.is_causal,
        turns=turns,
    )
    return branch, Weights(block.attn_out.weight, _parameters(block.norm), (weight, *norms))


def _parameters(norm: nn.Module) -> tuple[Tensor, ...]:
    return tuple(norm.parameters())
