"""Traps that simulation found in the published analyses (science.md b5), beside our answers.

Others stand with their analyses: means that leak into weighted sums, complex cells, stimuli that
are not balanced over directions, transposed grids, screens that are not asked for.
"""

import numpy as np
import pandas as pd
import pytest

from viv1t.analysis.feedback import size_tables
from viv1t.analysis.onset import onset_times, published_onsets
from viv1t.analysis.retinotopy import NoiseMaps, fit_noise_maps
from viv1t.analysis.retinotopy_published import published_fit
from viv1t.analysis.size import size_tuning
from viv1t.analysis.size_published import published_size_tuning

SIZES = np.arange(0, 100, 10.0)


def drawn(curves: np.ndarray, *, cv: float = 0.1) -> np.ndarray:
    """(n, s, k, 2, 6) single responses around curves (n, s, k)."""
    noise = np.random.default_rng(0).gamma(1 / cv**2, cv**2, (*curves.shape, 2, 6))
    return curves[..., None, None] * noise


def test_no_z_score_over_ten_conditions_exceeds_three():
    plateau = np.where(SIZES == 0, 0.1, 1.0)
    needle = np.where(SIZES == 20, 1.0, 0.0)
    curves = np.stack([plateau, needle])
    z = (curves - curves.mean(1, keepdims=True)) / curves.std(1, keepdims=True)
    np.testing.assert_allclose(z.max(1), [1 / 3, 3.0])
    both = np.repeat(curves[:, :, None], 2, axis=2)
    assert published_size_tuning(both, SIZES)["classic_tuned"].tolist() == [False, True]
    found = size_tuning(drawn(both), SIZES, rng=np.random.default_rng(1), num_bootstrap=1)
    assert found["classical_tuned"].all()


@pytest.mark.parametrize(
    ("frames_of_rise", "share", "late_ms"), [(4, 0.8, (60, 70)), (2, 0.8, (30, 35)), (2, 0.6, None)]
)
def test_a_common_threshold_makes_small_responses_late(frames_of_rise, share, late_ms):
    frames = np.arange(45) - 15
    rise = np.where(frames >= 2, 1 - np.exp(-(frames - 1) / frames_of_rise), 0) * (frames < 17)
    traces = np.stack([rise, share * rise])[None]
    classical, inverse = published_onsets(traces, before=15, on=15)[0]
    if late_ms is None:
        assert np.isnan(inverse)
    else:
        assert late_ms[0] <= 1000 * (inverse - classical) <= late_ms[1]
    ours = onset_times(traces, np.zeros_like(traces), before=15, on=15)[0]
    assert ours[0] == pytest.approx(ours[1], abs=1e-9)


def test_five_per_cent_of_ten_neurons_is_not_all_of_them():
    y, x = np.mgrid[:36, :64]
    blob = np.exp(-((x - 30) ** 2 + (y - 17) ** 2) / 18)
    noise = np.random.default_rng(2).standard_normal((10, 36, 64))
    maps = (12 * blob + noise).astype(np.float32)
    assert published_fit(maps)["bad_fit"].all()
    ours = fit_noise_maps(
        NoiseMaps(sta=maps, second_moment=np.zeros_like(maps)), rng=np.random.default_rng(3)
    )
    assert not ours["bad_fit"].any()
    np.testing.assert_allclose(ours[["x_px", "y_px"]], [[30, 17]] * 10, atol=0.5)


def test_discs_that_the_screen_cuts_off_are_marked():
    curves = np.repeat(np.where(SIZES == 0, 0.1, 1.0)[None, :, None], 2, axis=2)
    curves = np.repeat(curves, 2, axis=0)
    whole, cut = (0, 1)
    discs = pd.DataFrame(
        [
            {"neuron": n, "size": s, "disc_ratio": s / 10, "visible": v}
            for n in (whole, cut)
            for s in SIZES[1:]
            for v in [0.8 if n == cut and s > 60 else 1.0]
        ]
    )
    neurons = pd.DataFrame({"neuron": [whole, cut]})
    rng = np.random.default_rng(4)
    found, _ = size_tables(drawn(curves), SIZES, neurons=neurons, discs=discs, rng=rng)
    assert found["near_edge"].tolist() == [False, True]
    assert found["whole_deg"].tolist() == [90, 60]
