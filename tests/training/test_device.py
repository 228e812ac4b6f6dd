"""The choice of a device, and what is set for the whole process."""

import random

import numpy as np
import pytest
import torch

from viv1t.errors import ConfigError
from viv1t.utils.device import choose_device, device_name, prepare_process


@pytest.fixture
def machine(monkeypatch):
    """A machine that claims to have the devices it is told to have."""

    def claim(*, cuda=False, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2 * cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    claim()
    return claim


@pytest.mark.parametrize(
    ("cuda", "mps", "found"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_an_empty_name_takes_the_best_there_is(machine, cuda, mps, found):
    machine(cuda=cuda, mps=mps)
    assert choose_device("").type == found


def test_names_are_taken_as_they_are(machine):
    machine(cuda=True)
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    assert device_name(torch.device("cpu")) == "cpu"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpu", "--device should be one of cpu, cuda, mps, got 'gpu'"),
        ("cuda:x", "--device should be one of"),
        ("cpu:0", "--device should be one of"),
        ("cuda", "--device cuda was asked for, but torch finds none; use --device cpu"),
        ("mps", "--device mps was asked for"),
    ],
)
def test_devices_that_are_not_there(machine, name, message):
    with pytest.raises(ConfigError, match=message):
        choose_device(name)


def test_a_gpu_too_many(machine):
    machine(cuda=True)
    with pytest.raises(ConfigError, match=r"cuda:2 was asked for, but torch finds 2"):
        choose_device("cuda:2")


def test_a_seed_fixes_all_three_generators():
    draws = []
    for _ in range(2):
        prepare_process(torch.device("cpu"), seed=5, deterministic=False)
        legacy = np.random.rand()  # noqa: NPY002
        draws.append((random.random(), legacy, torch.rand(1).item()))
    assert draws[0] == draws[1]


def test_tf32_is_for_cuda_only(monkeypatch):
    wanted = []
    monkeypatch.setattr(torch, "set_float32_matmul_precision", wanted.append)
    for kind in ("cpu", "cuda"):
        prepare_process(torch.device(kind), seed=5, deterministic=False)
    assert wanted == ["high"]
