"""Known-answer neurons answer as they say they do."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from viv1t.data.synthetic.energy import EnergyNeuron, EnergyNeurons
from viv1t.insilico.responder import Responder
from viv1t.stimuli.grating import drifting_grating
from viv1t.units import DEFAULT_MONITOR, FPS, GREY

NEURON = EnergyNeuron(x_px=30, y_px=16, direction_deg=60, cpp=0.1, cpf=1 / 15)
OPPOSITE = replace(NEURON, direction_deg=240)


def grating(like: EnergyNeuron, *, contrast: float = 1.0, num_frames: int = 42) -> np.ndarray:
    return drifting_grating(
        DEFAULT_MONITOR,
        direction_deg=like.direction_deg,
        num_frames=num_frames,
        cpd=like.cpp / DEFAULT_MONITOR.deg_per_px,
        hz=like.cpf * FPS,
        contrast=contrast,
    )


def steady(neurons: EnergyNeurons, *movies: np.ndarray) -> np.ndarray:
    """Mean responses once the movies fill the filters, (b, n)."""
    return neurons.predict(np.stack(movies), "K")[..., 12:].mean(axis=-1)


def test_preferred_grating_gives_the_peak_and_grey_the_baseline():
    neurons = EnergyNeurons.of([NEURON], baseline=2.0)
    assert isinstance(neurons, Responder)
    full, half, grey = steady(
        neurons, grating(NEURON), grating(NEURON, contrast=0.5), np.full((42, 36, 64), GREY)
    )[:, 0]
    assert grey == 2.0
    assert full == pytest.approx(12.0, rel=0.01)
    assert half == pytest.approx(7.0, rel=0.01)


@pytest.mark.parametrize(
    "other",
    [
        {"direction_deg": 90},
        {"direction_deg": 30},
        {"direction_deg": 240},
        {"cpp": 0.06},
        {"cpp": 0.14},
        {"cpf": 0.02},
        {"cpf": 0.12},
    ],
)
def test_other_gratings_drive_less(other: dict[str, float]):
    neurons = EnergyNeurons.of([NEURON])
    best, less = steady(neurons, grating(NEURON), grating(replace(NEURON, **other)))[:, 0]
    assert less < 0.9 * best


def test_two_directions_drive_a_neuron_without_one_alike():
    neurons = EnergyNeurons.of([NEURON, replace(NEURON, is_directional=False)])
    there, back = steady(neurons, grating(NEURON), grating(OPPOSITE))
    assert back[0] < 0.4 * there[0]
    assert back[1] == pytest.approx(there[1], rel=0.01)


def test_surround_divides_and_can_push_below_grey():
    neurons = EnergyNeurons.of([NEURON, replace(NEURON, suppression=3.0)])
    y, x = np.mgrid[:36, :64]
    inside = np.hypot(x - NEURON.x_px, y - NEURON.y_px) < 7
    whole = grating(NEURON)
    centre, ring = (np.where(mask, whole, GREY) for mask in (inside, ~inside))
    found = steady(neurons, centre, whole, ring)
    assert (found[:, 0] > 1).all()
    assert found[1, 1] < 0.6 * found[0, 1]
    assert found[2, 1] < 0.8


def test_nothing_is_seen_beyond_the_reach():
    neurons = EnergyNeurons.of([replace(NEURON, reach_px=9.0)])
    movie = torch.from_numpy(grating(NEURON))[None, None].requires_grad_()
    neurons.respond(movie, "K", start=12).sum().backward()
    assert movie.grad is not None
    y, x = np.mgrid[:36, :64]
    far = np.hypot(x - NEURON.x_px, y - NEURON.y_px) >= 9
    slopes = movie.grad[0, 0].numpy()
    assert np.abs(slopes[:, far]).max() == 0
    assert np.abs(slopes[:, ~far]).max() > 0


def test_respond_continues_what_predict_was_shown():
    neurons = EnergyNeurons.of([NEURON, OPPOSITE])
    movie = grating(NEURON, num_frames=20)
    before = np.full((30, 36, 64), 90, dtype=np.float32)
    whole = neurons.predict(np.concatenate([before, movie]), "K", neurons=[1])
    shown = torch.from_numpy(movie)[None, None]
    part = neurons.respond(shown, "K", start=30, grey=90.0, neurons=[1])
    np.testing.assert_allclose(part[0].numpy(), whole[:, 30:], rtol=1e-4)
    later = movie.copy()
    later[10:] = 255
    first, second = neurons.predict(np.stack([movie, later]), "K", batch_size=2)
    np.testing.assert_array_equal(first[:, :10], second[:, :10])
    assert (first[:, 10:] != second[:, 10:]).all()


def test_grey_screen_has_a_finite_gradient():
    neurons = EnergyNeurons.of([replace(NEURON, suppression=1.0)])
    movie = torch.full((1, 1, 15, 36, 64), float(GREY)).requires_grad_()
    neurons.respond(movie, "K", start=12).sum().backward()
    assert movie.grad is not None
    assert torch.isfinite(movie.grad).all()


def test_noise_has_filters_of_its_seed_without_a_tuning():
    models = [EnergyNeurons.noise(2, seed=seed, frame=(16, 28)) for seed in (0, 0, 1)]
    assert torch.equal(models[0].excitatory, models[1].excitatory)
    flat = [model.excitatory.flatten(5).flatten(0, 4) for model in models]
    norms = models[0].excitatory.square().sum(dim=(4, 5, 6))
    torch.testing.assert_close(norms, torch.ones_like(norms))
    assert torch.cosine_similarity(flat[0].flatten(), flat[2].flatten(), dim=0).abs() < 0.02
