"""Statistics of responses whose distributions are known."""

import numpy as np

from viv1t.analysis.response_statistics import (
    lifetime_sparseness,
    repeats_of,
    response_statistics,
)


def test_sparseness_runs_from_equal_responses_to_a_single_frame():
    single = np.eye(1, 50)
    np.testing.assert_allclose(lifetime_sparseness(np.ones((1, 50))), 0, atol=1e-12)
    np.testing.assert_allclose(lifetime_sparseness(single), 1)
    assert np.isnan(lifetime_sparseness(np.zeros((1, 50)))).all()


def test_moments_of_known_distributions_are_found():
    rng = np.random.default_rng(0)
    trials = [np.stack([rng.exponential(2.0, 5000), rng.normal(3, 2, 5000)]) for _ in range(4)]
    found = response_statistics(trials, [-1] * 4)
    np.testing.assert_allclose(found["mean"], [2, 3], rtol=0.05)
    np.testing.assert_allclose(found["sd"], [2, 2], rtol=0.05)
    np.testing.assert_allclose(found["skewness"], [2, 0], atol=0.2)
    np.testing.assert_allclose(found["sparseness"][0], 0.5, atol=0.02)
    assert found["reliability"].isna().all()


def test_reliability_tells_repeats_from_noise():
    rng = np.random.default_rng(1)
    signal = rng.normal(size=(1, 2000))
    trials = [np.concatenate([signal, rng.normal(size=(2, 2000))]) for _ in range(6)]
    for trial in trials:
        trial[1] += signal[0]
    found = response_statistics(trials, [7] * 6)["reliability"]
    np.testing.assert_allclose(found, [1, 0.5, 0], atol=0.06)
    assert response_statistics(trials, [*range(6)])["reliability"].isna().all()


def test_repeats_are_aligned_at_the_end_and_unknown_movies_left_out():
    trials = [np.arange(5.0)[None], np.arange(1.0, 5.0)[None], np.zeros((1, 3)), np.zeros((1, 3))]
    (movie,) = repeats_of(trials, [4, 4, -1, -1])
    np.testing.assert_array_equal(movie[0], movie[1])


def test_a_silent_neuron_has_no_skewness():
    found = response_statistics([np.zeros((1, 30)), np.zeros((1, 30))], [0, 0])
    assert found[["skewness", "sparseness", "reliability"]].isna().all(axis=None)
    assert found["mean"].eq(0).all()
