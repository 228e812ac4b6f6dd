"""The blocks under `--core_fast 1` against the plain ones, and the products they are built on."""

import pytest
import torch
import torch.nn.functional as F
from model_cases import relative_error

from viv1t.model.layers import linear
from viv1t.model.layers.linear import fast_linear, has_one_dnn

needs_one_dnn = pytest.mark.skipif(not has_one_dnn(), reason="this PyTorch has no oneDNN linear")


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
