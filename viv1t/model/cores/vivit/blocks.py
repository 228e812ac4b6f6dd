"""Transformer blocks, parallel and sequential, and the stack of them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from viv1t.model.cores.vivit.config import ViViTConfig
from viv1t.model.cores.vivit.fast import prepare
from viv1t.model.layers.activations import build_activation
from viv1t.model.layers.attention import Attending, attention
from viv1t.model.layers.drop import Dropout, DropPath
from viv1t.model.layers.linear import FastLinear, is_covered
from viv1t.model.layers.norms import build_norm
from viv1t.model.layers.residual import chunks
from viv1t.model.layers.rotary import RotaryPositionEmbedding, RotaryTables, Rotation, rotate


class Block(Attending):
    """What both kinds of block share: heads, norms of queries and keys, attention.

    Args:
        config: flags of the core.
        is_causal: mask what comes later in the sequence.
        is_rotary: turn queries and keys by their position.
    """

    scale: Tensor
    attn_out: nn.Linear
    ff_norm: nn.Module
    ff_out: nn.Sequential

    def __init__(self, config: ViViTConfig, *, is_causal: bool, is_rotary: bool) -> None:
        super().__init__()
        self.config = config
        self.is_causal = is_causal
        self.inner_dim = config.num_heads * config.head_dim
        self.register_buffer("scale", torch.tensor(config.head_dim**-0.5))
        self.norm = build_norm(config.norm, config.emb_dim)
        self._add_linear()
        if config.norm_qk:
            self.norm_q = build_norm(config.norm, self.inner_dim)
            self.norm_k = build_norm(config.norm, self.inner_dim)
        if is_rotary:
            self.rotary_position_embedding = RotaryPositionEmbedding(config.head_dim)
        self.attn_dropout = Dropout(config.mha_dropout)
        self.drop_path1 = DropPath(config.drop_path)
        self.drop_path2 = DropPath(config.drop_path)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)

    def _add_linear(self) -> None:
        raise NotImplementedError

    def forward(self, tokens: Tensor, rotation: Rotation | None) -> Tensor:
        """Tokens (b, n, d) after the block.

        Args:
            tokens: (b, n, d).
            rotation: of each of the n tokens, or None.
        """
        raise NotImplementedError

    def input_weights(self) -> tuple[Tensor, Tensor]:
        """Weights of queries, keys and values, (3 inner, d), and of the hidden layer, (f, d)."""
        raise NotImplementedError

    def _attend(self, projected: Tensor, rotation: Rotation | None) -> Tensor:
        """Attention output (b, n, inner) from queries, keys and values (b, n, 3 inner)."""
        query, key, value = projected.chunk(3, dim=-1)
        if self.config.norm_qk:
            query, key = self.norm_q(query), self.norm_k(key)
        head_dim = self.config.head_dim
        if rotation is not None:
            query, key = (rotate(x, rotation, head_dim=head_dim) for x in (query, key))
        query, key, value = (
            x.unflatten(-1, (-1, head_dim)).transpose(1, 2) for x in (query, key, value)
        )
        if self.observer is not None:
            self.observer(query, key)
        is_fused = self.config.flash_attention == 1
        found = attention(query, key, value, is_causal=self.is_causal, is_fused=is_fused)
        return self.attn_dropout(found.transpose(1, 2).flatten(2))

    def _linear(self, inputs: int, outputs: int) -> nn.Linear:
        layer = FastLinear if self.config.fast else nn.Linear
        return layer(inputs, outputs, bias=False)

    def _hidden_dim(self) -> int:
        return self.config.ff_dim * (2 if self.config.ff_activation == "swiglu" else 1)

    def _feed_forward(self) -> nn.Sequential:
        return nn.Sequential(
            build_activation(self.config.ff_activation),
            Dropout(self.config.ff_dropout),
            self._linear(self.config.ff_dim, self.config.emb_dim),
        )


class ParallelBlock(Block):
    """x + attention(norm(x)) + feed_forward(norm(x)), from one fused projection.

    Dehghani et al. 2023 (ViT-22B).
    """

    def _add_linear(self) -> None:
        emb_dim, fused_dim = self.config.emb_dim, 3 * self.inner_dim + self._hidden_dim()
        self.fused_linear = self._linear(emb_dim, fused_dim)
        self.attn_out = self._linear(self.inner_dim, emb_dim)
        self.ff_out = self._feed_forward()

    def input_weights(self) -> tuple[Tensor, Tensor]:
        """See `Block.input_weights`."""
        qkv, hidden = self.fused_linear.weight.split((3 * self.inner_dim, self._hidden_dim()))
        return qkv, hidden

    def forward(self, tokens: Tensor, rotation: Rotation | None) -> Tensor:
        """Tokens (b, n, d) after the block, see `Block.forward`."""
        fused = self.fused_linear(self.norm(tokens))
        projected, hidden = fused.split((3 * self.inner_dim, self._hidden_dim()), dim=-1)
        attended = self.drop_path1(self.attn_out(self._attend(projected, rotation)))
        return tokens + attended + self.drop_path2(self.ff_out(hidden))


class SequentialBlock(Block):
    """The usual pre-norm block: the feed-forward layer sees what attention has added.

    Vaswani et al. 2017, with the norm first.
    """

    def _add_linear(self) -> None:
        emb_dim = self.config.emb_dim
        self.qkv_linear = self._linear(emb_dim, 3 * self.inner_dim)
        self.attn_out = self._linear(self.inner_dim, emb_dim)
        self.ff_norm = build_norm(self.config.norm, emb_dim)
        self.ff_in = self._linear(emb_dim, self._hidden_dim())
        self.ff_out = self._feed_forward()

    def input_weights(self) -> tuple[Tensor, Tensor]:
        """See `Block.input_weights`."""
        return self.qkv_linear.weight, self.ff_in.weight

    def forward(self, tokens: Tensor, rotation: Rotation | None) -> Tensor:
        """Tokens (b, n, d) after the block, see `Block.forward`."""
        attended = self._attend(self.qkv_linear(self.norm(tokens)), rotation)
        tokens = tokens + self.drop_path1(self.attn_out(attended))
        return tokens + self.drop_path2(self.ff_out(self.ff_in(self.ff_norm(tokens))))


class Transformer(nn.Module):
    """A stack of blocks; rotary tables are computed once and shared by all of them.

    Args:
        config: flags of the core.
        depth: number of blocks.
        num_positions: length of the rotary table at construction; None: no rotary positions.
        is_causal: mask what comes later in the sequence.
        grad_checkpointing: recompute each block in the backward pass.
        as_published: see `RotaryTables`.
    """

    def __init__(
        self,
        config: ViViTConfig,
        *,
        depth: int,
        num_positions: int | None,
        is_causal: bool,
        grad_checkpointing: bool = False,
        as_published: bool = False,
    ) -> None:
        super().__init__()
        self.config = config
        self.grad_checkpointing = grad_checkpointing
        self.tables: RotaryTables | None = None
        if num_positions is not None:
            self.tables = RotaryTables(
                num_positions,
                head_dim=config.head_dim,
                num_heads=config.num_heads,
                as_published=as_published,
            )
        block = ParallelBlock if config.parallel_attention else SequentialBlock
        self.blocks = nn.ModuleList(
            block(config, is_causal=is_causal, is_rotary=num_positions is not None)
            for _ in range(depth)
        )

    def forward(self, tokens: Tensor, *, num_registers: int) -> Tensor:
        """Tokens (b, n, d) after all blocks.

        Args:
            tokens: (b, n, d), registers last.
            num_registers: how many of the n tokens are registers, which have no position.
        """
        if not self._is_fast(tokens):
            rotation = None
            if self.tables is not None:
                rotation = self.tables(tokens.shape[1] - num_registers, num_fixed=num_registers)
            return self._run([partial(x, rotation=rotation) for x in self.blocks], tokens)
        turns = None
        if self.tables is not None:
            turns = self.tables.turns(tokens.shape[1] - num_registers, num_fixed=num_registers)
        blocks = [prepare(cast(Block, x), turns) for x in self.blocks]
        if self.training or torch.is_grad_enabled():
            return self._run(blocks, tokens.contiguous())
        found = torch.empty_like(tokens)
        for part in chunks(tokens):
            found[part] = self._run(blocks, tokens[part].contiguous())
        return found

    def _is_fast(self, tokens: Tensor) -> bool:
        is_wanted = self.config.fast == 1 and self.config.flash_attention == 1
        if not is_wanted or any(cast(Block, x).observer for x in self.blocks):
            return False
        return len(self.blocks) > 0 and is_covered(tokens, *self.blocks.parameters())

    def _run(self, blocks: Sequence[Callable[[Tensor], Tensor]], tokens: Tensor) -> Tensor:
        for block in blocks:
            if self.grad_checkpointing and torch.is_grad_enabled():
                tokens = checkpoint(block, tokens, use_reentrant=False)
            else:
                tokens = block(tokens)
        return tokens
