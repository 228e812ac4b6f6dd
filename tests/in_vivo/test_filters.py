"""Neurons that can speak are found, others are not."""

import numpy as np
import pytest

from viv1t.errors import DataError
from viv1t.in_vivo.filters import in_field, reliable, responsive
from viv1t.in_vivo.reliability import (
    correlated_neurons,
    day_correlations,
    inside_band,
    matched,
    stable_neurons,
)
from viv1t.units import Monitor

ROCHEFORT = Monitor(width_cm=51.0, height_cm=29.0, distance_cm=20.0)
ON, BEFORE = 30, 15


def day(rng, rate, noise=0.3, repeats=8):
    """{movie: (n, r, t)} of neurons with rates (n, movies, t)."""
    return {
        movie: rate[:, movie, None]
        + noise * rng.standard_normal((len(rate), repeats, rate.shape[2]))
        for movie in range(rate.shape[1])
    }


@pytest.fixture(scope="module")
def days():
    """Of 40 neurons the first 20 keep their rates, the others have new ones."""
    rng = np.random.default_rng(0)
    first, other = rng.gamma(1.0, 1.0, (2, 40, 4, 120))
    later = np.where((np.arange(40) < 20)[:, None, None], first, other)
    return day(rng, first), day(rng, later)


def test_stable_neurons_are_found_and_others_are_not(days):
    stable = stable_neurons(*days)
    assert stable[:20].all()
    assert not stable[20:].any()
    alike = correlated_neurons(day_correlations(*days), minimum=0.5)
    assert alike[:20].all()
    assert not alike[20:].any()


def test_the_published_filter_depends_on_the_number_of_neurons(days):
    few = [{movie: r[:5] for movie, r in of_day.items()} for of_day in days]
    many = [{movie: np.tile(r, (4, 1, 1)) for movie, r in of_day.items()} for of_day in days]
    assert stable_neurons(*few, as_published=True).all()
    changed = stable_neurons(
        *[{m: r[20:25] for m, r in d.items()} for d in days], as_published=True
    )
    assert changed.all()  # 5 neurons, 120 frames: 4 % of the frames are enough
    assert not stable_neurons(*many, as_published=True).any()
    assert stable_neurons(*many)[:20].all()


def test_missing_neurons_are_not_stable(days):
    later = {movie: r.copy() for movie, r in days[1].items()}
    for responses in later.values():
        responses[3] = np.nan
    assert not stable_neurons(days[0], later)[3]
    assert (inside_band(days[0], later)[3] == 0).all()
    assert rows(~matched(later)) == [3]


def test_half_of_an_odd_number_of_movies_is_rounded_up():
    rng = np.random.default_rng(1)
    rate = rng.gamma(1.0, 1.0, (3, 1, 100))
    first, later = day(rng, rate), day(rng, rng.gamma(1.0, 1.0, (3, 1, 100)))
    assert not stable_neurons(first, later).any()
    assert stable_neurons(first, later, as_published=True).all()


def test_days_without_a_common_movie_or_with_other_neurons(days):
    with pytest.raises(DataError, match="the two days share no movie: video ids 0, 1, 2, 3"):
        inside_band(days[0], {9: days[1][0]})
    with pytest.raises(DataError, match="first day has 40 neurons, the later day 39"):
        inside_band(days[0], {movie: r[1:] for movie, r in days[1].items()})


def test_receptive_fields_near_the_right_and_lower_margin_count():
    centres = np.array([[52.0, 30.0], [53.0, 30.0], [51.0, 31.0], [60.0, 31.0], [np.nan, np.nan]])
    near = in_field(centres[[0, 1, 2, 4]], monitor=ROCHEFORT)
    assert near.tolist() == [True, True, True, False]
    published = in_field(centres[[0, 1, 2, 4]], monitor=ROCHEFORT, as_published=True)
    assert not published.any()
    assert not in_field(np.vstack([np.tile(centres[0], (9, 1)), centres[3]]), monitor=ROCHEFORT)[-1]


def test_no_receptive_field_at_all():
    assert not in_field(np.full((3, 2), np.nan), monitor=ROCHEFORT).any()


def test_responsive_neurons():
    rng = np.random.default_rng(2)
    grey = rng.normal(1, 0.1, (3, BEFORE + ON + 15))
    grey[1, BEFORE + 4] += 1
    grey[0, BEFORE : BEFORE + ON] -= 1
    grey[2] = np.nan
    assert responsive(grey, before=BEFORE, on=ON).tolist() == [False, True, False]


def test_reliable_neurons_and_chance():
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((60, 6, 10, ON))
    found = reliable(noise, 3)
    assert found.mean() <= 0.15  # at least 95 of 100 draws: 5 % by chance
    course = np.sin(np.arange(ON) / 2)
    noise[:, 3] += course
    assert reliable(noise, 3).all()


def test_reliable_with_missing_repeats_and_neurons():
    rng = np.random.default_rng(4)
    values = rng.standard_normal((3, 6, 10, ON))
    values[:, 3] += 2 * np.sin(np.arange(ON) / 2)
    values[1, 3, 6:] = np.nan
    values[2] = np.nan
    assert reliable(values, 3).tolist() == [True, True, False]


def rows(mask):
    return np.flatnonzero(mask).tolist()
