"""Published helpers of the in vivo analysis, and what they should have been."""

import numpy as np
import pytest
from golden_cases import arrays, facts

from viv1t.analysis.contextual import modulation_index
from viv1t.analysis.flips import flips_as_published
from viv1t.in_vivo.filters import reliable, responsive
from viv1t.in_vivo.flips import chance_as_published
from viv1t.in_vivo.reliability import (
    by_movie,
    day_correlations,
    inside_band,
    matched,
    stable_neurons,
)

LOW_CENTRE, LOW_ISO, LOW_CROSS, HIGH_CENTRE, HIGH_ISO, HIGH_CROSS = range(6)
SENSIBLE_WITH_CEIL = [1, 2, 4, 6, 9, 11]  # decisions.md


@pytest.fixture(scope="module")
def values():
    return facts("values", "mei")


@pytest.fixture(scope="module")
def days(values):
    meta, stored = values["xsession/meta"], arrays("arrays", "mei")
    return [
        by_movie(
            {
                trial: stored[f"xsession|{day}"][trial]
                for trial, tier in enumerate(meta["tiers"])
                if tier == "live_main"
            },
            np.array(meta["video_ids"]),
        )
        for day in ("day1", "day2")
    ]


@pytest.fixture(scope="module")
def responses():
    return arrays("arrays", "mei")["cm|responses"].astype(float)


def rows(mask):
    return np.flatnonzero(mask).tolist()


def test_movies_are_loaded(days, values):
    expected = {int(k): tuple(v) for k, v in values["xsession/loaded_shapes"].items()}
    assert {movie: r.shape for movie, r in days[0].items()} == expected
    assert list(days[0]) == sorted(expected)


def test_cross_session_filter_published_and_sensible(days, values):
    published = stable_neurons(*days, as_published=True)
    assert rows(published) == values["xsession/filter_neurons_reference"]
    frames = days[0][3].shape[2]
    half = (inside_band(*days) / frames >= 0.8).sum(axis=1) >= len(days[0]) // 2
    assert rows(half) == values["xsession/filter_neurons_sensible"]
    assert rows(stable_neurons(*days)) == SENSIBLE_WITH_CEIL


def test_matched_neurons(days, values):
    assert rows(matched(days[1])) == values["xsession/matched"]


def test_correlations_across_and_within_days(days, values):
    found = day_correlations(*days).groupby("neuron")[["across", "within"]].mean()
    for name in ("across", "within"):
        expected = np.array(values[f"xsession/{name}_mean_corr"], dtype=float)
        np.testing.assert_allclose(found[name], expected, rtol=1e-4, atol=1e-5)


def test_responsive_and_reliable_neurons(responses, values):
    mean = responses[:, HIGH_CENTRE].mean(axis=1)
    assert rows(responsive(mean, before=15, on=30)) == values["cm/responsive"]
    found = reliable(responses[..., 15:45], HIGH_CENTRE, as_published=True)
    assert rows(found) == values["cm/reliable_rng_dependent"]


def test_indices_and_flips(responses, values):
    sums = responses[..., 15:45].sum(axis=3)
    means = sums.mean(axis=2).T
    for name, iso, cross in (("high", HIGH_ISO, HIGH_CROSS), ("low", LOW_ISO, LOW_CROSS)):
        found = modulation_index(means[iso], means[cross])
        np.testing.assert_allclose(found, values[f"cm/cmi_{name}"], rtol=1e-4, atol=1e-5)
    flips = flips_as_published(*(means[i] for i in (HIGH_ISO, HIGH_CROSS, LOW_ISO, LOW_CROSS)))
    assert rows(flips) == values["cm/flip"]
    assert 100 * flips.mean() == pytest.approx(values["cm/flip_percent"][0])


def test_the_published_chance_level_is_0_as_soon_as_a_repeat_is_missing(responses):
    sums = responses[..., 15:45].sum(axis=3)
    ends = (HIGH_ISO, LOW_ISO), (HIGH_CROSS, LOW_CROSS)
    iso, cross = ([sums[:, place] for place in pair] for pair in ends)
    whole = chance_as_published(iso, cross)
    assert whole == chance_as_published(iso, cross, skip_missing=False)
    assert 0 < whole < 2
    iso[0] = iso[0].copy()
    iso[0][:, -1] = np.nan
    assert chance_as_published(iso, cross, skip_missing=False) == 0
    assert abs(chance_as_published(iso, cross) - whole) < 1.0
