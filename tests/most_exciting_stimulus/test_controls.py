"""Controls of stimuli keep what they say they keep; ranks by hand."""

import numpy as np
import pytest

from viv1t.most_exciting_stimulus.controls import (
    at_contrast,
    confusion,
    phase_scrambled,
    rotated,
    shifted,
    shown_pixels,
    time_reversed,
)

GREY = 127.0


def disc_movie(seed=0):
    """Noise in a disc on grey, (8, 21, 31)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:21, :31]
    inside = np.hypot(x - 15, y - 10) < 6
    return (GREY + inside * rng.uniform(-60, 60, (8, 21, 31))).astype(np.float32), inside


def test_pixels_that_show_something():
    movie, inside = disc_movie()
    np.testing.assert_array_equal(shown_pixels(movie), inside)


@pytest.mark.parametrize(("dx", "dy"), [(3, -2), (-4, 1), (0, 0), (40, 0)])
def test_shift_moves_all_and_lets_grey_in(dx, dy):
    movie, _ = disc_movie()
    moved = shifted(movie, dx, dy)
    if dx < 31:
        np.testing.assert_array_equal(moved[:, 10 + dy, 15 + dx], movie[:, 10, 15])
        np.testing.assert_array_equal(shifted(moved, -dx, -dy), movie)
        assert moved.std() == pytest.approx(movie.std())
    else:
        assert (moved == GREY).all()


def test_turns_are_clockwise_about_the_centre():
    movie = np.full((1, 21, 21), GREY, np.float32)
    movie[0, 10, 14] = 200.0  # right of the centre
    turned = rotated(movie, 90.0, (10.0, 10.0))
    assert turned[0, 14, 10] == pytest.approx(200.0, abs=1e-3)  # below it
    whole = rotated(rotated(movie, 90.0, (10.0, 10.0)), -90.0, (10.0, 10.0))
    np.testing.assert_allclose(whole, movie, atol=1e-3)


def test_reversal_twice_is_the_movie():
    movie, _ = disc_movie()
    np.testing.assert_array_equal(time_reversed(movie)[0], movie[-1])
    np.testing.assert_array_equal(time_reversed(time_reversed(movie)), movie)


def test_scrambles_keep_contrast_mean_pixels_and_spectrum():
    movie, inside = disc_movie()
    mixed = phase_scrambled(movie, np.random.default_rng(1))
    np.testing.assert_array_equal(shown_pixels(mixed), inside)
    assert mixed[:, inside].std() == pytest.approx(movie[:, inside].std(), rel=0.02)
    assert mixed[:, inside].mean() == pytest.approx(movie[:, inside].mean(), abs=1)
    assert abs(np.corrcoef(mixed[:, inside].ravel(), movie[:, inside].ravel())[0, 1]) < 0.15
    rng = np.random.default_rng(2)
    full = np.clip(GREY + rng.normal(0, 10, (8, 20, 30)).cumsum(axis=2), 40, 214)
    power = [np.abs(np.fft.rfftn(m - m.mean())) for m in (full, phase_scrambled(full, rng))]
    assert np.corrcoef(power[0].ravel(), power[1].ravel())[0, 1] > 0.97


def test_still_stimuli_stay_still_and_grey_stays_grey():
    image = np.repeat(disc_movie()[0][:1], 6, axis=0)
    mixed = phase_scrambled(image, np.random.default_rng(0))
    np.testing.assert_allclose(mixed, np.repeat(mixed[:1], 6, axis=0), atol=1e-3)
    assert mixed.std() > 1
    blank = np.full((4, 5, 6), GREY)
    np.testing.assert_array_equal(phase_scrambled(blank, np.random.default_rng(0)), blank)


def test_contrast_scales_deviations_from_grey():
    movie, inside = disc_movie()
    faint = at_contrast(movie, 0.25)
    assert faint[:, inside].std() == pytest.approx(movie[:, inside].std() / 4, rel=1e-4)
    assert (faint[:, ~inside] == GREY).all()


def test_ranks_by_hand():
    # Neuron 1 answers everything ten times as much: without z scores it would win everywhere.
    responses = np.array([[5.0, 20.0, 1.0], [1.0, 50.0, 2.0], [2.0, 30.0, 3.0]])
    found = confusion(responses, [0, 1, 2])
    np.testing.assert_array_equal(found.rank, [1, 1, 1])
    np.testing.assert_array_equal(found.rank_of_stimulus, [1, 1, 1])
    np.testing.assert_allclose(found.z.std(axis=0), 1)
    wrong = confusion(responses, [2, 0, 1])
    assert wrong.rank.min() > 1


def test_ranks_are_at_chance_where_there_is_nothing_to_know():
    rng = np.random.default_rng(0)
    ranks = np.concatenate(
        [confusion(rng.normal(size=(20, 20)), np.arange(20)).rank for _ in range(50)]
    )
    assert ranks.mean() == pytest.approx(10.5, abs=0.6)
    assert np.mean(ranks == 1) == pytest.approx(1 / 20, abs=0.025)
    silent = confusion(np.ones((4, 4)), np.arange(4))
    np.testing.assert_array_equal(silent.rank, 2.5)


@pytest.mark.parametrize("made_for", [[0, 1], [0, 1, 3]])
def test_what_does_not_fit_is_refused(made_for):
    with pytest.raises(ValueError, match=r"made_for|expected"):
        confusion(np.ones((3, 3)), made_for)
