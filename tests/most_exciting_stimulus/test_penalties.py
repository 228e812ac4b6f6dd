"""Penalties: by hand on small movies, and nothing where nothing is."""

import pytest
import torch

from viv1t.errors import ConfigError
from viv1t.most_exciting_stimulus.penalties import Jitter, Smoothness, SpectrumKL, TotalVariation
from viv1t.most_exciting_stimulus.spectrum import log_power

FLAT = torch.full((2, 5, 8, 10), 127.0)


def clips(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 255 * torch.rand((2, 5, 8, 10), generator=generator)


def spectrum_of(movie: torch.Tensor) -> torch.Tensor:
    return log_power(movie).mean(dim=(0, 1))


@pytest.mark.parametrize("penalty", [TotalVariation(weight=2), Smoothness(weight=2)])
def test_flat_movies_cost_nothing(penalty):
    assert penalty(FLAT).tolist() == [0, 0]
    assert penalty(FLAT[:, :1]).tolist() == [0, 0]


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_total_variation_is_the_step_between_neighbours_along_each_axis(axis):
    """Not the distance from the last row, as elsewhere: a ramp costs its slope, not its height."""
    size = FLAT.shape[axis]
    shape = [1, 1, 1, 1]
    shape[axis] = size
    ramp = 10 * torch.arange(float(size)).view(shape) * torch.ones(1, 5, 8, 10)
    assert TotalVariation(weight=3)(ramp).tolist() == pytest.approx([30])
    edge = torch.zeros(1, 5, 8, 10)
    edge.narrow(axis, 0, size // 2).fill_(100)
    assert TotalVariation(weight=1)(edge).tolist() == pytest.approx([100 / (size - 1)])


def test_total_variation_adds_the_axes():
    movie = clips()
    by_axis = sum(movie.diff(dim=a).abs().mean(dim=(1, 2, 3)) for a in (1, 2, 3))
    torch.testing.assert_close(TotalVariation(weight=1)(movie), by_axis)


def test_smoothness_is_about_time_only():
    movie = clips()
    still = movie[:, :1].expand(-1, 5, -1, -1)
    assert Smoothness(weight=1)(still).tolist() == [0, 0]
    flicker = torch.tensor([0.0, 10, 0, 10, 0])[None, :, None, None].expand(1, -1, 8, 10)
    assert Smoothness(weight=0.5)(flicker).tolist() == [50]


@pytest.mark.parametrize("with_dc", [False, True])
def test_spectrum_of_equal_movies_costs_nothing_and_that_of_others_much(with_dc):
    movie = clips()[:1]
    penalty = SpectrumKL(spectrum=spectrum_of(movie), alpha=2, with_dc=with_dc)
    assert penalty(movie).tolist() == [0]
    grating = 127 + 100 * torch.sin(torch.arange(10.0) * 1.2566).expand(1, 5, 8, 10)
    assert penalty(grating).item() > 0.01
    assert penalty(grating) == pytest.approx(
        2 * SpectrumKL(**{**vars(penalty), "alpha": 1})(grating)
    )


def test_mean_luminance_counts_only_if_asked():
    movie, natural = clips(), spectrum_of(clips(1))
    brighter = 0.5 * movie + 120
    shape = SpectrumKL(spectrum=natural)
    torch.testing.assert_close(shape(brighter), shape(movie), rtol=1e-4, atol=1e-6)
    whole = SpectrumKL(spectrum=natural, with_dc=True)
    assert (whole(brighter) > whole(movie) + 0.01).all()


def test_the_mean_hides_the_shape_of_the_spectrum():
    """The published form: most power is the mean, so a coarse and a fine movie hardly differ."""
    fine, coarse = clips(), clips().round(decimals=-2).cumsum(dim=-1) / 10
    natural = spectrum_of(coarse)
    found = [SpectrumKL(spectrum=natural, with_dc=dc)(fine).mean() for dc in (False, True)]
    assert found[0] > 1.5 * found[1]


def test_a_spectrum_of_another_size_is_refused():
    with pytest.raises(ConfigError, match="has 63 frequencies"):
        SpectrumKL(spectrum=torch.zeros(63))(clips())


@pytest.mark.parametrize(
    "penalty",
    [
        TotalVariation(weight=1),
        Smoothness(weight=1),
        SpectrumKL(spectrum=spectrum_of(clips(3))),
        SpectrumKL(spectrum=spectrum_of(clips(3)).numpy(), with_dc=True),
    ],
)
def test_descent_lowers_a_penalty_and_stimuli_do_not_mix(penalty):
    movie = clips().requires_grad_()
    before = penalty(movie)
    assert before.shape == (2,)
    (gradient,) = torch.autograd.grad(before[0], movie)
    assert gradient[1].abs().max() == 0
    after = penalty(movie - gradient / gradient.norm())
    assert after[0] < before[0]
    torch.testing.assert_close(after[1], before[1])


def test_jitter_moves_by_some_pixels_and_depends_on_the_step_only():
    movie = clips()
    jitter = Jitter(px=2, seed=7)
    assert torch.equal(jitter(movie, 3), Jitter(px=2, seed=7)(movie, 3))
    shifts = set()
    for step in range(60):
        moved = jitter(movie, step)
        assert moved.shape == movie.shape
        inner = moved[:, :, 2:-2, 2:-2]
        shifts |= {
            (down, right)
            for down in range(5)
            for right in range(5)
            if torch.equal(movie[:, :, down : down + 4, right : right + 6], inner)
        }
    assert len(shifts) > 15
    assert Jitter(px=0)(movie, 1) is movie


def test_jitter_repeats_the_edge():
    movie = torch.arange(10.0).expand(1, 1, 8, 10).contiguous()
    for step in range(20):
        moved = Jitter(px=3)(movie, step)[0, 0, 0]
        assert set(moved.diff().tolist()) <= {0.0, 1.0}
        assert 0 <= moved.min() <= moved.max() <= 9
