"""The blocks under `--core_fast 1` against the plain ones, and the products they are built on."""

import pytest
import torch
import torch.nn.functional as F
from model_cases import gradients_of, relative_error, small_inputs, small_model

from viv1t.model.kernels import attention as compiled
from viv1t.model.layers import attention, linear, residual
from viv1t.model.layers.attention import attend, attend_backward
from viv1t.model.layers.drop import Dropout
from viv1t.model.layers.linear import fast_linear, has_one_dnn

needs_one_dnn = pytest.mark.skipif(not has_one_dnn(), reason="this PyTorch has no oneDNN linear")
NO_DROPOUT = {
    f"core_{name}": 0.0 for name in ("p_dropout", "mha_dropout", "ff_dropout", "drop_path")
}
DROPOUT = {
    "core_p_dropout": 0.1,
    "core_mha_dropout": 0.2,
    "core_ff_dropout": 0.3,
    "core_drop_path": 0.4,
}
FLAGS = [
    {},
    {"core_use_causal_attention": True},
    {"core_parallel_attention": False},
    {"core_parallel_attention": False, "core_norm_qk": True, "core_norm": "dyt"},
    {"core_norm": "rmsnorm"},
    {"core_norm": "rmsnorm", "core_norm_qk": True},
    {"core_norm_qk": True, "core_use_causal_attention": True},
    {"core_norm": "dyt", "core_pos_encoding": 0},
    {"core_norm_qk": True, "core_norm": "dyt", "core_reg_tokens": 0},
    {"core_reg_tokens": 0, "core_head_dim": 6, "core_num_heads": 3},
    {"core_pos_encoding": 6},
    {"core_pos_encoding": 0, "core_head_dim": 5},
    {"core_ff_activation": "swiglu"},
    {"core_ff_activation": "none"},
    {"core_ff_activation": "gelu", "core_parallel_attention": False},
    {"core_ff_activation": "tanh", "core_activation": "tanh"},
    {"core_flash_attention": 0},
]


@pytest.fixture(params=[False, True], ids=["", "in parts"])
def in_parts(request, monkeypatch):
    """Sequences a few at a time, attention head by head and some queries at a time."""
    if request.param:
        monkeypatch.setattr(compiled, "is_built", lambda: False)
        monkeypatch.setattr(residual, "CHUNK_TOKENS", 200)
        monkeypatch.setattr(attention, "MIN_WORK", 0)
        monkeypatch.setattr(attention, "MAX_LOGITS", 300)


def short_inputs():
    return small_inputs(num_frames=9)


def model_of(fast, flags, *, is_training=False):
    """A small model with lively weights."""
    model = small_model(core_fast=fast, **flags).train(is_training)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.core.vivit.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    return model


def responses_and_gradients(model):
    """Responses, and the gradients of all parameters and of the movie, of the same dropout."""
    inputs = short_inputs()
    movie = inputs["inputs"].requires_grad_()
    torch.manual_seed(2)
    responses = model(**inputs)
    (responses * torch.linspace(-1, 1, responses.numel()).view_as(responses)).sum().backward()
    return responses.detach(), gradients_of(model) | {"movie": movie.grad}, torch.randn(1)


def assert_same(fast, plain):
    (found, found_gradients, found_next), (expected, gradients, expected_next) = fast, plain
    assert relative_error(found, expected) < 1e-5
    assert found_gradients.keys() == gradients.keys()
    smallest = 1e-3 * max(float(x.abs().max()) for x in gradients.values())
    for name, gradient in gradients.items():
        tolerance = 1e-3 * max(float(gradient.abs().max()), smallest)
        assert float((found_gradients[name] - gradient).abs().max()) < tolerance, name
    assert torch.equal(found_next, expected_next)  # as many random numbers were drawn


@pytest.mark.parametrize("flags", FLAGS, ids=str)
def test_fast_equals_plain_in_training(flags, in_parts):
    models = (model_of(fast, DROPOUT | flags, is_training=True) for fast in (1, 0))
    assert_same(*(responses_and_gradients(model) for model in models))


@pytest.mark.parametrize("flags", FLAGS, ids=str)
def test_fast_equals_plain_in_eval(flags, in_parts):
    models = [model_of(fast, flags) for fast in (1, 0)]
    assert_same(*(responses_and_gradients(model) for model in models))
    with torch.no_grad():
        found = [model(**short_inputs()) for model in models]
    assert relative_error(*found) < 1e-5


