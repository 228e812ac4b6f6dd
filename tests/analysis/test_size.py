"""Size tuning: curves of known shape come back, nothing is found where nothing is."""

import golden_cases
import numpy as np
import pytest
from scipy.special import erf

from viv1t.analysis.size import inverse_tuning_index, size_curves, size_tuning
from viv1t.analysis.size_fit import fit_size_tuning
from viv1t.analysis.size_published import published_normalised, published_size_tuning

SIZES = np.arange(0, 100, 10.0)
DENSE = np.arange(0, 90.1, 0.1)


def ratio(size, centre, surround, strength):
    pooled = [erf(size / width) ** 2 for width in (centre, surround)]
    return pooled[0] / (1 + strength * pooled[1])


def population(n=40, *, feedback=True, noise=0.13, repeats=12, seed=0):
    """Responses (n, s, k, d, r), preferred sizes, suppression, and who is driven by holes."""
    rng = np.random.default_rng(seed)
    responses, best, lost = [], [], []
    hole_driven = (np.arange(n) < n // 2) & feedback
    for is_driven in hole_driven:
        shape = rng.uniform(12, 30), rng.uniform(40, 60), rng.uniform(0.3, 3)
        disc, dense = ratio(SIZES, *shape), ratio(DENSE, *shape)
        best.append(DENSE[dense.argmax()])
        lost.append(1 - dense[-1] / dense.max())
        full = disc[-1]
        hole = full * (1 - erf(SIZES / shape[0]) ** 2)
        if is_driven:
            hole = hole + full * erf(SIZES / 30) ** 2 * np.exp(-((SIZES / 70) ** 4)) * 2
        mean = 0.05 + np.stack([disc, hole], axis=1) * rng.uniform(2, 20)
        gain = rng.gamma(1 / noise**2, noise**2, (*mean.shape, 2, repeats))
        directions = np.array([1.3, 0.7])[:, None]
        responses.append(mean[:, :, None, None] * directions * gain)
    return np.stack(responses), np.array(best), np.array(lost), hole_driven


def tuned(responses, **options):
    options = {"rng": np.random.default_rng(1), "num_bootstrap": 60} | options
    return size_tuning(responses, SIZES, **options)


def test_golden_published_rules():
    golden = golden_cases.arrays("size_tuning", "tuning")
    facts = golden_cases.facts("size_tuning", "tuning")
    found = published_size_tuning(golden["curves"], facts["sizes"])
    for name in ("classic_tuned", "inverse_tuned"):
        assert np.flatnonzero(found[name]).tolist() == facts[name]
    for name in ("classic_preference", "inverse_preference", "iti"):
        np.testing.assert_allclose(found[name], golden[name], rtol=1e-5, atol=1e-6)
    normalised = published_normalised(golden["curves"])
    np.testing.assert_allclose(normalised, golden["normalized"], rtol=1e-5)


def test_the_published_rule_asks_for_a_peak_not_for_a_response():
    """Trap b5.4: the z score over s conditions cannot exceed sqrt(s - 1)."""
    plateau = np.where(SIZES > 0, 100.0, 0.0)
    curves = np.stack([plateau, plateau[::-1]], axis=1)[None]
    assert not published_size_tuning(curves, SIZES)["classic_tuned"].any()
    single = np.stack([curves + 0.1 * k for k in range(6)], axis=-1)[:, :, :, None]
    assert tuned(single)["classical_tuned"].all()


def test_preferred_sizes_and_suppression_come_back():
    responses, best, lost, hole_driven = population()
    found = tuned(responses)
    assert found["classical_tuned"].mean() == 1.0
    assert (np.abs(found["classical_deg"] - best) <= 10).mean() >= 0.95
    assert np.abs(found["suppression_index"] - lost).median() < 0.06
    inside = found["classical_deg_low"] - 1 <= best
    inside &= best <= found["classical_deg_high"] + 1
    assert inside.mean() >= 0.8
    assert (found["inverse_tuned"] == hole_driven).all()
    assert found.loc[hole_driven, "inverse_deg"].between(25, 75).all()
    assert (found.loc[~hole_driven, "inverse_deg"] == 0).all()
    assert found.loc[~hole_driven, "iti"].max() < 0.1 < 0.2 < found.loc[hole_driven, "iti"].min()


@pytest.mark.parametrize("noise", [0.13, 0.5])
def test_nothing_is_found_without_feedback(noise):
    responses, *_ = population(400, feedback=False, noise=noise, repeats=6)
    found = tuned(responses, num_bootstrap=1)
    assert (found["p_inverse"] < 0.05).mean() <= 0.05
    assert found["inverse_tuned"].mean() <= 0.02


def test_nothing_is_found_in_noise():
    responses = np.random.default_rng(3).gamma(4, 0.25, (400, 10, 2, 2, 4))
    found = tuned(responses, num_bootstrap=1)
    assert (found["p_classical"] < 0.05).mean() <= 0.05
    assert found["classical_tuned"].mean() <= 0.02
    assert not found["inverse_tuned"].any()


def test_scale_order_of_repeats_and_neurons_do_not_matter():
    responses, *_ = population(6)
    found = tuned(responses)
    same = ["p_classical", "p_inverse", "iti", "suppression_index", "classical_deg", "inverse_deg"]
    np.testing.assert_allclose(tuned(10 * responses)[same], found[same], rtol=1e-6, atol=1e-9)
    order = np.random.default_rng(0).permutation(responses.shape[-1])
    shuffled = tuned(responses[..., order])
    fixed = [name for name in same if name != "iti"]  # it reads halves of the repeats
    np.testing.assert_allclose(shuffled[fixed], found[fixed], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(shuffled["iti"], found["iti"], atol=0.05)
    np.testing.assert_allclose(
        tuned(responses[::-1])[same], found[same][::-1], rtol=1e-6, atol=1e-9
    )


def test_the_best_size_does_not_profit_from_noise():
    flat = np.random.default_rng(5).gamma(4, 0.25, (1000, 10, 2, 1, 4))
    found = tuned(flat, num_bootstrap=1)
    assert abs(found["classical"].mean() - 1) < 0.03  # the largest of ten means is 1.4


def test_neurons_that_saw_nothing_and_bad_input():
    responses, *_ = population(3)
    responses[1] = np.nan
    found = tuned(responses)
    assert found.loc[1, ["classical_deg", "iti", "q_classical"]].isna().all()
    assert not found.loc[1, "classical_tuned"]
    assert found.loc[[0, 2], "classical_tuned"].all()
    with pytest.raises(ValueError, match="ascend from 0"):
        size_tuning(responses, SIZES + 10, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="two repeats"):
        size_tuning(responses[..., :1], SIZES, rng=np.random.default_rng(0))


def test_noiseless_responses_have_defined_answers():
    constant = np.full((1, 10, 2, 2, 3), 2.0)
    found = tuned(constant).iloc[0]
    assert found["p_classical"] == found["p_inverse"] == 1.0
    assert np.isnan(found["iti"])
    assert np.isnan(found["classical_deg"])
    driven = constant.copy()
    driven[:, 3:, 0] = 4.0
    assert tuned(driven).iloc[0]["p_classical"] < 1e-4


def test_fits_of_their_own_shapes_are_exact():
    curves = np.stack([3 + 2 * ratio(SIZES, 20.0, 48.0, k) for k in (0.0, 0.5, 2.0)])
    fit = fit_size_tuning(SIZES, curves, family="ratio")
    assert (fit.r2 > 0.997).all()
    np.testing.assert_allclose(fit.curve, curves, atol=0.06)
    assert np.diff(fit.peak).max() < 0
    falling = fit_size_tuning(SIZES, -curves[:1], family="difference")
    assert falling.optimum_deg.item() == 0


def test_curves_and_index():
    responses, *_ = population(2, repeats=4)
    curves = size_curves(responses, SIZES)
    assert len(curves) == 2 * 10 * 2
    one = curves.query("neuron == 1 and stimulus == 'inverse'")
    single = responses[1, :, 1].reshape(10, -1)
    np.testing.assert_allclose(one["mean"], single.mean(axis=1))
    np.testing.assert_allclose(one["sem"], single.std(axis=1, ddof=1) / 8**0.5)
    index = inverse_tuning_index([2.0, 1, 2, 1, 1], [1.0, 2, 2, 1, 0.5], [1.0, 1, 1, 1, 1])
    np.testing.assert_array_equal(index, [0, 1, 0.5, np.nan, np.nan])
