"""Parameterisations: what they start from, what they keep, what they leave out."""

from itertools import product

import numpy as np
import pytest
import torch

from viv1t.errors import ConfigError
from viv1t.most_exciting_stimulus.parameters import Fourier, Pixel, Spectrum, standardised

SHAPE, NUM_FRAMES = (9, 12), 6
SIZE = {"shape": SHAPE, "num_frames": NUM_FRAMES}
AMPLITUDE = np.random.default_rng(0).uniform(0.5, 2, (NUM_FRAMES, SHAPE[0], SHAPE[1] // 2 + 1))


def make(name: str, *, static: bool = False, **options):
    if name == "spectrum":
        amplitude = AMPLITUDE[:1] if static else AMPLITUDE
        return Spectrum(**SIZE, static=static, amplitude=amplitude, **options)
    kind = Pixel if name == "pixel" else Fourier
    return kind(**SIZE, static=static, **options)


NAMES = ("pixel", "fourier", "spectrum")
EVERY = list(product(NAMES, (False, True)))


@pytest.mark.parametrize(("name", "static"), EVERY)
def test_movies_have_the_size_and_gradients_reach_the_numbers(name, static):
    parameters = make(name, static=static)
    param = parameters.start([3, 4])
    assert param.is_leaf
    assert not param.is_complex()
    movie = parameters.movie(param)
    assert movie.shape == (2, NUM_FRAMES, *SHAPE)
    assert bool((movie == movie[:, :1]).all()) == static
    (movie * torch.randn(movie.shape)).sum().backward()
    assert torch.isfinite(param.grad).all()
    assert (param.grad.flatten(1).abs().sum(dim=1) > 0).all()


@pytest.mark.parametrize(("name", "static"), EVERY)
def test_a_seed_starts_alike_whatever_is_beside_it(name, static):
    parameters = make(name, static=static)
    both, alone = parameters.start([3, 4]), parameters.start([4])
    assert torch.equal(both[1:], alone)
    assert not torch.equal(both[0], both[1])
    torch.testing.assert_close(parameters.movie(both)[1:], parameters.movie(alone))


@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("name", ["pixel", "fourier"])
@pytest.mark.parametrize("sd", [0.01, 1.0])
def test_noise_at_the_start_is_as_asked_of_movies_and_images(name, static, sd):
    kind = {"pixel": Pixel, "fourier": Fourier}[name]
    options = {} if name == "pixel" else {"spatial_cutoff": 1.0}
    parameters = kind(shape=(36, 64), static=static, sd=sd, **options)
    noise = parameters.movie(parameters.start([0, 1, 2]))
    assert noise.std().item() == pytest.approx(sd, rel=0.05)
    assert abs(noise.mean()) < 0.05 * sd


@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("name", ["pixel", "fourier"])
def test_a_clip_to_start_from_is_what_is_shown_first(name, static):
    options = {} if name == "pixel" else {"spatial_cutoff": 1.0}
    parameters = make(name, static=static, sd=0.0, **options)
    clip = torch.rand(1 if static else NUM_FRAMES, *SHAPE)
    movie = parameters.movie(parameters.start([0, 1], init=clip))
    torch.testing.assert_close(movie, clip.expand_as(movie), atol=1e-6, rtol=1e-5)


def test_a_clip_of_another_size_is_refused():
    with pytest.raises(ConfigError, match="give \\(t, h, w\\) of that size"):
        make("pixel").start([0], init=torch.zeros(NUM_FRAMES, 4, 4))


def test_fourier_is_a_low_pass_of_movies():
    parameters = make("fourier", spatial_cutoff=0.5, temporal_cutoff=0.34)
    movie = parameters.movie(parameters.start([0]))[0].detach().numpy()
    power = np.abs(np.fft.fftn(movie)) ** 2
    kept = np.ones(power.shape, bool)
    for axis, cutoff in enumerate((0.34, 0.5, 0.5)):
        frequency = np.abs(np.fft.fftfreq(power.shape[axis]))
        inside = frequency <= cutoff * frequency.max()
        kept &= np.expand_dims(inside, [a for a in range(3) if a != axis])
    assert power[~kept].max() < 1e-8 * power.max()
    assert (power[kept] > 0).all()
    param = parameters.start([0])
    parameters.movie(param).square().sum().backward()
    used = (param.grad != 0).any(dim=-1)[0].numpy()
    assert (used == kept[..., : SHAPE[1] // 2 + 1]).all()


def test_cutoffs_beyond_the_range_are_refused():
    with pytest.raises(ConfigError, match="--temporal_cutoff must lie within"):
        make("fourier", temporal_cutoff=1.5)


@pytest.mark.parametrize("shape", [(9, 12), (8, 11)])
@pytest.mark.parametrize("static", [False, True])
def test_spectrum_keeps_every_amplitude_whatever_the_phases(shape, static):
    t, columns = 1 if static else NUM_FRAMES, shape[1] // 2 + 1
    amplitude = np.random.default_rng(1).uniform(0.5, 2, (t, shape[0], columns))
    amplitude = amplitude_of_a_movie(amplitude, shape)
    parameters = Spectrum(shape=shape, num_frames=NUM_FRAMES, static=static, amplitude=amplitude)
    torch.manual_seed(0)
    for param in (parameters.start([0]), torch.randn(1, t, shape[0], columns) * 10):
        movie = parameters.movie(param)[0, :t].detach().numpy()
        found = np.abs(np.fft.rfftn(movie))
        assert movie.std() == pytest.approx(1, rel=1e-4)
        assert abs(movie.mean()) < 1e-5
        ratio = (found / amplitude).ravel()[1:]
        np.testing.assert_allclose(ratio, ratio.mean(), rtol=1e-3)


def amplitude_of_a_movie(amplitude: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Amplitudes that are the same for k and -k, as those of any real movie."""
    movie = np.fft.irfftn(amplitude, s=(len(amplitude), *shape), axes=(0, 1, 2))
    return np.abs(np.fft.rfftn(movie))


def test_spectrum_starts_with_the_phases_of_a_clip():
    clip = torch.from_numpy(np.random.default_rng(2).normal(size=(NUM_FRAMES, *SHAPE))).float()
    amplitude = torch.fft.rfftn(clip).abs().numpy()
    parameters = Spectrum(**SIZE, sd=0.0, amplitude=amplitude)
    movie = parameters.movie(parameters.start([0], init=clip))[0].detach()
    agreement = torch.corrcoef(torch.stack((movie.flatten(), clip.flatten())))[0, 1]
    assert agreement > 0.98  # 7 frequencies are their own mirror image: their sign is not kept
    other = parameters.movie(parameters.start([5], init=torch.randn_like(clip)))[0].detach()
    assert abs(torch.corrcoef(torch.stack((other.flatten(), clip.flatten())))[0, 1]) < 0.2


def test_spectrum_of_another_size_is_refused():
    with pytest.raises(ConfigError, match=r"estimate_natural_stimuli_spectrum\.py --num_frames"):
        Spectrum(shape=SHAPE, num_frames=NUM_FRAMES + 1, amplitude=AMPLITUDE)
    flat = Spectrum(**SIZE, amplitude=np.zeros_like(AMPLITUDE))
    with pytest.raises(ConfigError, match="all frequencies but the mean are 0"):
        flat.movie(flat.start([0]))


def test_standardised_clips():
    clip = standardised(100 + 30 * torch.randn(5, 6, 7))
    assert clip.mean().item() == pytest.approx(0, abs=1e-5)
    assert clip.std(correction=0).item() == pytest.approx(1, rel=1e-5)
    assert standardised(torch.full((2, 3, 4), 127.0)).abs().max() == 0


def test_free_phases_find_the_best_movie_of_their_amplitudes():
    """For a linear neuron, that is the one with the phases of its field: no other is as good."""
    parameters = Spectrum(**SIZE, amplitude=AMPLITUDE)
    field = parameters.movie(parameters.start([7])).detach()[0]  # of the same amplitudes
    param = parameters.start([0, 1])
    optimizer = torch.optim.AdamW([param], lr=0.05, weight_decay=0)
    for _ in range(200):
        optimizer.zero_grad()
        (-(parameters.movie(param) * field).mean(dim=(1, 2, 3)).sum()).backward()
        optimizer.step()
    reached = (parameters.movie(param) * field).mean(dim=(1, 2, 3))
    assert (reached > 0.99).all()
    assert (reached < 1 + 1e-4).all()
