"""The ViViT core piece by piece: some frames, at some places, going on where a call ended.

Exact under causal attention: a frame's tokens then depend on nothing that comes later, and all
that later frames need of it are its keys and values (Vaswani et al. 2017; Pope et al. 2022). Eval
mode only: dropout is left out. Gradients reach the movie.
"""

from collections.abc import Sequence
from itertools import product as pairs
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from viv1t.model.cores.vivit.blocks import Block
from viv1t.model.cores.vivit.fast import attention_of
from viv1t.model.kernels import attention as compiled
from viv1t.model.kernels.autograd import attend
from viv1t.model.layers.attention import MIN_WORK
from viv1t.model.layers.behaviors import select_behaviors
from viv1t.model.layers.linear import fast_linear, is_covered, product
from viv1t.model.layers.rotary import turn_

if TYPE_CHECKING:
    from viv1t.model.cores.vivit.core import ViViTCore

# Tokens computed together: results of this size stay in the processor's cache. Over time there are
# the keys and values of earlier frames besides.
SPATIAL_TOKENS = 2400
TEMPORAL_TOKENS = 2400


class KeysValues(NamedTuple):
    """What one temporal block remembers of earlier frames, (p, heads, t, d) each."""

    keys: Tensor
    values: Tensor

    def frames(self, stop: int) -> "KeysValues":
        """Those of the first `stop` frames, as views."""
        return KeysValues(self.keys[:, :, :stop], self.values[:, :, :stop])

    def places(self, chosen: slice) -> "KeysValues":
        """Those of some places, as views."""
        return KeysValues(self.keys[chosen], self.values[chosen])


