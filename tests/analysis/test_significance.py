"""Tests of samples and pairs: scipy's p values, effect sizes by hand, level and power."""

import numpy as np
import pytest
from scipy import stats as reference

from viv1t.analysis.significance import one_sample_test, paired_test, two_sample_test

RNG = np.random.default_rng(11)
A, B = RNG.normal(0.5, 1, 30), RNG.normal(0, 1, 30)

ONE_SAMPLE = {"wilcoxon": reference.wilcoxon, "t": lambda x: reference.ttest_1samp(x, 0.0)}
TWO_SAMPLE = {
    "mann-whitney": reference.mannwhitneyu,
    "rank-sum": reference.ranksums,
    "welch": lambda a, b: reference.ttest_ind(a, b, equal_var=False),
    "student": reference.ttest_ind,
}


@pytest.mark.parametrize("method", ONE_SAMPLE)
def test_pairs_and_their_differences_give_one_answer(method):
    result = paired_test(np.append(A, np.nan), np.append(B, 1.0), method=method)
    expected = ONE_SAMPLE[method](A - B)
    assert (result.p, result.statistic) == pytest.approx((expected.pvalue, expected.statistic))
    shifted = one_sample_test(A - B + 2, value=2.0, method=method)
    assert (shifted.p, shifted.effect) == pytest.approx((result.p, result.effect))
    assert (result.n, result.n_text) == (30, "n = 30")


@pytest.mark.parametrize("method", TWO_SAMPLE)
def test_two_samples(method):
    result = two_sample_test(A, np.append(B[:20], np.nan), method=method)
    expected = TWO_SAMPLE[method](A, B[:20])
    assert (result.p, result.statistic) == pytest.approx((expected.pvalue, expected.statistic))
    assert result.n_text == "n = 30, 20"
    assert np.sign(result.effect) == np.sign(A.mean() - B[:20].mean())


def test_effect_sizes_by_hand():
    # ranks of |d|: 1 -> 1, -2 -> 2, 4 -> 3, 5 -> 4
    assert one_sample_test([1, -2, 4, 5]).effect == pytest.approx((1 - 2 + 3 + 4) / 10)
    d = np.array([1.0, 2.0, 4.0])
    assert one_sample_test(d, method="t").effect == pytest.approx(d.mean() / d.std(ddof=1))
    assert two_sample_test([3, 4, 5], [1, 2, 4]).effect == pytest.approx(2 * 7.5 / 9 - 1)
    pooled = np.sqrt((2 * 1.0 + 2 * 7 / 3) / 4)
    assert two_sample_test([3, 4, 5], [1, 2, 4], method="welch").effect == (
        pytest.approx((4 - 7 / 3) / pooled)
    )


@pytest.mark.parametrize("values", [[], [1.0], [np.nan, 2.0]])
def test_too_few_values_have_no_p_value(values):
    result = one_sample_test(values)
    assert np.isnan(result.p)
    assert (result.stars, result.p_text) == ("n/a", "p n/a")
    assert np.isnan(two_sample_test(values, A).p)


def test_equal_values_do_not_differ():
    assert paired_test(A, A).p == 1.0
    assert paired_test(A, A, method="t").effect == 0.0
    assert two_sample_test(np.ones(4), np.ones(5), method="welch").stars == "n.s."
    assert one_sample_test(np.ones(5), method="t").effect == np.inf


@pytest.mark.parametrize("method", ONE_SAMPLE)
def test_one_sided_p_values(method):
    below = paired_test(B, A, method=method, alternative="less")
    above = paired_test(B, A, method=method, alternative="greater")
    both = paired_test(B, A, method=method)
    assert below.p == pytest.approx(both.p / 2, rel=1e-6)
    assert below.p + above.p == pytest.approx(1, abs=0.01)
    assert one_sample_test(np.ones(5), method="t", alternative="less").p == 1


def test_pairs_of_different_length_are_refused():
    with pytest.raises(ValueError, match="one length"):
        paired_test([1.0, 2.0], [1.0])


def test_p_as_it_is_written():
    assert one_sample_test(A + 100, method="t").p_text == "p < 1e-10"
    assert one_sample_test([1, 2, 3, 4, 5, 6]).p_text == "p = 0.031"


@pytest.mark.parametrize("method", ONE_SAMPLE)
def test_level_and_power_of_paired_tests(method):
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(400, 2, 25))
    null = np.mean([paired_test(a, b, method=method).p <= 0.05 for a, b in noise])
    found = np.mean([paired_test(a + 1, b, method=method).p <= 0.05 for a, b in noise])
    assert 0.02 < null < 0.08
    assert found > 0.8


@pytest.mark.parametrize("method", TWO_SAMPLE)
def test_level_and_power_of_two_sample_tests(method):
    rng = np.random.default_rng(4)
    noise = rng.normal(size=(400, 2, 25))
    null = np.mean([two_sample_test(a, b, method=method).p <= 0.05 for a, b in noise])
    found = np.mean([two_sample_test(a + 1, b, method=method).p <= 0.05 for a, b in noise])
    assert 0.02 < null < 0.08
    assert found > 0.8