@pytest.mark.parametrize("name", ["mha_dropout", "ff_dropout", "drop_path"])
@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_each_dropout_alone(name, activation):
    flags = NO_DROPOUT | {f"core_{name}": 0.5, "core_ff_activation": activation}
    models = (model_of(fast, flags, is_training=True) for fast in (1, 0))
    assert_same(*(responses_and_gradients(model) for model in models))


def test_branches_dropped_everywhere():
    """Of no sequence is anything left."""
    flags = NO_DROPOUT | {"core_drop_path": 0.999}
    models = [model_of(fast, flags, is_training=True) for fast in (1, 0)]
    assert_same(*(responses_and_gradients(model) for model in models))


@pytest.mark.parametrize("dropout", [NO_DROPOUT, DROPOUT], ids=["", "dropout"])
def test_checkpointing_changes_nothing(dropout):
    found = []
    for is_checkpointed in (True, False):
        model = model_of(1, dropout, is_training=True)
        for name in ("spatial_transformer", "temporal_transformer"):
            model.core.vivit.get_submodule(name).grad_checkpointing = is_checkpointed
        found.append(responses_and_gradients(model))
    assert_same(*found)


@pytest.mark.parametrize("names", [("norm", "attn_out"), ("core",), ("core", "readout", "shifter")])
def test_only_what_is_asked_for_gets_a_gradient(names):
    """Some weights frozen, or all."""
    model = model_of(1, {"core_norm_qk": True})
    _, expected, _ = responses_and_gradients(model)
    model.zero_grad(set_to_none=True)
    frozen = {k for k, _ in model.named_parameters() if any(name in k for name in names)}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name not in frozen)
    _, found, _ = responses_and_gradients(model)
    assert found.keys() == expected.keys() - frozen
    for name, gradient in found.items():
        assert relative_error(gradient, expected[name]) < 1e-6


@needs_one_dnn
def test_the_fast_path_is_taken(monkeypatch):
    """And nothing else: plain blocks are not called where it covers, and are where not."""
    calls = []
    model = model_of(1, {})
    block = type(model.core.vivit.spatial_transformer.blocks[0])
    plain = block.forward
    monkeypatch.setattr(block, "forward", lambda *a, **k: calls.append(1) or plain(*a, **k))
    model(**small_inputs())
    with torch.no_grad():
        model(**small_inputs())
    assert not calls
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        model(**small_inputs())
    assert len(calls) == 4
    monkeypatch.setattr(linear, "has_one_dnn", lambda: False)
    model(**small_inputs())
    assert len(calls) == 8


def test_autocast_is_near_float32():
    model = model_of(1, {})
    with torch.no_grad():
        expected = model(**small_inputs())
        with torch.autocast("cpu", torch.bfloat16):
            found = model(**small_inputs())
    assert 0 < relative_error(found.float(), expected) < 0.05


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("length", [7, 40])
def test_attention_and_its_gradient(length, is_causal, in_parts):
    torch.manual_seed(0)
    shape = (3, length, 2, 16)
    heads = [torch.randn(shape).transpose(1, 2).requires_grad_() for _ in range(3)]
    expected = F.scaled_dot_product_attention(*heads, is_causal=is_causal)
    slope = torch.randn(shape)
    gradients = torch.autograd.grad(expected, heads, slope.transpose(1, 2))
    heads = [x.detach() for x in heads]
    heads[0] = heads[0] / 4
    found, logsumexp = attend(*heads, is_causal=is_causal)
    assert relative_error(found.transpose(1, 2), expected) < 1e-5
    found_gradients = attend_backward(
        slope, *heads, found=found, logsumexp=logsumexp, is_causal=is_causal
    )
    found_gradients[:, :, 0] /= 4
    for found_gradient, gradient in zip(found_gradients.unbind(2), gradients, strict=True):
        assert relative_error(found_gradient.transpose(1, 2), gradient) < 1e-5


