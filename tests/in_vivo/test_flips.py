"""Flips in recorded presentations: found, not invented, never tested where they were selected."""

import numpy as np
import pytest

from viv1t.in_vivo.flips import (
    flip_shares,
    flips,
    preference,
    shuffled,
    shuffled_contrasts,
)

R = 20


def presentations(rng, iso, cross, noise=0.25, num=R):
    """(n, 2, r) noisy responses of mean iso and cross (n,)."""
    mean = np.stack([iso, cross], axis=1)[..., None]
    shape = 1 / noise**2
    return mean * rng.gamma(shape, 1 / shape, (len(iso), 2, num))


def population(seed, *, flipping, num=60, noise=0.25):
    """High and low responses; a share of the neurons flips, the others prefer cross always."""
    rng = np.random.default_rng(seed)
    flip = np.arange(num) < round(flipping * num)
    iso_low = np.where(flip, 1.6, 0.8)
    high = presentations(rng, np.full(num, 0.7), np.full(num, 1.2), noise)
    low = presentations(rng, iso_low, np.full(num, 1.0), noise)
    return high, low, flip


def precision_recall(found, truth):
    hits = (found & truth).sum()
    return hits / max(found.sum(), 1), hits / truth.sum()


def test_flips_are_recovered_by_both_definitions():
    high, low, truth = population(0, flipping=0.3)
    table = flips(high, low)
    for column in ("flip", "published"):
        precision, recall = precision_recall(table[column].to_numpy(), truth)
        assert precision >= 0.9, column
        assert recall >= 0.9, column


def test_noise_makes_published_flips_but_no_others():
    """No neuron prefers anything; single presentations vary by 80 %."""
    published = validated = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        ones = np.ones(60)
        high, low = (presentations(rng, ones, ones, 0.8) for _ in range(2))
        table = flips(high, low)
        published += table["published"].sum()
        validated += int(table["flip"].any())
    assert published / (20 * 60) >= 0.04  # a quarter of a quarter
    assert validated <= 3  # 5 % of 20 sessions


def test_tests_never_see_what_selected():
    """With selected halves alone flipping, no test on the other half finds anything."""
    rng = np.random.default_rng(5)
    high, low = (presentations(rng, np.ones(40), np.ones(40), 0.3) for _ in range(2))
    high[:, 1, ::2] *= 3  # only odd presentations prefer cross at high
    low[:, 0, ::2] *= 3  # and iso at low contrast
    table = flips(high, low)
    assert table["selected"].all()
    assert table["published"].all()
    assert table["flip"].sum() <= 2


def test_missing_presentations_and_neurons():
    high, low, truth = population(1, flipping=0.3)
    high[:10, :, -3:] = np.nan
    high[-1] = np.nan
    low[-1] = np.nan
    table = flips(high, low)
    assert np.isnan(table["p"].iloc[-1])
    assert not table["flip"].iloc[-1]
    _, recall = precision_recall(table["flip"].to_numpy(), truth)
    assert recall >= 0.8


def test_chance_is_that_of_shuffled_surrounds():
    high, low, truth = population(2, flipping=0.3)
    shares = flip_shares(high, low, rng=np.random.default_rng(0), num=40).set_index("definition")
    assert shares.loc["published", "share"] == pytest.approx(truth.mean(), abs=0.05)
    assert (shares["chance"] < 0.1).all()
    assert (shares["p"] <= 1 / 41 + 1e-9).all()
    assert (shares["num_neurons"] == 60).all()
    cut = high.copy()
    cut[:, :, -1] = np.nan
    with_gaps = flip_shares(cut, low, rng=np.random.default_rng(0), num=40).set_index("definition")
    assert with_gaps.loc["published", "chance"] == pytest.approx(
        shares.loc["published", "chance"], abs=0.03
    )


def test_shuffles_keep_the_presentations():
    rng = np.random.default_rng(0)
    high, low = rng.normal(size=(2, 4, 2, R))
    dealt = np.concatenate(shuffled_contrasts(high, low, rng=rng), axis=2)
    np.testing.assert_array_equal(
        np.sort(dealt, axis=2), np.sort(np.concatenate([high, low], axis=2), axis=2)
    )
    ours = shuffled(high, low, rng=rng)
    for one, other in zip(ours, (high, low), strict=True):
        np.testing.assert_array_equal(np.sort(one.reshape(4, -1)), np.sort(other.reshape(4, -1)))


def test_preference_of_a_population_that_shares_its_presentations():
    rng = np.random.default_rng(0)
    gain = np.exp(rng.normal(0, 0.3, (1, 2, R)))  # the animal runs or rests
    flat = gain * rng.gamma(16, 1 / 16, (50, 2, R))
    assert preference(flat, rng=rng, num=199)["p"] > 0.05
    flat[:, 1] *= 2
    found = preference(flat, rng=rng, num=199)
    assert found["p"] <= 0.01
    assert found["mean_cmi"] == pytest.approx(1 / 3, abs=0.1)
    assert found["num_neurons"] == 50


def test_no_neuron_at_all():
    empty = np.empty((0, 2, R))
    assert len(flips(empty, empty)) == 0
