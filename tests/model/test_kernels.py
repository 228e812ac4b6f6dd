"""The compiled attention against softmax attention in float64, and life without it."""

import subprocess
import sys
from contextlib import suppress

import pytest
import torch
from model_cases import relative_error

from viv1t.errors import UserError
from viv1t.model.kernels import attention as compiled
from viv1t.model.kernels import build
from viv1t.model.kernels.autograd import attend

with suppress(UserError):
    build.build()  # of the source as it is now, if there is a compiler

needs_kernel = pytest.mark.skipif(
    not compiled.is_built(), reason="no compiled kernels: python -m viv1t.model.kernels says why"
)

# batch, heads, queries, head_dim, earlier keys, causal
SHAPES = (
    (2, 2, 600, 80, 0, False),
    (1, 2, 300, 80, 0, True),
    (3, 2, 30, 80, 135, True),
    (2, 3, 37, 24, 5, True),
    (2, 3, 37, 8, 0, False),
    (1, 1, 50, 128, 0, True),
    (2, 2, 1, 40, 299, True),
    (2, 1, 25, 17, 7, False),
)


def stacks(shape):
    """Queries, keys and values as views of one tensor, and earlier keys and values."""
    batch, heads, length, head_dim, seen, _ = shape
    generator = torch.Generator().manual_seed(3)
    projected = torch.randn(batch, length, 3, heads, head_dim, generator=generator)
    projected[:, :, 0] *= 3 * head_dim**-0.5
    earlier = torch.randn(2, batch, heads, seen, head_dim, generator=generator)
    return [*projected.permute(2, 0, 3, 1, 4).unbind(), *earlier.unbind()]


def naive(query, key, value, seen_keys, seen_values, *, is_causal):
    logits = query @ torch.cat((seen_keys, key), dim=2).mT
    if is_causal:
        later = torch.ones(logits.shape[-2:], dtype=torch.bool).triu(seen_keys.shape[2] + 1)
        logits = logits.masked_fill(later, float("-inf"))
    return logits.softmax(dim=-1) @ torch.cat((seen_values, value), dim=2)


@needs_kernel
@pytest.mark.parametrize("num_threads", [1, 2])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_compiled_attention_equals_softmax_attention(shape, num_threads, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: num_threads)
    monkeypatch.setattr(compiled, "MIN_SHARED", 1)
    *_, seen, is_causal = shape
    given = stacks(shape)
    own = [x.detach().requires_grad_() for x in given[:3]]
    exact = [x.double().detach().requires_grad_() for x in given]
    assert compiled.covers(*own)
    found = attend(*own, is_causal=is_causal, seen=tuple(given[3:]) if seen else None)
    expected = naive(*exact, is_causal=is_causal)
    assert relative_error(found, expected) < 3e-6
    slope = torch.randn(found.shape, generator=torch.Generator().manual_seed(4))
    gradients = torch.autograd.grad(found, own, slope)
    of_exact = torch.autograd.grad(expected, exact[:3], slope.double())
    for gradient, wanted in zip(gradients, of_exact, strict=True):
        assert relative_error(gradient, wanted) < 5e-6


@needs_kernel
def test_large_logits_do_not_overflow_and_nan_stays_nan():
    query, key, value, *_ = stacks((1, 1, 20, 16, 0, False))
    found, _ = compiled.attend(1e4 * query, key, value, is_causal=False)
    nearest = (1e4 * query @ key.mT).argmax(dim=-1)
    assert torch.equal(found[0, :, 0], value[0, 0, nearest[0, 0]])
    key[0, 0, 3] = float("nan")
    assert compiled.attend(query, key, value, is_causal=False)[0].isnan().all()


@needs_kernel
def test_what_the_kernel_does_not_cover():
    query = torch.zeros(1, 1, 4, 130)
    assert not compiled.covers(query)
    assert not compiled.covers(torch.zeros(1, 1, 4, 16, dtype=torch.float64))
    assert not compiled.covers(torch.zeros(1, 1, 16, 4).transpose(2, 3))


def test_without_a_compiler_one_line_says_so(tmp_path):
    command = [sys.executable, "-m", "viv1t.model.kernels"]
    environment = {"PATH": "", "VIV1T_CACHE": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("no compiled kernels: no C++ compiler")
    assert done.stdout.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_compiler_that_fails_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("VIV1T_CACHE", str(tmp_path))
    monkeypatch.setenv("CXX", "false")
    build.library_path.cache_clear()
    try:
        with pytest.raises(UserError, match="cannot compile"):
            build.build()
        assert not list(tmp_path.iterdir())
    finally:
        build.library_path.cache_clear()
