"""Constraints: contrast and luminance are held, and the optimum under them is found."""

import pytest
import torch

from viv1t.errors import ConfigError
from viv1t.most_exciting_stimulus.constraints import (
    HeldContrast,
    Sigmoid,
    mean_luminance,
    rms_contrast,
)
from viv1t.most_exciting_stimulus.parameters import Fourier, Parameterisation, Pixel

SHAPE, NUM_FRAMES = (18, 24), 12
T, Y, X = torch.meshgrid(
    torch.arange(float(NUM_FRAMES)), *(torch.arange(float(n)) for n in SHAPE), indexing="ij"
)
DISC = ((X[0] - 14) ** 2 + (Y[0] - 8) ** 2 < 81).float()
SOFT = torch.sigmoid(5 - torch.hypot(X[0] - 14, Y[0] - 8))
ENVELOPE = torch.exp(-((X - 14) ** 2 + (Y - 8) ** 2) / 24 - (T - 6) ** 2 / 18)
GABORS = [ENVELOPE * wave(0.63 * X + 0.42 * T) for wave in (torch.cos, torch.sin)]


def noise(power: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn((2, NUM_FRAMES, *SHAPE), generator=generator) ** power


SIGNALS = {"noise": noise(), "outliers": 1e3 * noise(3) + 7, "skewed": noise().exp()}


@pytest.mark.parametrize("mean", [127.5, 60.0, 230.0])
@pytest.mark.parametrize("name", SIGNALS)
def test_contrast_and_mean_are_held_and_values_stay_in_range(name, mean):
    highest = (mean * (255 - mean)) ** 0.5
    for free in (torch.ones(SHAPE), DISC, SOFT):
        for share in (0.1, 0.5, 0.9, 0.98):
            shown = HeldContrast(rms=share * highest, mean=mean)(SIGNALS[name], free)
            assert 0 <= shown.min() <= shown.max() <= 255
            assert rms_contrast(shown, free).tolist() == pytest.approx([share * highest] * 2, 1e-4)
            assert mean_luminance(shown, free).tolist() == pytest.approx([mean] * 2, 1e-4)


def test_low_contrast_is_a_line_of_the_signal():
    shown = HeldContrast(rms=20)(noise(), DISC)
    signal, grey = noise()[0].flatten(), shown[0].flatten()
    assert torch.corrcoef(torch.stack((signal, grey)))[0, 1] > 0.999999
    assert shown[:, :, DISC == 0].std() > 10  # beyond the canvas the signal goes on


def test_contrast_is_measured_over_the_free_canvas_and_all_frames():
    flicker = torch.zeros(1, 4, *SHAPE)
    flicker[:, ::2] = 100
    flicker[:, :, DISC == 0] = 255
    assert rms_contrast(flicker, DISC).tolist() == [50]
    assert mean_luminance(flicker, DISC).tolist() == [50]
    half = 0.5 * DISC
    assert rms_contrast(flicker, half).tolist() == [50]


@pytest.mark.parametrize("rms", [20, 60, 110])
def test_a_step_along_the_gradient_keeps_contrast_and_mean(rms):
    signal = noise().requires_grad_()
    shown = HeldContrast(rms=rms)(signal, DISC)
    kept = (rms_contrast(shown, DISC) + mean_luminance(shown, DISC)).sum()
    (gradient,) = torch.autograd.grad(kept, signal)
    assert gradient.abs().max() < 1e-4


def test_gradient_is_that_of_finite_differences_where_nothing_is_clipped():
    held = HeldContrast(rms=20)
    signal = noise()[:1, :2, 6:9, 12:15].double().requires_grad_()
    free = torch.tensor([[1.0, 0.5, 1.0]] * 3)
    assert torch.autograd.gradcheck(lambda x: held(x, free), signal)


@pytest.mark.parametrize("parameters", [Pixel, Fourier])
@pytest.mark.parametrize("rms", [30, 100])
def test_the_known_optimum_is_reached(parameters, rms):
    """The best movie for a linear neuron is its field, scaled, shifted and clipped."""
    held = HeldContrast(rms=rms)
    of_field = parameters(shape=SHAPE, num_frames=NUM_FRAMES)
    best = held(GABORS[0][None], DISC)
    found = climb(of_field, held, lambda movie: (movie * GABORS[0]).sum((1, 2, 3)))
    gain, possible = (((m - 127.5) * GABORS[0]).sum((1, 2, 3)) for m in (found, best))
    assert (gain > 0.98 * possible).all()
    assert (gain <= possible + 1e-3 * possible.abs()).all()


def test_phase_does_not_matter_to_an_energy_neuron():
    held = HeldContrast(rms=80)

    def energy(movie: torch.Tensor) -> torch.Tensor:
        parts = [((movie - 127.5) * gabor).sum((1, 2, 3)).square() for gabor in GABORS]
        return sum(parts).sqrt()

    found = climb(Fourier(shape=SHAPE, num_frames=NUM_FRAMES), held, energy)
    best = energy(held(GABORS[0][None], DISC))
    assert (energy(found) > 0.98 * best).all()


def climb(parameters: Parameterisation, constraint, value) -> torch.Tensor:
    param = parameters.start([0, 1])
    optimizer = torch.optim.AdamW([param], lr=0.05, weight_decay=0)
    for _ in range(150):
        optimizer.zero_grad()
        shown = constraint(parameters.movie(param), DISC)
        (-value(torch.where(DISC > 0, shown, 127.5)).sum()).backward()
        optimizer.step()
    shown = constraint(parameters.movie(param), DISC).detach()
    return torch.where(DISC > 0, shown, 127.5)


@pytest.mark.parametrize("wrong", [{"rms": 0}, {"rms": 128}, {"rms": 20, "mean": 255}])
def test_what_no_movie_can_have_is_refused(wrong):
    with pytest.raises(ConfigError, match="must lie"):
        HeldContrast(**wrong)


def test_signals_without_enough_values_are_refused():
    with pytest.raises(ConfigError, match="flat"):
        HeldContrast(rms=20)(torch.ones(1, 2, *SHAPE), DISC)
    one_pixel = torch.zeros(1, 2, *SHAPE)
    one_pixel[0, 0, 0, 0] = 1
    with pytest.raises(ConfigError, match="too few different values"):
        HeldContrast(rms=100)(one_pixel, torch.ones(SHAPE))


def test_sigmoid_is_the_published_range():
    signal = torch.tensor([-100.0, 0.0, 100.0]).view(1, 1, 1, 3)
    assert Sigmoid()(signal, torch.ones(1, 3)).flatten().tolist() == [0, 127.5, 255]
