"""Families of tests: corrected together, at their level, and elbows where curves bend."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from viv1t.analysis.cutoff_grid import gains, mean_grid, pick_cutoffs
from viv1t.analysis.elbow import elbow
from viv1t.analysis.families import Question, answer_family
from viv1t.analysis.stats import holm
from viv1t.errors import ConfigError

PAIRS = [("a", "b"), ("b", "c"), ("a", "c")]
LESS = [Question(first=a, second=b, alternative="less") for a, b in PAIRS]


def neurons(rng, *, effect: float, num: int = 20) -> pd.DataFrame:
    """Three conditions of neurons of two mice, each `effect` above the one before."""
    index = pd.MultiIndex.from_product([["A", "B"], range(num // 2)], names=["mouse", "neuron"])
    values = rng.normal(size=(num, 3)) + effect * np.arange(3)
    return pd.DataFrame(values, index=index, columns=list("abc"))


def test_one_sided_tests_are_those_of_scipy_after_holm():
    table = neurons(np.random.default_rng(0), effect=0.7)
    answers = answer_family(table, LESS)
    alone = [stats.wilcoxon(table[a], table[b], alternative="less").pvalue for a, b in PAIRS]
    np.testing.assert_allclose([answer.p_alone for answer in answers], alone)
    np.testing.assert_allclose([answer.test.p for answer in answers], holm(alone))
    assert answers[2].row["num_mice"] == 2
    assert answers[2].over_mice.low < answers[2].over_mice.mean < answers[2].over_mice.high


def test_the_other_direction_is_not_found():
    table = neurons(np.random.default_rng(0), effect=-1.0)
    assert all(answer.test.p > 0.9 for answer in answer_family(table, LESS))
    above = [Question(first=a, second=b, alternative="greater") for a, b in PAIRS]
    assert all(answer.test.p < 0.05 for answer in answer_family(table, above))


def test_as_published_p_is_multiplied_and_at_most_1():
    table = neurons(np.random.default_rng(1), effect=0.2)
    answers = answer_family(table, LESS, correction="bonferroni", family_size=6)
    expected = [min(1.0, 6 * answer.p_alone) for answer in answers]
    np.testing.assert_allclose([answer.test.p for answer in answers], expected)
    assert max(expected) == 1.0


def test_missing_conditions_are_undefined_and_not_counted():
    table = neurons(np.random.default_rng(2), effect=1.0).drop(columns="c")
    first, second, third = answer_family(table, LESS)
    assert first.test.p == first.p_alone
    assert np.isnan([second.test.p, third.test.p]).all()
    assert second.over_mice is None
    one = answer_family(table.reset_index(drop=True), LESS[:1])[0]
    assert one.row["num_mice"] == 1


@pytest.mark.parametrize("correction", ["holm", "bonferroni"])
def test_a_family_is_wrong_as_rarely_as_it_says(correction, monkeypatch):
    monkeypatch.setattr("viv1t.analysis.families.hierarchical_bootstrap", lambda *_, **__: None)
    rng = np.random.default_rng(3)

    def share(effect):
        found = [
            min(a.test.p for a in answer_family(t, LESS, correction=correction)) <= 0.05
            for t in (neurons(rng, effect=effect) for _ in range(200))
        ]
        return np.mean(found)

    assert share(0.0) < 0.09
    assert share(0.7) > 0.8


def test_elbow_of_a_saturating_curve():
    x = np.linspace(0, 1, 21)
    assert x[elbow(x, 1 - np.exp(-x / 0.1))] == pytest.approx(0.25, abs=0.1)
    corner = np.minimum(x, 0.4)
    assert x[elbow(x, corner)] == pytest.approx(0.4)
    assert x[elbow(x, corner - 0.2 * np.maximum(x - 0.4, 0))] == pytest.approx(0.4)
    assert x[elbow(x, np.where(x == 0.6, np.nan, corner))] == pytest.approx(0.4)


@pytest.mark.parametrize("y", [lambda x: x, lambda x: x**2, lambda x: 0 * x, lambda x: -x])
def test_no_elbow_where_nothing_bends(y):
    x = np.linspace(0, 1, 11)
    assert elbow(x, y(x)) is None


def test_elbow_needs_cutoffs_in_order():
    with pytest.raises(ValueError, match="ascending"):
        elbow([0.2, 0.1], [1, 2])


def test_cutoffs_are_picked_on_both_axes():
    rows = [
        ("A", 0, s, t, value * factor, 5.0)
        for s in np.arange(11) / 10
        for t in np.arange(11) / 10
        for value, factor in [(min(s, 0.4) + min(t, 0.7), 10.0), (0.0, 0.0)]
    ]
    names = ["mouse", "neuron", "spatial_cutoff", "temporal_cutoff", "value", "reference"]
    table = pd.DataFrame(rows, columns=names)
    found = gains(table)
    assert len(found) == 121  # the better of two seeds
    assert found["gain_percent"].max() == pytest.approx(100 * (11 - 5) / 5)
    pick = pick_cutoffs(mean_grid(found))
    assert (pick.spatial, pick.temporal) == (0.4, 0.7)
    with pytest.raises(ConfigError, match="above 0"):
        gains(table.assign(reference=0.0))
