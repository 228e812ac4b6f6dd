"""The fast patch embedding (`--core_fast 1`) against the plain one."""

import pytest
import torch
from model_cases import golden_case, gradients_of, relative_error, small_inputs, small_model

from viv1t.batch import DataShapes
from viv1t.model.layers.folded import can_fold

FLAGS = [
    {},
    {"core_norm": "rmsnorm"},
    {"core_norm": "dyt"},
    {"core_patch_contrast": 0.01},
    {"core_patch_contrast": 0.01, "core_norm": "rmsnorm"},
    {"core_norm": "dyt", "core_behavior_mode": 0},
    {"core_pad_frame": 0},
    {"core_behavior_mode": 1},
    {"core_behavior_mode": 0},
    {"core_behavior_mode": 0, "core_norm": "rmsnorm"},
    {"core_behavior_mode": 0, "core_temporal_patch_size": 1},
    {"core_spatial_patch_size": 2, "core_spatial_patch_stride": 3},
    {"core_use_causal_attention": True, "core_spatial_patch_stride": 1},
]


def outcome(fast, flags, inputs):
    """Responses, gradients of all parameters, and the gradient of the movie."""
    model = small_model(core_fast=fast, **flags)
    assert can_fold(model.core.tokenizer.tokenizer)
    movie = inputs["inputs"].clone().requires_grad_()
    responses = model(**inputs | {"inputs": movie})
    (responses * torch.linspace(-1, 1, responses.numel()).view_as(responses)).sum().backward()
    return responses, gradients_of(model) | {"movie": movie.grad}


@pytest.mark.parametrize("flags", FLAGS, ids=str)
def test_fast_equals_plain(flags):
    inputs = small_inputs()
    (fast, fast_gradients), (plain, gradients) = (outcome(f, flags, inputs) for f in (1, 0))
    assert relative_error(fast, plain) < 1e-5
    assert fast_gradients.keys() == gradients.keys()
    for name, gradient in gradients.items():
        assert relative_error(fast_gradients[name], gradient) < 2e-4, name


def screens(noise):
    """Movies whose windows have little or no contrast, all or some of them."""
    periods, flat_part = noise.clone(), noise.clone()
    periods[:, :, 4:14] = 0.83
    flat_part[..., 2:10, :12] = 37.0
    return {
        "grey": torch.full_like(noise, 0.8),
        "bright": torch.full_like(noise, 40.0),
        "grey periods": periods,
        "bright flat part": flat_part,
        "low contrast": 0.8 + 1e-3 * noise,
    }


@pytest.mark.parametrize("screen", screens(torch.zeros(1, 1, 20, 12, 16)))
@pytest.mark.parametrize("behavior_mode", [0, 2])
@pytest.mark.parametrize("channels", [1, 2])
def test_windows_without_contrast_lose_no_digits(screen, behavior_mode, channels):
    """Against the plain path in float64, as in float32 that one loses digits itself."""
    shapes = DataShapes(video=(channels, 20, 12, 16), max_frames=20)
    flags = {"shapes": shapes, "core_behavior_mode": behavior_mode}
    inputs = small_inputs(shapes=shapes)
    inputs["inputs"] = screens(inputs["inputs"])[screen]
    del inputs["mouse_id"]
    found = []
    for fast, dtype in ((1, torch.float32), (0, torch.float64)):
        tokenizer = small_model(core_fast=fast, **flags).core.tokenizer.to(dtype)
        movie, *signals = (value.detach().to(dtype) for value in inputs.values())
        movie.requires_grad_()
        tokens = tokenizer(movie, behaviors=signals[0], pupil_centers=signals[1])
        (tokens * torch.linspace(-1, 1, tokens.numel()).view_as(tokens)).sum().backward()
        gradients = {k: p.grad for k, p in tokenizer.named_parameters()} | {"movie": movie.grad}
        found.append((tokens, gradients))
    (fast, fast_gradients), (plain, gradients) = found
    torch.testing.assert_close(fast.double(), plain, rtol=2e-4, atol=2e-5)
    for name, gradient in gradients.items():
        assert relative_error(fast_gradients[name].double(), gradient) < 1e-3, name


@pytest.mark.parametrize("fast", [0, 1])
@pytest.mark.parametrize(("floor", "sees_contrast"), [(None, False), (0.01, True)])
def test_contrast_is_hidden_unless_tokens_are_told(fast, floor, sees_contrast):
    flags = {"core_fast": fast, "core_patch_contrast": floor, "core_behavior_mode": 0}
    tokenizer = small_model(**flags).core.tokenizer
    full = small_inputs()
    low = full | {"inputs": 0.2 * full["inputs"]}
    with torch.no_grad():
        tokens = [
            tokenizer.embed(x["inputs"], x["behaviors"][:, :0], padding=tokenizer.padding)
            for x in (full, low)
        ]
    assert (relative_error(*tokens) > 0.1) == sees_contrast
    assert (relative_error(*tokens) < 1e-3) != sees_contrast


@pytest.mark.parametrize(
    ("flags", "is_wanted"),
    [
        ({}, True),
        ({"core_fast": 0}, False),
        ({"core_patch_mode": 1}, False),
        ({"core_norm": "dyt"}, True),
        ({"core_behavior_mode": 0}, True),
        ({"core_spatial_patch_size": 1}, False),
    ],
)
def test_when_it_is_used(flags, is_wanted, monkeypatch):
    calls = []
    model = small_model(**flags)
    plain = type(model.core.tokenizer.tokenizer)
    forward = plain.forward
    monkeypatch.setattr(plain, "forward", lambda *a: calls.append(1) or forward(*a))
    with torch.no_grad():
        model(**small_inputs())
        assert bool(calls) != is_wanted
        with torch.autocast("cpu", torch.bfloat16):
            model(**small_inputs())
    assert len(calls) == (1 if is_wanted else 2)


def test_golden_tokens_with_the_plain_embedding():
    case = golden_case("vivit_readme_small")
    core = case.core(core_fast=0)
    with torch.no_grad():
        tokens = core.tokenizer(case.tensor("in/video"), **case.signals())
    assert relative_error(tokens, case.tensor("out/A/tokens")) < 1e-6
