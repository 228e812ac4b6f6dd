"""The plateau schedule against golden step tables, and the mended warm-up."""

import math

import pytest
import torch
from golden_cases import facts
from torch.optim import SGD

from viv1t.scheduler import PlateauRule, PlateauScheduler

CASES = {case["name"]: case for case in facts("scheduler")}
RULE_NAMES = {"reduce_factor": "factor", "reduce_patient": "patience"}


class Restores:
    """Counts how often the best weights were asked for."""

    def __init__(self):
        self.count = 0

    def __call__(self):
        self.count += 1


def build(start_lr=(0.004, 0.01), *, restore=None, as_published=False, **rule):
    groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": lr} for lr in start_lr]
    return PlateauScheduler(
        SGD(groups, lr=start_lr[-1]),
        restore=restore or Restores(),
        rule=PlateauRule(**rule),
        as_published=as_published,
    )


def rates(scheduler):
    return [group["lr"] for group in scheduler.optimizer.param_groups]


def from_golden(case, **extra):
    rule = {RULE_NAMES.get(key, key): value for key, value in case["kwargs"].items()}
    return build(case["start_lr"], **rule, **extra)


@pytest.mark.parametrize("name", sorted(CASES))
def test_steps_are_the_published_ones(name):
    restore = Restores()
    scheduler = from_golden(CASES[name], restore=restore, as_published=True)
    assert rates(scheduler) == CASES[name]["start_lr"], "published: nothing applied before step 1"
    for step in CASES[name]["steps"]:
        stop = scheduler.step(float(step["value"]), epoch=step["epoch"])
        assert stop == bool(step["exit"])
        assert rates(scheduler) == pytest.approx(step["lr"], rel=1e-9)
        assert restore.count == step["restores"]
        assert scheduler.best_value == pytest.approx(step["best_value"], rel=1e-6)
        assert scheduler.optimizer.defaults["lr"] == pytest.approx(step["default_lr"], rel=1e-9)
        for attribute in ("lr_wait", "num_reduce", "best_epoch", "was_nan"):
            assert getattr(scheduler, attribute) == step[attribute], attribute


def test_warm_up_starts_low_and_later_epochs_are_as_published():
    case = CASES["warmup 5"]
    scheduler = from_golden(case)
    assert rates(scheduler) == pytest.approx([0.1 * lr for lr in case["start_lr"]])
    for step in case["steps"]:
        scheduler.step(float(step["value"]), epoch=step["epoch"])
        assert rates(scheduler) == pytest.approx(step["lr"])


@pytest.mark.parametrize("epochs", [-1, 1])
def test_warm_up_of_one_epoch_has_no_meaning(epochs):
    with pytest.raises(ValueError, match="at least 2"):
        PlateauRule(warmup_epochs=epochs)


@pytest.mark.parametrize("name", sorted(CASES))
@pytest.mark.parametrize("cut", [1, 4, 9])
def test_a_schedule_that_is_saved_and_loaded_goes_on_alike(name, cut):
    steps = [(float(s["value"]), s["epoch"]) for s in CASES[name]["steps"]]
    whole = from_golden(CASES[name])
    first = from_golden(CASES[name])
    for value, epoch in steps[:cut]:
        whole.step(value, epoch=epoch)
        first.step(value, epoch=epoch)
    resumed = from_golden(CASES[name])
    resumed.load_state_dict(first.state_dict())
    resumed.optimizer.load_state_dict(first.optimizer.state_dict())
    for value, epoch in steps[cut:]:
        assert resumed.step(value, epoch=epoch) == whole.step(value, epoch=epoch)
        assert rates(resumed) == rates(whole)
        assert resumed.state_dict() == whole.state_dict()


def test_state_after_a_step_holds_that_step():
    """The published code saved the state before the step, one improvement behind."""
    scheduler = build()
    scheduler.step(0.4, epoch=1)
    assert scheduler.state_dict()["best_value"] == 0.4
    assert scheduler.state_dict()["best_epoch"] == 1


def test_a_plain_float_nan_is_understood():
    """The published test for NaN took tensors only and raised TypeError on a float."""
    restore = Restores()
    scheduler = build(restore=restore)
    scheduler.step(0.1, epoch=1)
    assert not scheduler.step(math.nan, epoch=2)
    assert restore.count == 1
    assert scheduler.step(math.nan, epoch=3)
