"""What repeats of a movie share is computed once, and changes nothing."""

import pytest
import torch
from model_cases import small_inputs, small_model

from viv1t.model.repeats import RepeatedMovies


def count_core(model):
    calls = []
    model.core.register_forward_hook(lambda *_: calls.append(1))
    return calls


def presentations():
    """Two movies, each shown three times to two mice with ever different behaviour."""
    for movie in range(2):
        inputs = small_inputs(seed=movie)["inputs"]
        for repeat in range(3):
            signals = small_inputs(seed=10 + 3 * movie + repeat)
            for mouse_id in "AB":
                yield signals | {"inputs": inputs.clone(), "mouse_id": mouse_id}


@pytest.mark.parametrize("core", ["vivit", "fcnn", "linear"])
@pytest.mark.parametrize("readout", ["gaussian", "factorized", "linear"])
@pytest.mark.parametrize("shifter_mode", [0, 2])
@torch.no_grad()
def test_repeats_are_answered_as_ever(core, readout, shifter_mode):
    model = small_model(core, readout, core_behavior_mode=0, shifter_mode=shifter_mode)
    expected = [model(**shown) for shown in presentations()]
    calls = count_core(model)
    asked = RepeatedMovies(model)
    found = [asked(**shown) for shown in presentations()]
    assert all(map(torch.equal, found, expected))
    assert len(calls) == 2, "the core computes each movie once"


@pytest.mark.parametrize("training", [True, False])
@torch.no_grad()
def test_a_core_that_sees_behaviour_or_learns_computes_each_time(training):
    model = small_model(core_behavior_mode=0 if training else 2).train(training)
    calls = count_core(model)
    asked = RepeatedMovies(model)
    for shown in presentations():
        asked(**shown)
    assert len(calls) == 12


@torch.no_grad()
def test_noise_is_drawn_each_time():
    asked = RepeatedMovies(small_model("random", "random"))
    first, second = (asked(**shown) for shown in list(presentations())[:3:2])
    assert not torch.equal(first, second)
