"""Statistics: known answers, truth found, and nothing found where nothing is."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as reference

from viv1t.analysis import stats

GOLDEN = Path(__file__).parent.parent / "golden" / "tuning" / "constants.json"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_stars_are_the_published_ones():
    published = json.loads(GOLDEN.read_text())["stars"]
    assert {p: stats.stars(float(p)) for p in published} == published
    assert stats.stars(np.nan) == "n/a"


def test_benjamini_hochberg_by_hand_and_without_undefined_values():
    p = np.array([[0.01, np.nan, 0.04], [0.03, 0.005, 0.5]])
    q = stats.benjamini_hochberg(p)
    expected = [[0.025, np.nan, 0.05], [0.05, 0.025, 0.5]]
    np.testing.assert_allclose(q, expected)
    assert np.isnan(stats.benjamini_hochberg([np.nan])).all()


def test_holm_by_hand():
    np.testing.assert_allclose(
        stats.holm([0.01, np.nan, 0.04, 0.03, 0.005]), [0.03, np.nan, 0.06, 0.06, 0.02]
    )
    assert stats.holm([0.9, 0.8]).max() == 1.0


@pytest.mark.parametrize("adjust", [stats.benjamini_hochberg, stats.holm])
def test_p_values_outside_of_their_range_are_refused(adjust):
    with pytest.raises(ValueError, match=r"within 0\.\.1"):
        adjust([0.2, 1.2])


def test_false_discoveries_stay_below_their_share(rng):
    effect = np.concatenate((np.zeros(800), np.full(200, 4.0)))
    shares, found = [], []
    for _ in range(40):
        p = 2 * reference.norm.sf(np.abs(rng.normal(effect)))
        chosen = stats.benjamini_hochberg(p) <= 0.1
        shares.append(np.mean(effect[chosen] == 0))
        found.append(np.mean(chosen[effect > 0]))
    assert 0.06 < np.mean(shares) < 0.1
    assert np.mean(found) > 0.8


def test_holm_errs_seldom_in_whole_families(rng):
    families = 2 * reference.norm.sf(np.abs(rng.normal(size=(400, 50))))
    wrong = np.mean([(stats.holm(p) <= 0.05).any() for p in families])
    assert 0.02 < wrong < 0.08


def test_permutation_p_counts_what_reaches_the_observed_value():
    null = np.array([[0.1, 3.0], [0.5, 3.0], [0.3, 3.0], [0.5 * (1 + 1e-15), 3.0]])
    np.testing.assert_allclose(stats.permutation_p([0.5, 4.0], null), [3 / 5, 1 / 5])
    np.testing.assert_allclose(
        stats.permutation_p([0.5, 4.0], null, as_published=True), [2 / 4, 0.0]
    )
    np.testing.assert_allclose(stats.permutation_p([0.5, 4.0], null.T, axis=1), [3 / 5, 1 / 5])
    assert np.isnan(stats.permutation_p(np.nan, null[:, 0]))


def test_permutations_find_nothing_in_noise_and_a_true_difference(rng):
    def p_of(shift: float) -> float:
        data = rng.normal(size=20) + shift * (np.arange(20) < 10)
        orders = np.argsort(rng.random((199, 20)), axis=1)
        null = data[orders]
        difference = data[:10].mean() - data[10:].mean()
        return float(stats.permutation_p(difference, null[:, :10].mean(1) - null[:, 10:].mean(1)))

    noise = np.array([p_of(0.0) for _ in range(1000)])
    assert 0.03 < np.mean(noise <= 0.05) < 0.07
    assert noise.min() >= 1 / 200
    assert np.mean([p_of(2.0) <= 0.05 for _ in range(100)]) > 0.95


def test_bootstrap_interval_covers_the_truth(rng):
    values = rng.gamma(4.0, size=(40, 300))
    low, high = stats.bootstrap_ci(values, num=400, rng=rng)
    assert low.shape == high.shape == (300,)
    assert 0.9 < np.mean((low < 4.0) & (high > 4.0)) < 0.98
    narrow = stats.bootstrap_ci(values, np.median, num=400, rng=rng, level=0.5)
    assert 0.35 < np.mean((narrow[0] < 3.672) & (narrow[1] > 3.672)) < 0.65


def mice_with(
    rng: np.random.Generator, mean: float, num_mice: int = 6
) -> tuple[np.ndarray, np.ndarray]:
    """Values of 30 neurons of each mouse; neurons of a mouse are alike."""
    mice = np.repeat([f"m{i}" for i in range(num_mice)], 30)
    own = np.repeat(rng.normal(size=num_mice), 30)
    return mean + own + rng.normal(size=len(mice)), mice


@pytest.mark.parametrize("num_mice", [2, 6])
def test_hierarchical_bootstrap_does_not_take_neurons_for_independent(rng, num_mice):
    wrong, significant, naive = 0, 0, 0
    for _ in range(200):
        values, mice = mice_with(rng, 0.0, num_mice)
        estimate = stats.hierarchical_bootstrap(values, mice, num=199, rng=rng)
        assert estimate.mean == pytest.approx(values.mean())
        wrong += not estimate.low <= 0.0 <= estimate.high
        significant += estimate.p <= 0.05
        naive += stats.one_sample_test(values).p <= 0.05
    assert max(wrong, significant) / 200 < 0.09
    assert naive / 200 > 0.5


def test_hierarchical_bootstrap_finds_a_true_mean(rng):
    values, mice = mice_with(rng, 3.0)
    values[:5] = np.nan
    estimate = stats.hierarchical_bootstrap(values, mice, num=500, rng=rng)
    assert estimate.low < 3.0 < estimate.high
    assert estimate.p < 0.01
    assert (estimate.num_neurons, estimate.num_mice) == (175, 6)
    assert estimate.text.endswith("], n = 175 neurons, 6 mice")


def test_hierarchical_bootstrap_of_one_mouse_is_that_of_its_neurons(rng):
    values = rng.normal(size=50)
    estimate = stats.hierarchical_bootstrap(values, np.full(50, "A"), num=1000, rng=rng)
    assert (estimate.high - estimate.low) == pytest.approx(
        2 * 1.96 * values.std() / 50**0.5, rel=0.1
    )
    assert "1 mouse" in estimate.text


def test_hierarchical_bootstrap_says_what_is_wrong(rng):
    with pytest.raises(ValueError, match="one length"):
        stats.hierarchical_bootstrap([1.0, 2.0], ["A"], rng=rng)
    with pytest.raises(ValueError, match="no value is defined"):
        stats.hierarchical_bootstrap([np.nan], ["A"], rng=rng)


def test_auc_is_the_chance_to_score_higher(rng):
    scores, positive = rng.normal(size=60).round(1), rng.random(60) < 0.4
    above, below = scores[positive][:, None], scores[~positive]
    expected = np.mean((above > below) + 0.5 * (above == below))
    assert stats.auc(np.append(scores, np.nan), np.append(positive, True)) == pytest.approx(
        expected
    )
    with pytest.raises(ValueError, match="0 positive and 2 negative"):
        stats.auc([1.0, 2.0], [False, False])
