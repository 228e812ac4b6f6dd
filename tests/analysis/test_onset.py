"""Onsets: known latencies come back whatever the amplitude, and noise has none."""

import golden_cases
import numpy as np
import pytest

from viv1t.analysis.onset import onset_times, published_onsets, response_onsets

BEFORE, ON, WIDTH = 15, 15, 45
TIMING = {"before": BEFORE, "on": ON}


def course(latency, amplitude=1.0, tau=3.0, baseline=0.5):
    """A saturating rise that begins `latency` frames after the onset, and falls afterwards."""
    since = np.arange(WIDTH) - BEFORE - np.asarray(latency, float)[..., None]
    rise = np.where(since > 0, 1 - np.exp(-np.maximum(since, 0) / tau), 0.0)
    rise[..., BEFORE + ON :] *= np.exp(-np.arange(WIDTH - BEFORE - ON) / tau)
    return baseline + np.asarray(amplitude, float)[..., None] * rise


def test_golden_published_onsets_and_true_latencies():
    golden = golden_cases.arrays("onset", "tuning")
    single = np.stack([golden["classical"], golden["inverse"]], axis=1)
    traces = single.mean(axis=-1)
    found = published_onsets(traces, **TIMING)
    for kind, name in enumerate(("classical_onset", "inverse_onset")):
        np.testing.assert_allclose(found[:, kind], golden[name], atol=1e-6)
    sems = single.std(axis=-1, ddof=1) / single.shape[-1] ** 0.5
    own = 30 * onset_times(traces, sems, **TIMING)
    late = own - golden["true_latency_frames"]
    assert np.isfinite(late).mean() > 0.9
    assert np.nanquantile(np.abs(late), 0.9) < 1.5


def test_equal_latency_is_equal_onset_at_any_amplitude():
    """Trap b5.5: the published onset of a smaller response is later, or missing."""
    traces = course(np.full(4, 3.0), [1.0, 0.8, 0.5, 0.1])
    onset = onset_times(traces, np.zeros_like(traces), **TIMING)
    np.testing.assert_allclose(onset, onset[0], rtol=1e-9)
    pairs = np.stack([traces[[0, 0, 0]], traces[1:]], axis=1)
    published = published_onsets(pairs, **TIMING)
    delay = published[:, 1] - published[:, 0]
    assert delay[0] > 0.03
    assert np.isnan(delay[1:]).all()


def test_onsets_are_finer_than_frames():
    latency = np.arange(0, 8, 0.25)
    onset = 30 * onset_times(course(latency), np.zeros(WIDTH), **TIMING)
    assert np.std(onset - latency) < 0.15
    assert (np.diff(onset) > 0).all()


def test_scale_offset_and_shift():
    traces = course([2.0, 5.0])
    onset = onset_times(traces, np.zeros_like(traces), **TIMING)
    np.testing.assert_allclose(onset_times(10 * traces, 0 * traces, **TIMING), onset)
    np.testing.assert_allclose(onset_times(traces + 7, 0 * traces, **TIMING), onset)
    later = course([5.0, 8.0])  # still within the window
    shifted = onset_times(later, 0 * later, **TIMING)
    np.testing.assert_allclose(shifted - onset, 3 / 30, atol=0.004)


def test_a_response_in_the_first_frame_has_an_onset_of_0():
    traces = np.where(np.arange(WIDTH) < BEFORE, 1.0, 5.0)
    assert onset_times(traces, 0 * traces, **TIMING) == 0


def test_noise_and_silence_have_no_onset():
    rng = np.random.default_rng(0)
    single = rng.gamma(4, 0.25, (500, 2, WIDTH, 24))
    mean, sem = single.mean(axis=-1), single.std(axis=-1, ddof=1) / 24**0.5
    assert np.isfinite(onset_times(mean, sem, **TIMING)).mean() <= 0.05
    assert np.isnan(onset_times(np.ones(WIDTH), np.zeros(WIDTH), **TIMING))
    assert np.isnan(onset_times(-course(2.0), np.zeros(WIDTH), **TIMING))


def test_delays_with_intervals():
    rng = np.random.default_rng(1)
    clean = np.stack([course(np.full(30, 2.0), rng.uniform(1, 5, 30))] * 2, axis=1)
    clean[:, 1] = course(np.full(30, 5.0), rng.uniform(0.3, 5, 30))
    single = clean[..., None] * rng.gamma(4, 0.25, (*clean.shape, 48))
    sems = single.std(axis=-1, ddof=1) / 48**0.5
    found = response_onsets(single.mean(axis=-1), sems, **TIMING, rng=rng)
    assert found["delay_s"].median() == pytest.approx(0.1, abs=0.02)
    low, high = found["delay_low_s"], found["delay_high_s"]
    assert ((low <= found["delay_s"]) & (found["delay_s"] <= high)).mean() > 0.8
    assert ((low <= 0.1) & (high >= 0.1)).mean() > 0.7
    np.testing.assert_allclose(
        found["delay_s"], found["inverse_onset_s"] - found["classical_onset_s"]
    )
    silent = clean.copy()
    silent[:, 1] = 0.5
    nothing = response_onsets(silent, 0 * silent, **TIMING, rng=rng)
    assert nothing[["inverse_onset_s", "delay_s", "delay_low_s"]].isna().all(axis=None)
