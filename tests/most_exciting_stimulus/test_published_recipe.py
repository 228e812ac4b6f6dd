"""The published recipe step by step: centre, exciting surround, inhibiting surround."""

import numpy as np
import pytest
import torch
from golden_cases import arrays, facts
from torch.nn.functional import softplus

from viv1t.most_exciting_stimulus.ascent import AscentConfig, ascend
from viv1t.most_exciting_stimulus.canvas import centre_disc, surround_ring
from viv1t.most_exciting_stimulus.constraints import Sigmoid
from viv1t.most_exciting_stimulus.objective import one_neuron
from viv1t.most_exciting_stimulus.parameters import Fourier
from viv1t.most_exciting_stimulus.published import PublishedParameters
from viv1t.units import GREY, Monitor

SCREEN = Monitor(width_cm=51.0, height_cm=29.0, distance_cm=20.0)
GOLDEN = facts("values", "mei")
FORMULAS = GOLDEN["opt/formulas"]
T, Y, X = (axis.astype(np.float64) for axis in np.mgrid[:30, :36, :64])
A, B, C = (FORMULAS[name] for name in "abc")
START = torch.tensor(0.2 * np.sin(A * X + B * Y + C * T), dtype=torch.float32)
CENTRE_VIDEO = 127 + 100 * np.cos(B * X - A * Y + C * T)
WEIGHT = torch.tensor(
    np.cos(A * (X - 30) + 0.5 * B * (Y - 16)) * np.exp(-((X - 30) ** 2 + (Y - 16) ** 2) / 60),
    dtype=torch.float32,
)[0]
MEAN, STD = 79.8, 57.3
PARAMETERS = Fourier(shape=(36, 64), sd=0, spatial_cutoff=0.5, temporal_cutoff=1.0)
WHOLE_TRANSFORM = PublishedParameters(method="cutoff", shape=(36, 64), sd=0)


def asked(movie):
    """(s, 1, t): the neuron of the golden file, after grey."""
    lead = movie.new_full((len(movie), 2, *movie.shape[2:]), GREY)
    seen = (torch.cat((lead, movie), dim=1) - MEAN) / STD
    z = 40 * (seen * WEIGHT).mean(dim=(2, 3))
    return softplus(0.5 * z[:, 2:] + 0.3 * z[:, 1:-1] + 0.2 * z[:, :-2])[:, None]


def canvas_of(mode):
    place = {"size_deg": FORMULAS["center_size"], "centre_px": tuple(FORMULAS["rf_center"])}
    if mode == 0:
        return centre_disc(SCREEN, **place)
    return surround_ring(SCREEN, CENTRE_VIDEO, outer_deg=FORMULAS["outer_size"], **place)


@pytest.mark.parametrize("parameters", [PARAMETERS, WHOLE_TRANSFORM], ids=["half", "whole"])
@pytest.mark.parametrize("mode", [0, 1, 2])
def test_the_published_trajectories(mode, parameters):
    expected = np.array(GOLDEN[f"opt/mode{mode}/loss_sum_max_per_step"])
    maxima = []

    def noted(movie):
        responses = asked(movie)
        maxima.append(float(responses.detach().max()))
        return responses

    objective = one_neuron(0, goal="inhibit" if mode == 2 else "excite")
    found = ascend(
        noted,
        objective,
        canvas_of(mode),
        parameters,
        Sigmoid(),
        init=START,
        config=AscentConfig(num_steps=len(expected), lr=0.05, weight_decay=0.0),
    )
    np.testing.assert_allclose(found.values[:, 0], expected[:, 1], rtol=1e-3)
    np.testing.assert_allclose(-objective.sign * found.values[:, 0], expected[:, 0], rtol=1e-3)
    np.testing.assert_allclose(maxima[: len(expected)], expected[:, 2], rtol=1e-3)
    assert found.step[0] == len(expected) - 1


@pytest.mark.parametrize("mode", [0, 1, 2])
def test_the_published_composition(mode):
    """What is shown at the start: generated inside, or around a clip, grey elsewhere and before."""
    stored = arrays("arrays", "mei")[f"compose|mode{mode}|video"].squeeze()
    signal = PARAMETERS.movie(PARAMETERS.start([0], init=START)).detach()
    shown = canvas_of(mode).show(Sigmoid()(signal, torch.ones(36, 64)))
    np.testing.assert_allclose(shown[0, [0, 15, 29]], stored[2:5], rtol=1e-4)
    assert (stored[[0, 1, 5]] == GREY).all()