@pytest.mark.parametrize("rate", [0.04, 0.21, 0.5, 1e-7])
def test_dropout_rate_and_mean(rate):
    torch.manual_seed(0)
    layer = Dropout(rate)
    assert torch.equal(layer.eval()(torch.ones(9)), torch.ones(9))
    assert layer.draw((9,)) is None
    dropped = layer.train()(torch.ones(1_000_003))
    assert float(dropped.max()) == pytest.approx(1 / (1 - rate), rel=1e-4)
    assert float(dropped.mean()) == pytest.approx(1, abs=5e-3)
    share = float((dropped == 0).double().mean())
    assert share == pytest.approx(rate, abs=4 * (rate / 1e6) ** 0.5 + 1e-5)
    neighbours = (dropped[1:] == 0) & (dropped[:-1] == 0)
    assert float(neighbours.double().mean()) == pytest.approx(rate**2, abs=1e-3)


def outcome(function, inputs, weight, bias):
    """The result of a linear layer and the gradients of all that it is given."""
    leaves = [x.detach().clone().requires_grad_() for x in (inputs, weight, bias)]
    found = function(*leaves)
    slope = torch.linspace(-1, 1, found.numel()).view_as(found)
    return found, *torch.autograd.grad((found * slope).sum(), leaves)


@pytest.mark.parametrize("shape", [(5,), (1, 5), (7, 5), (2, 3, 5), (2, 3, 40, 5)], ids=str)
@pytest.mark.parametrize("num_outputs", [3, 8])
def test_linear_equals_plain(shape, num_outputs):
    torch.manual_seed(0)
    inputs, weight, bias = torch.randn(shape), torch.randn(num_outputs, 5), torch.randn(num_outputs)
    pairs = zip(
        outcome(fast_linear, inputs, weight, bias),
        outcome(F.linear, inputs, weight, bias),
        strict=True,
    )
    for fast, plain in pairs:
        assert relative_error(fast, plain) < 1e-5


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[..., 2:7],
        lambda x: x[:, ::2, :5],
        lambda x: x.transpose(0, 1)[..., :5],
        lambda x: x[..., ::2],
        lambda x: x[..., :1].expand(-1, -1, 5),
    ],
)
def test_linear_of_views(view):
    inputs, weight = view(torch.randn(4, 6, 10)), torch.randn(10, 3).t()[:, ::2]
    inputs.requires_grad_()
    slope = torch.ones(()).expand(*inputs.shape[:-1], 3)
    found = [f(inputs, weight) for f in (fast_linear, F.linear)]
    assert relative_error(*found) < 1e-5
    gradients = [torch.autograd.grad(x, inputs, slope)[0] for x in found]
    assert relative_error(*gradients) < 1e-5


@needs_one_dnn
def test_second_derivatives_raise():
    inputs, weight = torch.randn(4, 5, requires_grad=True), torch.randn(3, 5, requires_grad=True)
    total = fast_linear(inputs, weight).square().sum()
    (gradient,) = torch.autograd.grad(total, inputs, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


@needs_one_dnn
def test_linear_without_one_dnn(monkeypatch):
    """What oneDNN does not cover goes through PyTorch's own layer."""
    inputs, weight = torch.randn(4, 5), torch.randn(3, 5)
    calls = []
    product = linear.product
    monkeypatch.setattr(linear, "product", lambda *a, **k: calls.append(1) or product(*a, **k))
    fast_linear(inputs, weight)
    assert len(calls) == 1
    assert fast_linear(inputs.double(), weight.double()).dtype == torch.float64
    assert fast_linear(inputs[:0], weight).shape == (0, 3)
    with torch.autocast("cpu", torch.bfloat16):
        assert fast_linear(inputs, weight).dtype == torch.bfloat16
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)
    fast_linear(inputs, weight)
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", True)
    monkeypatch.setattr(linear, "has_one_dnn", lambda: False)
    fast_linear(inputs, weight)
    assert len(calls) == 1


@pytest.mark.parametrize("dropout", [NO_DROPOUT, DROPOUT], ids=["", "dropout"])
def test_training_follows_the_same_curve(dropout):
    """Fifty steps from one seed; positions in the readout are sampled in both alike."""
    curves = []
    for fast in (1, 0):
        model = small_model(core_fast=fast, core_use_causal_attention=True, **dropout).train()
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
        torch.manual_seed(3)
        losses = []
        for step in range(50):
            responses = model(**small_inputs(seed=step % 4, num_batch=1, num_frames=7))
            loss = (responses - torch.linspace(0, 2, 7)).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        curves.append(losses)
    fast, plain = curves
    assert plain[-1] < 0.8 * plain[0]
    assert fast == pytest.approx(plain, rel=1e-3)
