"""Parts of the model against golden numbers and against slow versions written another way."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from model_cases import MODEL, relative_error

from viv1t.model.layers.activations import (
    SwiGLU,
    build_activation,
    build_output_activation,
)
from viv1t.model.layers.attention import attention
from viv1t.model.layers.drop import DropPatch, DropPath
from viv1t.model.layers.norms import build_norm
from viv1t.model.layers.patches import Unfold3d, UnfoldConv3d, full_padding, num_windows
from viv1t.model.layers.positions import SinusoidalPositions, sincos_2d_table, sinusoidal_table
from viv1t.model.layers.rotary import RotaryPositionEmbedding, RotaryTables, rotate

TOLERANCE = 2e-5


@pytest.fixture(scope="module")
def golden():
    with np.load(MODEL / "modules.npz") as stored:
        return {k: torch.from_numpy(stored[k]) for k in stored.files if k != "meta"}


def test_rotary(golden):
    tables = RotaryTables(30, head_dim=16, num_heads=2)
    embedding = RotaryPositionEmbedding(16)
    assert relative_error(embedding.inv_freq, golden["rope/inv_freq"]) < TOLERANCE
    assert relative_error(embedding.scale, golden["rope/scale"]) < TOLERANCE
    angles, scale = (torch.cat((x, x), dim=1) for x in tables.angles_and_scale(30))
    assert relative_error(angles.sin(), golden["rope/emb_sin"]) < TOLERANCE
    assert relative_error(angles.cos(), golden["rope/emb_cos"]) < TOLERANCE
    assert relative_error(scale, golden["rope/emb_scale"]) < TOLERANCE
    rotation = tables(25, num_fixed=4)
    for name in ("q", "k"):
        heads, expected = golden[f"rope/{name}"], golden[f"rope/{name}_out"]
        turned = rotate(heads.transpose(1, 2).flatten(2), rotation, head_dim=16)
        turned = turned.unflatten(-1, (2, 16)).transpose(1, 2)
        assert relative_error(turned, expected) < TOLERANCE
        assert torch.equal(turned[..., -4:, :], heads[..., -4:, :])


def test_rotary_keeps_its_centre_when_it_grows():
    tables = RotaryTables(16, head_dim=8, num_heads=1)
    before = tables(16, num_fixed=0)
    longer = tables(28, num_fixed=0)
    assert len(longer.cos) == 28
    for name in ("cos", "sin"):
        assert torch.equal(getattr(longer, name)[:16], getattr(before, name))
        assert torch.equal(getattr(tables(16, num_fixed=0), name), getattr(before, name))
    assert tables.centre == 8


def test_rotary_as_published_moves_its_centre_for_good():
    tables = RotaryTables(16, head_dim=8, num_heads=1, as_published=True)
    before = tables(16, num_fixed=0)
    longer = tables(28, num_fixed=2)
    fresh = RotaryTables(28, head_dim=8, num_heads=1)(28, num_fixed=2)
    assert torch.equal(longer.cos, fresh.cos)
    assert tables.centre == 14
    assert not torch.equal(tables(16, num_fixed=0).cos, before.cos)


def test_positions(golden):
    spatial = SinusoidalPositions(length=9, dim=16, axis="spatial", dropout=0.0)
    temporal = SinusoidalPositions(length=9, dim=16, axis="temporal", dropout=0.0)
    assert relative_error(spatial.pos_encoding, golden["sinusoidal/spatial"]) < TOLERANCE
    assert relative_error(temporal.pos_encoding, golden["sinusoidal/temporal"]) < TOLERANCE
    assert relative_error(sincos_2d_table(3, 5, 16), golden["sincos/pos_emb"]) < TOLERANCE
    tokens = torch.zeros(2, 7, 9, 16)
    assert torch.equal(temporal(tokens)[1, :, 4], sinusoidal_table(7, 16))
    assert torch.equal(spatial(tokens)[1, 3], sinusoidal_table(9, 16))


@pytest.mark.parametrize(
    ("mode", "name"), [(1, "elu1"), (2, "exp"), (3, "softplus"), (4, "sigmoid")]
)
@pytest.mark.parametrize("as_published", [False, True])
def test_output_activations(golden, mode, name, as_published):
    expected = golden[f"act/{name}"]
    activation = build_output_activation(mode, as_published=as_published)
    if mode == 3:
        with torch.no_grad():
            activation.log_beta.fill_(0.699999988079071)
    found = activation(golden["act/x"][: len(expected)])
    assert relative_error(found, expected) < TOLERANCE


def test_softplus_gradients_at_large_inputs():
    for as_published in (False, True):
        activation = build_output_activation(3, as_published=as_published)
        inputs = torch.tensor([-3.0, 0.0, 5.0, 19.0, 21.0, 200.0], requires_grad=True)
        activation(inputs).sum().backward()
        beta = activation.log_beta.detach().exp()
        expected = inputs.detach().clone().requires_grad_()
        F.softplus(expected * beta).sum().backward()
        assert torch.allclose(inputs.grad[:-1], expected.grad[:-1], rtol=1e-5)
        assert bool(inputs.grad[-1].isnan()) == as_published
        assert as_published or float(inputs.grad[-1]) == 1.0


def test_swiglu_and_norms(golden):
    assert relative_error(SwiGLU()(golden["act/swiglu_in"]), golden["act/swiglu_out"]) < TOLERANCE
    for name in ("layernorm", "rmsnorm", "dyt"):
        norm = build_norm(name, 16)
        keys = {k.split("/")[-1]: v for k, v in golden.items() if k.startswith(f"norm/{name}/")}
        inputs, expected = keys.pop("in"), keys.pop("out")
        norm.load_state_dict(keys, strict=False)
        assert relative_error(norm(inputs), expected) < TOLERANCE


@pytest.mark.parametrize(
    ("name", "at_minus_one"),
    [
        ("none", -1.0),
        ("tanh", math.tanh(-1)),
        ("elu", math.exp(-1) - 1),
        ("relu", 0.0),
        ("gelu", -0.5 * (1 + math.erf(-1 / math.sqrt(2)))),
        ("silu", -1 / (1 + math.e)),
    ],
)
def test_activations_by_name(name, at_minus_one):
    assert float(build_activation(name)(torch.tensor(-1.0))) == pytest.approx(at_minus_one)


def loop_attention(query, key, value, *, is_causal):
    """One query at a time, in float64."""
    out = np.zeros(query.shape)
    for b, h, i in np.ndindex(query.shape[:3]):
        seen = i + 1 if is_causal else key.shape[2]
        logits = key[b, h, :seen] @ query[b, h, i] / math.sqrt(query.shape[-1])
        weights = np.exp(logits - logits.max())
        out[b, h, i] = (weights / weights.sum()) @ value[b, h, :seen]
    return torch.from_numpy(out)


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("is_fused", [False, True])
def test_attention_equals_a_loop(is_causal, is_fused):
    torch.manual_seed(1)
    heads = [torch.randn(2, 3, 7, 4, dtype=torch.float64) for _ in range(3)]
    expected = loop_attention(*(x.numpy() for x in heads), is_causal=is_causal)
    found = attention(*heads, is_causal=is_causal, is_fused=is_fused)
    assert relative_error(found, expected) < 1e-12


def test_patches_are_cut_in_the_published_order():
    torch.manual_seed(0)
    video = torch.randn(2, 3, 6, 7, 9)
    options = {"channels": 3, "patch": (3, 4), "stride": (1, 2), "emb_dim": 5, "norm": "layernorm"}
    plain, conv = Unfold3d(**options), UnfoldConv3d(**options)
    windows = plain.windows(video)
    assert windows.shape == (2, 4, 2, 3, 3 * 3 * 4 * 4)
    expected = video[1, :, 2:5, 2:6, 4:8].reshape(-1)
    assert torch.equal(windows[1, 2, 1, 2], expected)
    assert torch.equal(conv.windows(video), windows)
    assert conv.state_dict()["weight"].shape == (3 * 48, 1, 3, 4, 4)
    conv.load_state_dict(plain.state_dict() | {"weight": conv.weight})
    assert relative_error(conv(video), plain(video)) < 1e-6


@pytest.mark.parametrize("length", [1, 5, 16, 36])
@pytest.mark.parametrize("patch", [1, 3, 7])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_padding_gives_one_window_per_stride(length, patch, stride):
    padded = length + full_padding(length, patch=patch, stride=stride)
    assert num_windows(padded, patch=patch, stride=stride) == math.ceil(length / stride)


@pytest.mark.parametrize(("module", "axes"), [(DropPath(0.4), (1, 2, 3)), (DropPatch(0.4), (3,))])
def test_drops_take_whole_entries_and_keep_the_mean(module, axes):
    torch.manual_seed(0)
    tokens = torch.ones(400, 5, 6, 2)
    out = module.train()(tokens)
    lowest, highest = out.amin(dim=axes), out.amax(dim=axes)
    assert torch.equal(lowest, highest)
    assert out.unique().tolist() == pytest.approx([0.0, 1 / 0.6])
    share = float((highest > 0).float().mean())
    assert share == pytest.approx(0.6, abs=0.08 if len(axes) == 3 else 0.02)
    assert torch.equal(module.eval()(tokens), tokens)
