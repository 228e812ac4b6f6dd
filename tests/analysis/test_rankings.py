"""Orders of kinds of stimuli, and whether they hold in the truth."""

import numpy as np
import pandas as pd
import pytest

from viv1t.analysis.rankings import agreement, kind_tests, orders

KINDS = ("generated", "natural", "grating")


def responses(twin, truth):
    """A table of n neurons: (n, 3) responses of both."""
    rows = [
        ("S1", neuron, "excite", kind, a, b)
        for neuron, (one, other) in enumerate(zip(twin, truth, strict=True))
        for kind, a, b in zip(KINDS, one, other, strict=True)
    ]
    return pd.DataFrame(rows, columns=["mouse", "neuron", "goal", "kind", "twin", "truth"])


def test_a_ranking_that_holds_and_one_that_does_not():
    table = responses([[3, 2, 1], [3, 2, 1]], [[9, 5, 4], [1, 5, 4]])
    ranked = orders(table, kinds=KINDS)
    assert ranked["order_twin"].tolist() == ["generated > natural > grating"] * 2
    assert ranked["order_truth"][1] == "natural > grating > generated"
    assert ranked["same_order"].tolist() == [True, False]
    assert ranked["same_top"].tolist() == [True, False]
    np.testing.assert_allclose(ranked["pairs_hold"], [1, 1 / 3])
    shares = agreement(ranked).iloc[0]
    assert (shares["n"], shares["same_top"]) == (2, 0.5)


def test_the_best_to_inhibit_is_the_smallest():
    table = responses([[1, 2, 3], [1, 2, 3]], [[1, 9, 4], [5, 2, 9]]).assign(goal="inhibit")
    assert orders(table, kinds=KINDS)["same_top"].tolist() == [True, False]


def test_by_chance():
    rng = np.random.default_rng(0)
    table = responses(rng.random((600, 3)), rng.random((600, 3)))
    shares = agreement(orders(table, kinds=KINDS)).iloc[0]
    assert shares["same_order"] == pytest.approx(1 / 6, abs=0.05)
    assert shares["same_top"] == pytest.approx(1 / 3, abs=0.06)
    assert shares["pairs_hold"] == pytest.approx(1 / 2, abs=0.05)
    tests = kind_tests(table, kinds=KINDS, columns=("twin", "truth"))
    assert len(tests) == 6
    assert (tests["p_holm"] > 0.05).all()


def test_ties_are_not_ranked_and_missing_kinds_left_out():
    table = responses([[2, 2, 1], [3, 2, np.nan]], [[1, 2, 0.5], [3, 2, 1]])
    ranked = orders(table, kinds=KINDS)
    assert len(ranked) == 1
    assert ranked["pairs_hold"][0] == 1


def test_effects_are_found_once_corrected():
    rng = np.random.default_rng(1)
    base = rng.lognormal(0, 1, (20, 1))
    table = responses(base * [3, 2, 1], base * rng.lognormal(0, 0.02, (20, 3)) * [3, 2, 1])
    none = table[table["kind"] == "grating"].assign(kind="none")
    tests = kind_tests(
        pd.concat([table, none]), kinds=KINDS, columns=("twin", "truth"), baseline="none"
    )
    assert (tests["p_holm"] < 0.001).all()
    assert (tests["p_holm"] >= tests["p"]).all()
    first = tests[(tests["first"] == "generated") & (tests["second"] == "grating")]
    assert first["median_ratio"].tolist() == pytest.approx([3, 3], rel=0.05)
    assert tests["share"].eq(1).all()


def test_neurons_silent_to_the_baseline_have_no_ratio():
    rng = np.random.default_rng(2)
    table = responses(rng.uniform(1, 2, (6, 3)), rng.random((6, 3)))
    none = table[table["kind"] == "grating"].assign(kind="none", twin=1.0)
    none.loc[none["neuron"] < 2, "twin"] = [0.0, -0.1]
    tests = kind_tests(pd.concat([table, none]), kinds=KINDS, columns=["twin"], baseline="none")
    assert tests["n"].eq(4).all()
    assert np.isfinite(tests["median_ratio"]).all()