class IncrementalViViT:
    """A causal ViViT core, stage by stage.

    Args:
        core: in eval mode; `can_advance` must hold.

    Attributes:
        num_frames_seen: frames that a token sees, its own the last.
        num_frames_padded: frames of zeros, behaviour included, that stand before a movie; the
            caller provides them.
        grid: (h', w') tokens of a frame.
        num_places: h' w'.
        depends_on_time: whether tokens depend on where in the movie they stand.
    """

    def __init__(self, core: "ViViTCore") -> None:
        self.core = core
        config = core.config
        self.num_frames_seen = config.temporal_patch_size
        self.num_frames_padded = core.tokenizer.padding[4]
        self.grid = core.tokenizer.grid
        self.num_places = self.grid[0] * self.grid[1]
        self.depends_on_time = config.pos_encoding in (1, 2, 3, 4)

    @property
    def tensors(self) -> list[Tensor]:
        """All weights and constants that results depend on."""
        return [*self.core.parameters(), *self.core.buffers()]

    @property
    def device(self) -> torch.device:
        """Where the core computes."""
        return next(self.core.parameters()).device

    def empty_past(self, num_frames: int, dtype: torch.dtype) -> list[KeysValues]:
        """Room, for each temporal block, for keys and values of all places; holds anything.

        Args:
            num_frames: that fit.
            dtype: of keys and values.
        """
        config = self.core.config
        shape = (2, self.num_places, config.num_heads, num_frames, config.head_dim)
        return [
            KeysValues(*torch.empty(shape, dtype=dtype, device=self.device))
            for _ in range(config.temporal_depth)
        ]

    def as_map(self, features: Tensor) -> Tensor:
        """Features (b, d, t, h', w') of features (b, p, t, d)."""
        return features.unflatten(1, self.grid).permute(0, 4, 3, 1, 2)

    def signals(self, behaviors: Tensor, pupil_centers: Tensor) -> Tensor:
        """The behaviour that the core sees, (b, k, t), of (b, k', t) and (b, p, t)."""
        return select_behaviors(behaviors, pupil_centers, mode=self.core.config.behavior_mode)

    def spatial(self, video: Tensor, signals: Tensor, first_frames: Sequence[int]) -> Tensor:
        """Tokens (b, t, p, d) after attention within each frame, not yet over time.

        Args:
            video: (b, c, t + num_frames_seen - 1, h, w), nothing is padded in time.
            signals: (b, k, t + num_frames_seen - 1), see `signals`.
            first_frames: (b,) frame of the movie at which the first token stands.
        """
        tokenizer = self.core.tokenizer
        embedded = tokenizer.embed(video, signals, padding=(*tokenizer.padding[:4], 0, 0))
        num_batch, num_frames = embedded.shape[:2]
        tokens = self._with_positions(embedded, first_frames).flatten(0, 1)
        vivit = self.core.vivit
        if vivit.num_registers:
            registers = vivit.reg_s_tokens.to(tokens).expand(len(tokens), -1, -1)
            tokens = torch.cat((tokens, registers), dim=1)
        parts = [
            vivit.spatial_transformer(part, num_registers=vivit.num_registers)[:, : self.num_places]
            for part in tokens.split(max(1, SPATIAL_TOKENS // tokens.shape[1]))
        ]
        return torch.cat(parts).unflatten(0, (num_batch, num_frames))

    def temporal(
        self, tokens: Tensor, *, start: int, past: Sequence[KeysValues] | None = None
    ) -> tuple[Tensor, list[KeysValues]]:
        """Features (p, t, d) at p places, and what each block remembers of these t frames.

        Args:
            tokens: (p, t, d), as `spatial` gives them.
            start: frame of the movie at which the first of them stands.
            past: of each block, keys and values of the `start` frames before, at these places;
                None if `start` is 0.
        """
        num_frames = tokens.shape[1]
        transformer = self.core.vivit.temporal_transformer
        turns = None
        if transformer.tables is not None:
            turns = transformer.tables.turns(start + num_frames, num_fixed=0)[start:]
        remembered = []
        for block, earlier in zip(transformer.blocks, past or repeat(None), strict=False):
            assert isinstance(block, Block)
            tokens, own = _advance(block, tokens, turns, earlier)
            remembered.append(own)
        return self.core.activation(tokens), remembered

    def _with_positions(self, tokens: Tensor, first_frames: Sequence[int]) -> Tensor:
        tokenizer = self.core.tokenizer
        if not self.depends_on_time:
            return tokenizer.with_positions(tokens)
        num_frames = tokens.shape[1]
        added = tokenizer.with_positions(
            tokens.new_zeros(1, max(first_frames) + num_frames, *tokens.shape[2:])
        )[0]
        return tokens + torch.stack([added[t : t + num_frames] for t in first_frames])


def can_advance(core: "ViViTCore") -> bool:
    """Whether `core` can be computed in pieces: causal, each frame a token, tables that stay."""
    return core.causal and core.config.temporal_patch_stride == 1 and not core.as_published


def _advance(
    block: Block, tokens: Tensor, turns: Tensor | None, past: KeysValues | None
) -> tuple[Tensor, KeysValues]:
    """Tokens (p, t, d) after a block, and their keys (as `rotary.paired`) and values."""
    of_projected, of_hidden = block.input_weights()
    branch, (of_attended, inner) = attention_of(block, of_projected, turns)
    normed = block.norm(tokens)
    projected = _linear(block, normed, inner[0])
    if branch.norm_qk:
        projected = branch.normed_qk(projected, inner[1:])
    dtype = projected.dtype
    if turns is not None:
        projected = projected.float()  # complex numbers have no half precision
        turn_(projected, turns)
    query, key, value = branch.heads(projected.to(dtype))
    attended = _attend(query, key, value, past).transpose(1, 2).flatten(2)
    middle = _linear(block, attended, of_attended, plus=tokens)
    if not block.config.parallel_attention:
        normed = block.ff_norm(middle)
    activation, _, out = block.ff_out
    assert isinstance(out, nn.Linear)
    hidden = activation(_linear(block, normed, of_hidden))
    return _linear(block, hidden, out.weight, plus=middle), KeysValues(key, value)


def _linear(block: Block, inputs: Tensor, weight: Tensor, *, plus: Tensor | None = None) -> Tensor:
    """Product of inputs (p, t, k) and weight (n, k), plus `plus`, (p, t, n)."""
    if block.config.fast == 1 and not torch.is_grad_enabled() and is_covered(inputs, weight):
        rows = None if plus is None else plus.flatten(0, 1)
        return product(inputs.flatten(0, 1), weight, plus=rows).view(*inputs.shape[:2], -1)
    found = fast_linear(inputs, weight) if block.config.fast == 1 else F.linear(inputs, weight)
    return found if plus is None else plus + found


def _attend(query: Tensor, key: Tensor, value: Tensor, past: KeysValues | None) -> Tensor:
    """Attention output (p, heads, t, d) of t frames to themselves and to those before them.

    Queries hold the scale d^-0.5.
    """
    if compiled.covers(query, key, value, *(past or ())):
        return attend(query, key, value, is_causal=True, seen=past)
    if past is not None:
        if torch.is_grad_enabled() or query.shape[2] == 1:
            return _attend_in_parts(query, key, value, past)
        key, value = (torch.cat(pair, dim=2) for pair in zip(past, (key, value), strict=True))
    is_long = query.shape[2] * key.shape[2] * query.shape[3] >= MIN_WORK
    if is_long and not torch.is_grad_enabled() and is_covered(query, key, value):
        return _attend_by_head(query, key, value)
    if past is None:
        return F.scaled_dot_product_attention(query, key, value, is_causal=True, scale=1.0)
    mask = _later(query, num_seen=key.shape[2])
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=1.0)


def _attend_in_parts(query: Tensor, key: Tensor, value: Tensor, past: KeysValues) -> Tensor:
    """Earlier keys and values used where they lie.

    For one frame, to copy them beside the new ones would cost more than the products; for the
    backward pass, the copies of all blocks would have to be kept.
    """
    shape, num_frames = query.shape, query.shape[2]
    query, key, value = (x.flatten(0, 1) for x in (query, key, value))
    keys, values = (x.flatten(0, 1) for x in past)
    own = query @ key.mT
    if num_frames > 1:
        own = own + _later(query, num_seen=num_frames)
    logits = torch.cat((query @ keys.mT, own), dim=-1)
    earlier, own = logits.softmax(dim=-1).split((keys.shape[1], num_frames), dim=-1)
    return (earlier @ values + own @ value).view(shape)


def _attend_by_head(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Place by place and head by head, by oneDNN: fastest for many frames. No gradient.

    Args:
        query: (p, heads, t, d), of the last t frames.
        key: (p, heads, m + t, d).
        value: (p, heads, m + t, d).
    """
    num_places, num_heads, num_frames, head_dim = query.shape
    query, key, value = (x.contiguous() for x in (query, key, value))
    found = query.new_empty(num_places, num_frames, num_heads, head_dim)
    mask = _later(query, num_seen=key.shape[2])
    for place, head in pairs(range(num_places), range(num_heads)):
        logits = product(query[place, head], key[place, head], plus=mask)
        weights = torch.softmax(logits, dim=-1, out=logits)
        found[place, :, head] = product(weights, value[place, head].t())
    return found.transpose(1, 2)


def _later(query: Tensor, *, num_seen: int) -> Tensor:
    """(t, m + t): minus infinity where the frame is later than that of the query, else zero."""
    num_frames = query.shape[-2]
    later = query.new_full((num_frames, num_seen), float("-inf"))
    return later.triu(num_seen - num_frames + 1)
