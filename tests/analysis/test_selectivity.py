"""Selectivity: truth recovered, nothing found where nothing is, and what must not matter."""

import numpy as np
import pandas as pd
import pytest

from viv1t.analysis.direction import is_selective
from viv1t.analysis.selectivity import direction_curves, selectivity
from viv1t.analysis.tuning_curves import Design, balanced_weights, circular_distance
from viv1t.errors import DataError

DIRECTIONS = np.arange(8) * 45.0
# 57 presentations of each direction: what the published recordings have.
SHOWN = np.repeat(DIRECTIONS, 57)
QUICK = {"num_bootstraps": 20, "num_permutations": 200}


def rates(preferred, *, osi: float, dsi: float, shown=SHOWN) -> np.ndarray:
    """(n, p) rates whose indexes are `osi` and `dsi` exactly."""
    angle = np.radians(shown - np.asarray(preferred)[:, None])
    return 1 + 2 * osi * np.cos(2 * angle) + 2 * dsi * np.cos(angle)


def noisy(rate: np.ndarray, *, shape: float = 2.0, seed: int = 0) -> np.ndarray:
    return rate * np.random.default_rng(seed).gamma(shape, 1 / shape, rate.shape)


def published_design(seed: int = 0) -> Design:
    """Six movies of twelve Gabors, the first two of each lost, shown nine times."""
    pairs = [(d, c) for d in DIRECTIONS for c in range(9)]
    order = np.random.default_rng(seed).permutation(72).reshape(6, 12)[:, 2:].ravel()
    stimuli = np.repeat(np.array(pairs)[order], 9, axis=0)
    return Design.of(stimuli[:, 0], condition=stimuli[:, 1], unit=np.repeat(np.arange(60), 9))


def test_neurons_without_tuning_are_not_selective():
    table = selectivity(noisy(np.ones((600, len(SHOWN)))), Design.of(SHOWN), num_bootstraps=20)
    for name in ("orientation", "direction"):
        p = table[f"p_{name}"]
        assert 0.025 < (p <= 0.05).mean() < 0.075
        assert (p <= 0.01).mean() < 0.025
        assert p.min() >= 1 / 1001
        assert table[f"{name}_selective"].mean() <= 0.02
    # Noise makes every curve look tuned; the index along an angle from other trials does not.
    assert table["osi"].mean() > 0.02
    assert abs(table["osi_crossvalidated"].mean()) < 0.005
    assert table["osi_unbiased"].mean() < 0.6 * table["osi"].mean()


def test_indexes_and_angles_are_recovered():
    preferred = np.random.default_rng(1).uniform(0, 360, 200)
    samples = noisy(rates(preferred, osi=0.3, dsi=0.15))
    table = selectivity(samples, Design.of(SHOWN), num_bootstraps=200, num_permutations=200)
    assert table["orientation_selective"].mean() >= 0.95
    for index, truth in (("osi", 0.3), ("dsi", 0.15)):
        for column in (f"{index}_unbiased", f"{index}_crossvalidated"):
            assert table[column].mean() == pytest.approx(truth, abs=0.01)
        held = (table[f"{index}_low"] <= truth) & (truth <= table[f"{index}_high"])
        assert 0.85 < held.mean() < 0.99
    error = circular_distance(table["preferred_orientation_deg"], preferred, 180)
    assert np.median(error) < 3
    assert np.median(circular_distance(table["preferred_direction_deg"], preferred, 360)) < 3


def test_a_preferred_wavelength_is_no_preferred_direction():
    """Trap of science.md b5: conditions are missing in different directions."""
    design = published_design()
    gain = np.random.default_rng(2).gamma(1, 1, (400, 9))
    samples = noisy(gain[:, design.condition])
    table = selectivity(samples, design, **QUICK)
    for name in ("orientation", "direction"):
        assert (table[f"p_{name}"] <= 0.05).mean() < 0.08
        assert table[f"{name}_selective"].mean() <= 0.02
    # Plain means over presentations would bend the curve.
    plain = np.stack([samples[:, design.direction_deg == d].mean(1) for d in DIRECTIONS], 1)
    ours = direction_curves(samples, design).pivot(
        index="row", columns="direction_deg", values="mean"
    )
    spread = [np.std(c / c.mean(1, keepdims=True), axis=1).mean() for c in (plain, ours.to_numpy())]
    assert spread[1] < 0.75 * spread[0]


