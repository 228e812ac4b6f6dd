"""Curves: angles, halves, fits, agreement of two sources."""

import numpy as np
import pytest

from viv1t.analysis.agreement import (
    circular_correlation,
    curve_agreement,
    shares_of_differences,
)
from viv1t.analysis.curve_fits import fit_curves, half_width_deg
from viv1t.analysis.tuning_curves import (
    Design,
    aligned,
    circular_distance,
    halves,
    preferred_direction,
    preferred_orientation,
    reliability,
    vector_sum,
)

SIXTEEN = np.arange(16) * 22.5
EIGHT = np.arange(8) * 45.0


def double_bump(preferred, *, k: float, opposite: float = 0.4, angles=SIXTEEN) -> np.ndarray:
    """(n, d) curves c + exp(k (cos x - 1)) + opposite."""
    x = np.radians(angles - np.asarray(preferred, dtype=float)[:, None])
    return 0.2 + np.exp(k * (np.cos(x) - 1)) + opposite * np.exp(k * (-np.cos(x) - 1))


def test_angles_of_smooth_curves():
    preferred = np.random.default_rng(0).uniform(0, 360, 50)
    curves = double_bump(preferred, k=2.0)
    gap = circular_distance(preferred_orientation(curves, SIXTEEN), preferred, 180)
    np.testing.assert_allclose(gap, 0, atol=1e-6)
    assert circular_distance(preferred_direction(curves, SIXTEEN), preferred, 360).max() < 0.6
    one_way = double_bump(preferred, k=0.5, opposite=0.0)
    assert circular_distance(preferred_direction(one_way, SIXTEEN), preferred, 360).max() < 0.6


def test_indexes_of_known_curves():
    only = np.eye(8)[[2]]
    assert abs(vector_sum(only, EIGHT, 1)[0]) == pytest.approx(1)
    assert abs(vector_sum(np.ones((1, 8)), EIGHT, 2)[0]) == pytest.approx(0, abs=1e-12)
    both = np.eye(8)[[2]] + np.eye(8)[[6]]
    assert abs(vector_sum(both, EIGHT, 1)[0]) == pytest.approx(0, abs=1e-12)
    assert abs(vector_sum(both, EIGHT, 2)[0]) == pytest.approx(1)
    assert np.isnan(np.abs(vector_sum(np.zeros((1, 8)), EIGHT, 2)[0]))


def test_halves_share_every_cell():
    design = Design.of(np.repeat(EIGHT, 7))
    first, second = halves(design, np.random.default_rng(1))
    np.testing.assert_array_equal(first + second, 1)
    assert set(np.bincount(design.cell, weights=first)) <= {3.0, 4.0}


def test_fits_recover_width_and_angle():
    preferred = np.random.default_rng(2).uniform(0, 360, 20)
    for k in (1.5, 4.0, 9.0):
        curves = double_bump(preferred, k=k)
        fits = fit_curves(curves, SIXTEEN, held_out=curves)
        np.testing.assert_allclose(fits["half_width_deg"], half_width_deg(k), rtol=0.1)
        assert circular_distance(fits["fit_direction_deg"], preferred, 360).max() < 4
        assert fits["fit_r2"].min() > 0.99
        assert (fits["fit_peak"] >= fits["fit_opposite"]).all()
    assert half_width_deg(4.0) == pytest.approx(34.2, abs=0.1)


def test_fits_of_noise_do_not_hold_on_other_trials():
    rng = np.random.default_rng(3)
    fits = fit_curves(rng.normal(1, 0.1, (50, 16)), SIXTEEN, held_out=rng.normal(1, 0.1, (50, 16)))
    assert (fits["fit_r2_held_out"] > 0.6).mean() < 0.05


def test_alignment_by_the_same_curve_makes_a_peak_of_noise():
    rng = np.random.default_rng(4)
    one, other = rng.normal(1, 0.2, (2, 500, 8))
    assert aligned(one).mean(0)[4] > 1.2
    assert aligned(other, one.argmax(1)).mean(0)[4] == pytest.approx(1, abs=0.03)


def test_agreement_beside_what_noise_allows():
    rng = np.random.default_rng(5)
    truth = double_bump(rng.uniform(0, 360, 400), k=2.0)
    a, b, predicted = (truth + rng.normal(0, s, truth.shape) for s in (0.25, 0.25, 0.1))
    known = reliability(a, b)
    table = curve_agreement((a + b) / 2, predicted, reference_reliability=known)
    assert table["correlation"].mean() < table["ceiling"].mean() < 1
    exact = [np.corrcoef(t, p)[0, 1] for t, p in zip(truth, predicted, strict=True)]
    assert np.nanmedian(table["corrected"]) == pytest.approx(np.median(exact), abs=0.03)
    assert abs(table["shuffled"].mean()) < 0.05
    nothing = curve_agreement(a, b, reference_reliability=np.zeros(400))
    assert nothing["ceiling"].isna().all()


def test_differences_beside_chance():
    rng = np.random.default_rng(6)
    a, b = (45.0 * rng.integers(0, 8, 20_000) for _ in range(2))
    table = shares_of_differences(a, b, period_deg=360, step_deg=45)
    assert table["chance"].tolist() == [0.125, 0.25, 0.25, 0.25, 0.125]
    np.testing.assert_allclose(table["share"], table["chance"], atol=0.01)
    same = shares_of_differences(a, a, period_deg=360, step_deg=45)
    assert same["share"].tolist() == [1, 0, 0, 0, 0]
    assert abs(circular_correlation(a, b, period_deg=360)) < 0.02
    assert circular_correlation(a, a + 90, period_deg=360) == pytest.approx(1)
    assert circular_correlation(a, -a, period_deg=360) == pytest.approx(-1)
