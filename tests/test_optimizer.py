"""Optimisers, their resumption, and clipping against golden steps and a slow version."""

import io
import math

import numpy as np
import pytest
import torch
from golden_cases import facts
from torch import nn

from viv1t.config.schema import OptimConfig
from viv1t.optimizer import HISTORY, AutoClip, averaged, build_optimizer

CLIP_CASES = {case["name"]: case for case in facts("autoclip")}
FINITE_CASES = [name for name in CLIP_CASES if "_with_" not in name]
KINDS = pytest.mark.parametrize("schedule_free", [False, True], ids=["adamw", "schedule_free"])


def config(schedule_free, **values):
    return OptimConfig(lr=0.05, schedule_free=schedule_free, adam_warmup_steps=3, **values)


def groups_of(model):
    return [
        {"name": "core", "params": model[0].parameters(), "lr": 0.02, "weight_decay": 0.3},
        {"name": "readouts", "params": model[1].parameters(), "lr": 0.05, "weight_decay": 0.1},
    ]


def build(schedule_free, seed=0):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    return model, build_optimizer(groups_of(model), config(schedule_free))


def train(model, optimizer, steps, seed):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.randn(5, 3, generator=generator)).square().sum().backward()
        optimizer.step()


def weights(model):
    return [p.detach().clone() for p in model.parameters()]


