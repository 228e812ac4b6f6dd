"""Asking anything that passes gradients: equal to what it predicts, and differentiable."""

import numpy as np
import pytest
import torch
from small_twins import CAUSAL, assert_same, grey_values, small_twin

from viv1t.data.synthetic import Population, SyntheticMouse
from viv1t.data.synthetic.energy import EnergyNeuron, EnergyNeurons
from viv1t.data.synthetic.oracle import oracle_truth
from viv1t.errors import ConfigError
from viv1t.insilico.responders import Ensemble
from viv1t.most_exciting_stimulus.respond import ask_of
from viv1t.units import GREY

LEAD, AFTER = 8, 3


def after_grey(movies, lead, after=0):
    edges = ((0, 0), (lead, after), (0, 0), (0, 0))
    return np.pad(movies, edges, constant_values=GREY).astype(np.float32)


def assert_passes_gradients(asked, movies):
    """The slope along a random direction is that of small changes."""
    movie = torch.tensor(movies, dtype=torch.float32, requires_grad=True)
    asked(movie).sum().backward()
    direction = torch.randn(movie.shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ahead, behind = (asked(movie + sign * 0.1 * direction).double().sum() for sign in (1, -1))
    expected = float(ahead - behind) / 0.2
    assert float((movie.grad * direction).sum()) == pytest.approx(expected, rel=0.05)
    assert expected != 0


@pytest.mark.parametrize("flags", [CAUSAL, {}], ids=["causal", "looks ahead"])
def test_a_twin_answers_as_it_predicts(flags):
    twin = small_twin(**flags)
    movies, rows = grey_values(2, 5, 12, 16), [2, 0]
    after = 0 if flags else AFTER
    asked = ask_of(twin, "A", neurons=rows, lead_frames=LEAD, after_frames=None if flags else AFTER)
    whole = twin.predict(after_grey(movies, LEAD, after), "A")
    assert_same(
        asked(torch.from_numpy(movies)), whole[:, rows, -5 - after : whole.shape[-1] - after]
    )
    assert_passes_gradients(asked, movies)


@pytest.mark.parametrize("flags", [CAUSAL, {}], ids=["causal", "looks ahead"])
def test_activations_made_anew_give_the_same_gradient_in_less_memory(flags):
    movies, found = torch.from_numpy(grey_values(1, 12, 12, 16)), []
    for is_anew in (False, True):
        twin = small_twin(**flags, grad_checkpointing=int(is_anew))
        twin.model.requires_grad_(not is_anew)
        asked = ask_of(twin, "A", neurons=[1, 3], lead_frames=LEAD)
        asked(movies)  # what is kept from call to call
        movie, kept = movies.clone().requires_grad_(), []

        def keep(tensor, kept=kept):
            kept.append(tensor.nbytes)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            responses = asked(movie)
        num_bytes = sum(kept)
        responses.square().sum().backward()
        found.append((responses, movie.grad, num_bytes))
    plain, anew = found
    assert_same(anew[0], plain[0])
    assert_same(anew[1], plain[1])
    assert plain[1].abs().max() > 0
    assert anew[2] < plain[2] / 2


def test_models_that_look_ahead_see_as_much_grey_after_as_before():
    movies = torch.from_numpy(grey_values(1, 4, 12, 16))
    for flags, later in ((CAUSAL, 0), ({}, LEAD)):
        twin = small_twin(**flags)
        plain = ask_of(twin, "A", neurons=[1], lead_frames=LEAD)
        named = ask_of(twin, "A", neurons=[1], lead_frames=LEAD, after_frames=later)
        assert torch.equal(plain(movies), named(movies))
    without = ask_of(twin, "A", neurons=[1], lead_frames=LEAD, after_frames=0)
    assert not torch.allclose(plain(movies), without(movies))


def test_the_truth_answers_as_it_predicts_in_any_state():
    mouse = SyntheticMouse({"O": Population(oracle_truth(1, num_neurons=4))})
    movies, rows = grey_values(2, 6, 36, 64), [3, 1]
    state = np.array([30.0, 10.0], np.float32), None
    for grey in (float(GREY), 100.0):
        for behavior in (None, state[0]):
            asked = ask_of(mouse, "O", neurons=rows, state=(behavior, None), grey=grey)
            whole = np.pad(movies, ((0, 0), (50, 0), (0, 0), (0, 0)), constant_values=grey)
            over_time = None if behavior is None else np.repeat(behavior[:, None], 56, axis=1)
            expected = mouse.predict(whole, "O", behavior=over_time, neurons=rows)[..., 50:]
            assert_same(asked(torch.from_numpy(movies)), expected)


def test_the_truth_passes_gradients_through_frames_that_are_equal():
    mouse = SyntheticMouse({"O": Population(oracle_truth(1, num_neurons=4))})
    mouse.model.populations["O"].surround.each_frame_once = True
    asked = ask_of(mouse, "O", neurons=[0, 2])
    assert_passes_gradients(asked, np.repeat(grey_values(1, 1, 36, 64), 12, axis=1))


def test_an_ensemble_is_the_mean_of_its_members():
    twins = [small_twin(**CAUSAL), small_twin(readout="gaussian", core_num_heads=1, **CAUSAL)]
    movies = torch.from_numpy(grey_values(2, 5, 12, 16))
    options = {"neurons": [1, 2], "lead_frames": LEAD}
    together = ask_of(Ensemble(twins, ["a", "b"]), "A", **options)(movies)
    apart = [ask_of(twin, "A", **options)(movies) for twin in twins]
    assert not torch.allclose(*apart)
    assert_same(together, (apart[0] + apart[1]) / 2)


def test_known_neurons_need_no_more_than_respond():
    cells = [EnergyNeuron(x_px=8, y_px=6, direction_deg=90.0 * i, cpp=0.1, cpf=0.1) for i in (0, 1)]
    known = EnergyNeurons.of(cells, frame=(12, 16))
    asked = ask_of(known, "K", neurons=[1])
    movies = grey_values(2, 5, 12, 16)
    assert_same(asked(torch.from_numpy(movies)), known.predict(movies, "K", neurons=[1]))
    assert_passes_gradients(asked, movies)


def test_who_cannot_be_asked():
    with pytest.raises(ConfigError, match="no method respond"):
        ask_of(object(), "A", neurons=[0])
    mouse = SyntheticMouse({"O": Population(oracle_truth(1, num_neurons=2))})
    with pytest.raises(ConfigError, match="neurons 0 to 1"):
        ask_of(mouse, "O", neurons=[2])
    with pytest.raises(ConfigError, match="mouse"):
        ask_of(mouse, "P", neurons=[0])
