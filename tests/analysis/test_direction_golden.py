"""Direction tuning as published: the numbers of the published system."""

import numpy as np
import pandas as pd
import pytest
from golden_cases import arrays, facts

from viv1t.analysis import direction_published as published
from viv1t.analysis.agreement import selectivity_shares
from viv1t.analysis.gabors import gabor_blocks, published_blocks, published_template
from viv1t.analysis.tuning_curves import (
    aligned,
    circular_distance,
    orientation_curve,
    preferred_bin,
    row_correlation,
)

DIRECTIONS = np.arange(8) * 45.0


def test_golden_selectivity():
    golden = arrays("selectivity", "tuning")
    curves, table = published.published_selectivity(golden["responses"])
    np.testing.assert_allclose(curves, golden["tuning_curve"], rtol=1e-5)
    for name in ("osi", "dsi"):
        np.testing.assert_allclose(table[name], golden[name], rtol=1e-5)
    p = table[["p_orientation", "p_direction"]].to_numpy()
    np.testing.assert_allclose(p, golden["p_values"], atol=1e-12)
    for name in ("orientation_selective", "direction_selective"):
        np.testing.assert_array_equal(table[name], golden[name])


def test_golden_reduction():
    golden = arrays("direction_reduction", "tuning")
    shown = golden["gabor_parameters"][:, -250:, 0]
    reduced = published.published_reduction(golden["responses"], shown)
    np.testing.assert_allclose(reduced, golden["reduced"], rtol=1e-5)


def test_golden_comparison_of_curves():
    golden = arrays("tuning_compare", "tuning")
    first, second = golden["curves1"], golden["curves2"]
    norm = first / first.max(1, keepdims=True)
    np.testing.assert_allclose(aligned(norm), golden["aligned_direction"], rtol=1e-5)
    axes = [orientation_curve(curves) for curves in (first, second)]
    norm = axes[0] / axes[0].max(1, keepdims=True)
    np.testing.assert_allclose(aligned(norm), golden["aligned_orientation"], rtol=1e-5)
    for curves, period, name in (
        ((first, second), 360, "pref_diff_direction"),
        (axes, 180, "pref_diff_orientation"),
    ):
        angles = DIRECTIONS[: curves[0].shape[1]]
        found = circular_distance(*(preferred_bin(c, angles) for c in curves), period)
        np.testing.assert_array_equal(found, golden[name])
    np.testing.assert_allclose(row_correlation(first, second), golden["correlation"], rtol=1e-5)
    counts = selectivity_shares(golden["si"], (0, 0.3, 0.6)) * len(golden["si"])
    np.testing.assert_allclose(counts, golden["si_bins"])


@pytest.mark.parametrize(("tuning", "index"), [("direction", "DSI"), ("orientation", "OSI")])
def test_golden_pairs(tuning: str, index: str):
    golden, said = arrays("tuning_similarity", "tuning"), facts("tuning_similarity", "tuning")
    kept = (golden[index] >= said["threshold"]) & golden[f"{tuning}_selective"]
    pairs = published.published_pairs(
        golden["coordinates"][kept], golden["tuning_curve"][kept], tuning=tuning
    )
    found = pairs.groupby(["v", "d"])["tuning_similarity"].agg(["mean", "count"]).reset_index()
    expected = pd.DataFrame(said["group_mean_count"][tuning])
    for name in ("v", "d", "count"):
        np.testing.assert_array_equal(found[name], expected[name])
    np.testing.assert_allclose(found["mean"], expected["mean"], atol=1e-6)


def test_golden_rank_tests():
    golden, said = arrays("similarity_tests", "tuning"), facts("similarity_tests", "tuning")
    pairs = pd.DataFrame(
        {
            "v": golden["ranksum_v"],
            "d": golden["ranksum_d"],
            "tuning_similarity": golden["ranksum_value"],
        }
    )
    found = published.published_rank_tests(pairs).set_index(["v", "d"])["p"]
    for v, expected in said["ranksum_p"].items():
        p = found[float(v)].reindex(np.arange(25.0, 201, 25))
        np.testing.assert_allclose(p, expected, rtol=1e-6)


def test_golden_likelihood_ratio_at_the_stored_parameters():
    golden, said = arrays("similarity_tests", "tuning"), facts("similarity_tests", "tuning")["lrt"]
    found = published.published_likelihood_ratio(
        golden["x"],
        golden["y1"],
        golden["y2"],
        parameters=(said["params1"], said["params2"], said["params_combined"]),
    )
    assert found.statistic == pytest.approx(said["stat"], rel=1e-6)
    assert found.p == pytest.approx(said["p"])


def test_golden_gabors():
    golden, said = arrays("gabor_features", "tuning"), facts("gabor_features", "tuning")
    for case in said["cases"]:
        template = published_template(case["direction"], case["wavelength"], case["frequency"])
        np.testing.assert_allclose(template[case["frames"]], golden[case["key"]], atol=1e-4)
    np.testing.assert_allclose(published_blocks(golden["video"]), golden["params"][::25], rtol=1e-6)
    # What we do by default finds the same, and the frequency between the three of the bank.
    blocks = gabor_blocks(golden["video"])
    np.testing.assert_allclose(
        blocks[["direction_deg", "wavelength"]], golden["params"][::25, :2], rtol=1e-6
    )
    frequency = blocks["cycles_per_frame"] * 24 / 64
    np.testing.assert_allclose(frequency, golden["params"][::25, 2], rtol=0.02)
