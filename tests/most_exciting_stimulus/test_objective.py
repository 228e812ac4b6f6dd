"""Objectives: values, and what is refused."""

import numpy as np
import pytest
import torch

from viv1t.errors import ConfigError
from viv1t.most_exciting_stimulus.objective import Objective, difference, one_neuron, population

RESPONSES = torch.tensor(np.random.default_rng(0).normal(size=(3, 2, 5)), dtype=torch.float32)


@pytest.mark.parametrize("reduce", ["sum", "max"])
@pytest.mark.parametrize("goal", ["excite", "inhibit"])
def test_a_weighted_sum_over_neurons_of_the_sum_or_maximum_over_time(reduce, goal):
    objective = population({4: 0.25, 9: -2.0}, reduce=reduce, goal=goal)
    over_time = getattr(RESPONSES.numpy(), reduce)(axis=2)
    expected = 0.25 * over_time[:, 0] - 2 * over_time[:, 1]
    np.testing.assert_allclose(objective.value(RESPONSES), expected, rtol=1e-5)
    sign = 1 if goal == "excite" else -1
    np.testing.assert_allclose(objective.score(RESPONSES), sign * expected, rtol=1e-5)


def test_the_maximum_of_a_population_passes_gradients():
    responses = RESPONSES.clone().requires_grad_()
    population([0.5, 0.5], reduce="max").score(responses).sum().backward()
    slope = responses.grad.numpy()
    np.testing.assert_allclose(slope.sum(axis=2), 0.5)
    assert (np.argmax(slope, axis=2) == np.argmax(RESPONSES.numpy(), axis=2)).all()


def test_short_forms():
    assert one_neuron(7, goal="inhibit") == Objective(
        neurons=(7,), weights=(1.0,), reduce="sum", goal="inhibit"
    )
    assert difference(3, 1).weights == (1.0, -1.0)
    assert population(np.array([0.0, 0.75, 0.0, 0.25])).neurons == (1, 3)


@pytest.mark.parametrize(
    ("neurons", "weights", "match"),
    [
        ((), (), "one neuron or more"),
        ((1, 2), (1.0,), "a weight for each"),
        ((1, 1), (1.0, 1.0), "different rows"),
        ((-1,), (1.0,), "different rows"),
        ((0,), (float("nan"),), "finite"),
        ((0,), (0.0,), "not all 0"),
    ],
)
def test_what_cannot_be_wanted(neurons, weights, match):
    with pytest.raises(ConfigError, match=match):
        Objective(neurons=neurons, weights=weights)


def test_unknown_words_and_other_responses():
    with pytest.raises(ConfigError, match="reduce must be sum or max"):
        one_neuron(0, reduce="mean")
    with pytest.raises(ConfigError, match="goal"):
        one_neuron(0, goal="both")
    with pytest.raises(ConfigError, match="other than 0"):
        population([0.0, 0.0])
    with pytest.raises(ValueError, match=r"\(s, 1, t\)"):
        one_neuron(0).value(RESPONSES)
