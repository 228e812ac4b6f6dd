"""The blocks and registers of the vivit core against slow versions written another way."""

import pytest
import torch
import torch.nn.functional as F
from model_cases import SHAPES, relative_error, small_config, small_inputs, small_model
from schedulefree import AdamWScheduleFree

from viv1t.batch import DataShapes
from viv1t.model.cores.vivit.blocks import ParallelBlock, SequentialBlock
from viv1t.model.cores.vivit.config import ViViTConfig
from viv1t.model.cores.vivit.core import ViViTCore


def naive_attention(block, queries, keys, values, *, is_causal):
    """Heads one by one, the softmax written out."""
    size = block.config.head_dim
    found = []
    for head in range(block.config.num_heads):
        part = slice(head * size, (head + 1) * size)
        logits = queries[..., part] @ keys[..., part].mT / size**0.5
        if is_causal:
            later = torch.arange(logits.shape[-1])[None] > torch.arange(logits.shape[-2])[:, None]
            logits[..., later] = -torch.inf
        weights = logits.exp() / logits.exp().sum(-1, keepdim=True)
        found.append(weights @ values[..., part])
    return torch.cat(found, dim=-1)


def layer_norm(tokens, norm):
    centred = tokens - tokens.mean(-1, keepdim=True)
    deviation = (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    return centred / deviation * norm.weight + norm.bias


def small_block(kind, *, is_causal):
    torch.manual_seed(0)
    block = kind(small_config().core, is_causal=is_causal, is_rotary=False).eval()
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return block, torch.randn(3, 6, 16)


@pytest.mark.parametrize("is_causal", [False, True])
def test_parallel_block(is_causal):
    block, tokens = small_block(ParallelBlock, is_causal=is_causal)
    q, k, v, hidden = (layer_norm(tokens, block.norm) @ block.fused_linear.weight.T).split(
        (16, 16, 16, 24), dim=-1
    )
    attended = naive_attention(block, q, k, v, is_causal=is_causal) @ block.attn_out.weight.T
    expected = tokens + attended + hidden.clamp(min=0) @ block.ff_out[2].weight.T
    assert relative_error(block(tokens, None), expected) < 1e-5


@pytest.mark.parametrize("is_causal", [False, True])
def test_sequential_block(is_causal):
    block, tokens = small_block(SequentialBlock, is_causal=is_causal)
    q, k, v = (layer_norm(tokens, block.norm) @ block.qkv_linear.weight.T).chunk(3, dim=-1)
    attended = naive_attention(block, q, k, v, is_causal=is_causal) @ block.attn_out.weight.T
    middle = tokens + attended
    hidden = layer_norm(middle, block.ff_norm) @ block.ff_in.weight.T
    expected = middle + hidden.clamp(min=0) @ block.ff_out[2].weight.T
    assert relative_error(block(tokens, None), expected) < 1e-5


@pytest.mark.parametrize("pos_encoding", [0, 5])
def test_flash_and_manual_attention_agree(pos_encoding):
    inputs = small_inputs()
    found = []
    for flash in (0, 1):
        model = small_model(core_flash_attention=flash, core_pos_encoding=pos_encoding)
        with torch.no_grad():
            found.append(model(**inputs))
    assert relative_error(*found) < 1e-5


@pytest.mark.parametrize("is_causal", [True, False])
def test_temporal_registers_matter_only_without_causal_attention(is_causal):
    model, inputs = small_model(core_use_causal_attention=is_causal), small_inputs()
    with torch.no_grad():
        before = model(**inputs)
        model.core.vivit.reg_t_tokens.normal_(std=5)
        assert torch.equal(model(**inputs), before) == is_causal
        model.core.vivit.reg_s_tokens.normal_(std=5)
        assert not torch.equal(model(**inputs), before)


def test_skipping_causal_registers_changes_nothing():
    model = small_model(core_use_causal_attention=True)
    vivit = model.core.vivit
    tokens = torch.randn(4, 9, 16)
    registers = vivit.reg_t_tokens.expand(4, -1, -1)
    with torch.no_grad():
        skipped = vivit.temporal_transformer(tokens, num_registers=0)
        whole = vivit.temporal_transformer(torch.cat((tokens, registers), 1), num_registers=3)
    assert relative_error(skipped, whole[:, :9]) < 1e-6


@pytest.mark.parametrize("schedule_free", [True, False])
def test_optimisers_live_with_parameters_without_gradient(schedule_free):
    model = small_model(core_use_causal_attention=True).train()
    optimiser = (AdamWScheduleFree if schedule_free else torch.optim.AdamW)(model.parameters())
    before = {k: v.clone() for k, v in model.state_dict().items()}
    if schedule_free:
        optimiser.train()
    model(**small_inputs()).sum().backward()
    optimiser.step()
    if schedule_free:
        optimiser.eval()
    after = model.state_dict()
    assert torch.equal(after["core.vivit.reg_t_tokens"], before["core.vivit.reg_t_tokens"])
    assert not torch.equal(after["core.vivit.reg_s_tokens"], before["core.vivit.reg_s_tokens"])


def test_default_shapes_and_size():
    core = ViViTCore(ViViTConfig(), shapes=DataShapes(video=(1, 300, 36, 64)))
    assert core.output_shape == (112, 300, 18, 32)
    assert core.tokenizer.padding == (2, 3, 2, 3, 12, 0)
    assert sum(p.numel() for p in core.parameters()) == 3_787_042
    assert len(core.state_dict()) == 233
    assert core.vivit.temporal_transformer.tables.centre == 150
    unpadded = ViViTCore(ViViTConfig(pad_frame=0), shapes=DataShapes(video=(1, 300, 36, 64)))
    assert unpadded.output_shape == (112, 288, 15, 29)
    assert unpadded.num_frames_out(30) == 18


@pytest.mark.parametrize(
    ("flags", "num_parameters"),
    [
        ({"pos_encoding": 0}, 3_787_042),
        ({"pos_encoding": 1}, 23_140_642),
        ({"pos_encoding": 2}, 3_885_154),
        ({"pos_encoding": 3}, 3_851_554),
        ({"pos_encoding": 6}, 3_851_554),
        ({"norm_qk": True}, 3_804_962),
        ({"ff_activation": "swiglu"}, 4_489_506),
        ({"reg_tokens": 0}, 3_781_666),
        ({"norm": "rmsnorm"}, 3_780_609),
        ({"norm": "dyt"}, 3_787_072),
        ({"behavior_mode": 0}, 3_496_570),
        ({"behavior_mode": 1}, 3_641_806),
    ],
)
def test_published_numbers_of_parameters(flags, num_parameters):
    with torch.device("meta"):
        core = ViViTCore(ViViTConfig(**flags), shapes=DataShapes(video=(1, 300, 36, 64)))
    assert sum(p.numel() for p in core.parameters()) == num_parameters


@pytest.mark.parametrize("mode", [1, 2, 3, 4])
def test_movies_longer_than_the_position_table_are_refused(mode):
    model = small_model(core_pos_encoding=mode)
    inputs = small_inputs(num_frames=SHAPES.max_frames + 1)
    with pytest.raises(ValueError, match="positions for 20 frames of tokens, the movie gives 21"):
        model(**inputs)


def test_blocks_start_from_a_narrow_normal():
    torch.manual_seed(0)
    core = ViViTCore(ViViTConfig(spatial_depth=1, temporal_depth=1), shapes=SHAPES)
    weight = core.vivit.spatial_transformer.blocks[0].fused_linear.weight.detach()
    assert float(weight.std()) == pytest.approx(0.02, rel=0.02)
    bound = 1 / core.tokenizer.tokenizer.linear.in_features**0.5
    assert float(core.tokenizer.tokenizer.linear.weight.detach().abs().max()) == pytest.approx(
        bound, rel=0.01
    )


def test_behaviour_enters_as_padded_channels():
    """Only pixels of the frame carry behaviour: a token far from the margin sees all of it."""
    model, inputs = small_model(core_pos_encoding=0), small_inputs()
    tokenizer = model.core.tokenizer
    signals = {k: inputs[k] for k in ("behaviors", "pupil_centers")}
    video = F.pad(
        torch.cat(
            [inputs["inputs"]]
            + [s[..., None, None].expand(-1, -1, -1, 12, 16) for s in signals.values()],
            dim=1,
        ),
        tokenizer.padding,
    )
    top, left, frame = 2 * 2, 3 * 2, 7
    patch = video[0, :, frame : frame + 3, top : top + 5, left : left + 5].reshape(-1)
    part = tokenizer.tokenizer
    embedded = layer_norm(patch, part.norm) @ part.linear.weight.T + part.linear.bias
    expected = layer_norm(embedded, tokenizer.norm)
    tokens = tokenizer(inputs["inputs"], **signals)
    assert relative_error(tokens[0, frame, 2 * tokenizer.grid[1] + 3], expected) < 1e-5
