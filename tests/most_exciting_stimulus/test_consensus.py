"""What several seeds share: phases aligned, likeness and spread."""

import numpy as np
import pytest

from viv1t.most_exciting_stimulus.consensus import consensus, spread

T, H, W = 30, 24, 32


def drifting(phase, *, x=0.15, y=0.04, t=1 / 15, counter=0.0):
    """A Gabor that drifts; `counter` adds the component that drifts the other way."""
    frame, row, column = np.mgrid[:T, :H, :W]
    space = 2 * np.pi * (x * column + y * row)
    time = 2 * np.pi * t * frame
    wave = np.cos(space - time + phase) + counter * np.cos(space + time - 0.7 * phase)
    return 127 + 60 * wave * np.exp(-((column - 16) ** 2 + (row - 12) ** 2) / 40)


def test_phases_do_not_matter_but_directions_do():
    phases = np.random.default_rng(0).uniform(0, 2 * np.pi, 5)
    found = consensus([drifting(phase) for phase in phases])
    assert found.correlation.min() > 0.99
    assert found.plain.min() < 0.5
    assert found.mean_correlation > found.mean_plain
    np.testing.assert_allclose(np.diag(found.correlation), 1)
    other = consensus([drifting(0), drifting(0, x=-0.15, y=-0.04), drifting(0, x=-0.04, y=0.15)])
    assert np.abs(other.correlation[0, 1:]).max() < 0.15


def test_a_flicker_has_two_phases():
    found = consensus([drifting(phase, counter=1.0) for phase in (0.0, 1.0, 2.5)])
    assert found.correlation.min() > 0.98
    assert found.plain.min() < 0.6


def test_aligned_seeds_are_the_reference():
    movies = np.stack([drifting(phase) for phase in (0.3, 1.9, 4.0)])
    found = consensus(movies, reference=1)
    target = movies[1] - movies[1].mean()
    for aligned in found.aligned:
        assert np.corrcoef(aligned.ravel(), target.ravel())[0, 1] > 0.99
    assert np.corrcoef(found.shared.ravel(), target.ravel())[0, 1] > 0.995
    np.testing.assert_allclose(found.aligned[1], target, atol=1e-9)


def test_noise_is_not_alike():
    noise = np.random.default_rng(1).normal(127, 40, (4, T, H, W))
    found = consensus(noise)
    assert abs(found.mean_plain) < 0.02
    assert 0 < found.mean_correlation < 0.06


def test_only_free_pixels_count():
    free = np.zeros((H, W))
    free[:, :16] = 1
    first, second = np.stack([drifting(0.0), drifting(2.0)])
    second[:, :, 16:] = 255
    found = consensus([first, second], free)
    assert found.correlation[0, 1] > 0.9
    assert found.aligned[0][:, :, 16:] == pytest.approx(0, abs=1e-9)


def test_a_checkerboard_is_no_carrier():
    row, column = np.mgrid[:H, :W]
    board = 20 * (-1.0) ** (row + column)
    found = consensus([drifting(phase) + board for phase in (0.0, 2.0)])
    assert found.correlation[0, 1] > 0.99
    assert found.plain[0, 1] < 0.8


def test_images_and_single_seeds():
    images = np.stack([drifting(phase)[0] for phase in (0.0, 2.0, 4.0)])
    assert consensus(images).correlation.min() > 0.99
    assert np.isnan(consensus(images[:1]).mean_correlation)
    with pytest.raises(ValueError, match="movies should be"):
        consensus(images[0])


def test_a_grey_seed_is_like_no_other():
    found = consensus([drifting(0), np.full((T, H, W), 127.0)])
    assert found.correlation[0, 1] == 0


def test_spread_of_values():
    assert spread([4.0, 5.0, 5.0]) == pytest.approx(0.2)
    assert spread([3.0]) == 0
    assert spread([0.0, 0.0]) == 0