def test_tuning_is_found_among_wavelengths():
    design = published_design()
    preferred = np.random.default_rng(3).uniform(0, 360, 100)
    gain = np.random.default_rng(4).gamma(4, 0.25, (100, 9))[:, design.condition]
    samples = noisy(gain * rates(preferred, osi=0.4, dsi=0.1, shown=design.direction_deg))
    table = selectivity(samples, design, **QUICK)
    assert table["orientation_selective"].mean() > 0.9
    error = circular_distance(table["preferred_orientation_deg"], preferred, 180)
    assert np.median(error) < 4
    assert table["osi"].mean() == pytest.approx(0.4, abs=0.05)


def test_repeats_of_one_stimulus_are_no_evidence():
    """A neuron that likes single movies by chance is not tuned, however often they are shown."""
    design = published_design()
    stimulus = np.random.default_rng(5).gamma(2, 0.5, (300, 60))
    samples = noisy(stimulus[:, design.unit], shape=50)
    table = selectivity(samples, design, **QUICK)
    assert (table["p_orientation"] <= 0.05).mean() < 0.09


def test_full_factorial_weights_are_means():
    direction, condition = (x.ravel() for x in np.meshgrid(DIRECTIONS, range(3), indexing="ij"))
    expected = np.repeat(np.eye(8), 3, axis=1) / 3
    np.testing.assert_allclose(balanced_weights(direction, condition), expected, atol=1e-12)


def test_what_must_not_matter():
    """Metamorphic: scale, order of presentations; a turn of all filters turns the preference."""
    preferred = np.random.default_rng(6).uniform(0, 360, 20)
    shown = np.repeat(DIRECTIONS, 12)
    samples = noisy(rates(preferred, osi=0.3, dsi=0.2, shown=shown))
    table = selectivity(samples, Design.of(shown), **QUICK)
    scaled = selectivity(10 * samples, Design.of(shown), **QUICK)
    pd.testing.assert_frame_equal(
        table.drop(columns="peak_response"), scaled.drop(columns="peak_response")
    )
    order = np.random.default_rng(7).permutation(len(shown))
    shuffled = selectivity(samples[:, order], Design.of(shown[order]), **QUICK)
    same = ["osi", "dsi", "preferred_direction_deg", "preferred_orientation_deg"]
    pd.testing.assert_frame_equal(table[same], shuffled[same])
    turned = selectivity(samples, Design.of((shown + 90) % 360), **QUICK)
    for column, period in (("preferred_orientation_deg", 180), ("preferred_direction_deg", 360)):
        gap = circular_distance(turned[column], table[column] + 90, period)
        np.testing.assert_allclose(gap, 0, atol=1e-6)
    np.testing.assert_allclose(turned["osi"], table["osi"])
    lifted = selectivity(samples + 3, Design.of(shown), baseline=np.full(20, 3.0), **QUICK)
    np.testing.assert_allclose(lifted["dsi"], table["dsi"])


def test_one_seed_gives_one_result():
    samples = noisy(np.ones((5, len(SHOWN))))
    first, second = (selectivity(samples, Design.of(SHOWN), seed=3, **QUICK) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_silent_neurons_have_no_index():
    samples = np.zeros((3, len(SHOWN)))
    samples[0] = noisy(rates([90.0], osi=0.4, dsi=0.0))[0]
    table = selectivity(samples, Design.of(SHOWN), **QUICK)
    assert table["osi"].isna().tolist() == [False, True, True]
    assert table["p_orientation"].tolist()[1:] == [1.0, 1.0]
    assert table["preferred_bin_deg"].isna().tolist() == [False, True, True]
    assert is_selective(table, "orientation").tolist() == [True, False, False]
    assert not is_selective(table, "direction").any()


def test_a_unit_shows_one_stimulus():
    with pytest.raises(DataError, match="several directions"):
        Design.of([0.0, 90.0], unit=[1, 1])
    with pytest.raises(DataError, match="one length"):
        Design.of([0.0, 90.0], condition=[1])