def equal(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@KINDS
def test_groups_keep_their_names_rates_and_decays(schedule_free):
    _, optimizer = build(schedule_free)
    found = [(g["name"], g["lr"], g["weight_decay"]) for g in optimizer.param_groups]
    assert found == [("core", 0.02, 0.3), ("readouts", 0.05, 0.1)]
    assert all(g["betas"] == (0.9, 0.999) and g["eps"] == 1e-8 for g in optimizer.param_groups)


@KINDS
def test_frozen_parameters_do_not_move(schedule_free):
    model, optimizer = build(schedule_free)
    model[0].requires_grad_(False)
    optimizer.param_groups[0]["lr"] = 0.0
    before = weights(model)
    train(model, optimizer, 4, seed=1)
    assert equal(weights(model[0]), before[:2])
    assert not equal(weights(model[1]), before[2:])


def test_schedule_free_flags_reach_the_optimiser():
    model = nn.Linear(2, 2)
    groups = [{"name": "core", "params": model.parameters(), "lr": 0.1, "weight_decay": 0.0}]
    flags = config(True, adam_r=0.5, adam_weight_lr_power=1.5)
    (group,) = build_optimizer(groups, flags).param_groups
    assert (group["warmup_steps"], group["r"], group["weight_lr_power"]) == (3, 0.5, 1.5)
    assert group["train_mode"], "ready to train"


def test_averaged_weights_differ_from_those_in_training_and_come_back():
    model, optimizer = build(True)
    train(model, optimizer, 6, seed=2)
    training = weights(model)
    with averaged(optimizer):
        inside = weights(model)
    assert not equal(inside, training)
    for before, after in zip(training, weights(model), strict=True):
        torch.testing.assert_close(before, after, rtol=1e-5, atol=1e-6)
    assert optimizer.param_groups[0]["train_mode"]


def test_averaging_is_left_after_an_error():
    _, optimizer = build(True)
    with pytest.raises(KeyError), averaged(optimizer):
        raise KeyError
    assert optimizer.param_groups[0]["train_mode"]


def test_adamw_has_no_averaged_weights():
    model, optimizer = build(False)
    train(model, optimizer, 3, seed=2)
    before = weights(model)
    with averaged(optimizer):
        assert equal(weights(model), before)
    assert equal(weights(model), before)


@KINDS
def test_training_resumed_from_a_saved_state_goes_on_bit_for_bit(schedule_free):
    whole, optimizer = build(schedule_free)
    train(whole, optimizer, 7, seed=3)
    file = io.BytesIO()
    with averaged(optimizer):
        torch.save((whole.state_dict(), optimizer.state_dict()), file)
    train(whole, optimizer, 5, seed=4)

    resumed, fresh = build(schedule_free, seed=99)
    file.seek(0)
    saved_model, saved_optimizer = torch.load(file, weights_only=True)
    resumed.load_state_dict(saved_model)
    fresh.load_state_dict(saved_optimizer)
    if schedule_free:
        fresh.train()
    train(resumed, fresh, 5, seed=4)
    assert equal(weights(resumed), weights(whole))


# ---- clipping


def parameter_with(gradient):
    parameter = nn.Parameter(torch.zeros(len(gradient)))
    parameter.grad = torch.tensor([float(g) for g in gradient])
    return parameter


def clip_golden(case, **extra):
    return AutoClip(case["clip_grad"], history=case["buffer"], **extra)


@pytest.mark.parametrize(
    ("name", "as_published"),
    [*((name, True) for name in CLIP_CASES), *((name, False) for name in FINITE_CASES)],
)
def test_clipped_gradients_are_the_published_ones(name, as_published):
    clip = clip_golden(CLIP_CASES[name], as_published=as_published)
    for step in CLIP_CASES[name]["steps"]:
        parameter = parameter_with(step["grad_in"])
        result = clip([parameter, nn.Parameter(torch.zeros(2))])
        assert not result.skip
        close = {"rtol": 2e-4, "atol": 2e-5}
        np.testing.assert_allclose(result.norm, float(step["returned_norm"]), **close)
        np.testing.assert_allclose(result.max_norm, float(step["max_norm"]), **close)
        expected = [float(g) for g in step["grad_out"]]
        np.testing.assert_allclose(parameter.grad.numpy(), expected, **close)


@pytest.mark.parametrize("name", ["autoclip_with_nan", "autoclip_with_inf"])
def test_gradients_that_are_not_finite_are_skipped_and_forgotten(name):
    steps = CLIP_CASES[name]["steps"]
    clip, without = (clip_golden(CLIP_CASES[name]) for _ in range(2))
    skipped = []
    for step in steps:
        parameter, same = parameter_with(step["grad_in"]), parameter_with(step["grad_in"])
        result = clip([parameter])
        if result.skip:
            skipped.append(result.norm)
            torch.testing.assert_close(parameter.grad, same.grad, equal_nan=True, rtol=0, atol=0)
            continue
        assert result == without([same])
        assert parameter.grad.isfinite().all()
        assert torch.equal(parameter.grad, same.grad)
    assert len(skipped) == 1
    assert not math.isfinite(skipped[0])


def random_norms(count, seed=0):
    return np.random.default_rng(seed).lognormal(0, 1, count).astype(np.float32)


@pytest.mark.parametrize("history", [1, 2, 7, 50])
def test_threshold_is_the_quantile_of_the_remembered_norms(history):
    """Slow version: numpy's quantile over the last norms, ties included."""
    norms = np.round(random_norms(120), 1) + np.float32(0.1)
    clip = AutoClip(-1, history=history)
    for i, norm in enumerate(norms):
        expected = np.quantile(norms[max(0, i - history) : i], 0.1) if i else math.inf
        assert clip.max_norm == pytest.approx(float(expected), rel=1e-6)
        clip([parameter_with([norm])])


def test_clipping_that_is_saved_and_loaded_goes_on_alike():
    norms = random_norms(60, seed=1)
    whole = AutoClip(-1, history=25)
    for norm in norms[:40]:
        whole([parameter_with([norm, norm])])
    file = io.BytesIO()
    torch.save(whole.state_dict(), file)
    file.seek(0)
    resumed = AutoClip(-1, history=25)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    for norm in norms[40:]:
        first, second = parameter_with([norm, norm]), parameter_with([norm, norm])
        assert whole([first]) == resumed([second])
        assert torch.equal(first.grad, second.grad)


def test_a_full_history_forgets_its_oldest_norms():
    norms = torch.from_numpy(random_norms(HISTORY))
    clip = AutoClip(-1)
    clip.load_state_dict({"norms": norms})
    found = [clip([parameter_with([1.0, 2.0])]).norm for _ in range(3)]
    kept = clip.state_dict()["norms"]
    assert torch.equal(kept[:-3], norms[3:].to(kept.dtype))
    assert kept[-3:].tolist() == pytest.approx(found)


@pytest.mark.parametrize("clip_grad", [0.0, 2.5])
def test_fixed_limits_keep_no_history(clip_grad):
    clip = AutoClip(clip_grad)
    clip([parameter_with([3.0, 4.0])])
    assert len(clip.state_dict()["norms"]) == 0


def test_parameters_without_gradients_are_no_error():
    result = AutoClip(1.0)([nn.Parameter(torch.zeros(3))])
    assert result.norm == 0
    assert not result.skip
