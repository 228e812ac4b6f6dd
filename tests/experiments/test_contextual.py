"""Gratings with surrounds: published bytes, matched phases, and what each surround shows."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from viv1t.errors import ConfigError
from viv1t.experiments.contextual import ContextualConfig, contextual_set, example_movies
from viv1t.experiments.contextual_published import (
    published_pair,
    published_parameters,
    published_set,
)
from viv1t.experiments.discs import DiscPlacement, disc_radius_px, take_neurons, with_discs
from viv1t.experiments.placed import Group, Placement
from viv1t.names import SURROUND_KINDS
from viv1t.rng import child
from viv1t.stimuli.aperture import disc
from viv1t.units import DEFAULT_MONITOR, GREY, Monitor

GOLDEN = Path(__file__).parent.parent / "golden/tuning"
PLACE = DiscPlacement(
    monitor=DEFAULT_MONITOR, centre_px=(30.0, 17.0), direction_deg=45.0, radius_px=7.0
)
ROCHEFORT = Monitor(width_cm=51.0, height_cm=29.0, distance_cm=20.0)


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "sequence_contextual.npz") as file:
        return dict(file), json.loads((GOLDEN / "sequence_contextual.json").read_text())


def shown(kind, placement=PLACE, contrast=1.0, size=3.0, config=None, **drawn):
    row = {"phase_deg": 30.0, "surround_phase_deg": 100.0, "side_deg": 90.0} | drawn
    config = ContextualConfig() if config is None else config
    row |= {"contrast": contrast, "kind": kind, "direction": 0.0, "size_deg": size}
    return np.asarray(contextual_set(config, placement).render(row, child(0, "test")))


def test_golden_sequence(golden):
    arrays, facts = golden
    assert_array_equal(published_parameters(facts["seed"]), arrays["parameters"])
    placement = Placement(monitor=DEFAULT_MONITOR, centre_px=tuple(facts["rf_center_xy"]))
    stimuli = published_set(placement)
    schedule = stimuli.schedule(facts["seed"])
    trial = schedule[schedule["trial"] == facts["trial"]]
    movie = stimuli.trial(trial, facts["seed"], (36, 64))
    first, last = arrays["video_frame_range"]
    assert_array_equal(movie[first:last], arrays["video"][0])
    np.testing.assert_allclose(movie.mean(axis=(1, 2)), arrays["frame_means"], atol=1e-4)
    for place, presentation in enumerate(trial.to_dict("records")):
        condition = stimuli.conditions.iloc[presentation["condition"]].to_dict()
        pair = published_pair(condition | presentation, placement)
        for found, name in zip(pair, ("center", "surround"), strict=True):
            assert_array_equal(found[:2], arrays[name][place, 0])


def test_conditions_and_matched_phases():
    stimuli = contextual_set(ContextualConfig(), PLACE)
    assert len(stimuli.conditions) == 16
    assert stimuli.conditions.query("kind == 'iso'")["disc_sigmas"].eq(0).all()
    table = stimuli.schedule(3)
    assert len(table) == 16 * 12
    table = table.join(stimuli.conditions, on="condition")
    phases = table.groupby(["direction", "contrast", "kind"])["phase_deg"].apply(
        lambda x: tuple(sorted(x % 360))
    )
    assert phases.groupby("direction").nunique().eq(1).all()
    np.testing.assert_allclose(np.diff(phases.iloc[0]), 30)
    pairs = table.groupby(["direction", "repeat"])["phase_deg"].nunique()
    assert pairs.eq(1).all()
    cross = table[table["kind"] == "cross"]
    for _, part in cross.groupby(["direction", "contrast"]):
        assert sorted(part["surround_phase_deg"]) == sorted(part["phase_deg"])
        assert part["surround_phase_deg"].ne(part["phase_deg"]).any()
    assert cross.groupby(["direction", "contrast"])["side_deg"].sum().eq(0).all()
    pd.testing.assert_frame_equal(stimuli.schedule(3), stimuli.schedule(3))


@pytest.mark.parametrize("monitor", [DEFAULT_MONITOR, ROCHEFORT])
@pytest.mark.parametrize("contrast", [0.05, 1.0])
def test_what_surrounds_show(monitor, contrast):
    place = DiscPlacement(
        monitor=monitor, centre_px=(30.0, 17.0), direction_deg=45.0, radius_px=7.0
    )
    movies = {kind: shown(kind, place, contrast) for kind in SURROUND_KINDS}
    inside = disc(monitor, monitor.diameter_deg(7.0), centre_px=(30.0, 17.0))
    for movie in movies.values():
        assert movie.shape == (30, 36, 64)
        assert_array_equal(movie[:, inside], movies["iso"][:, inside])
        assert np.abs(movie - GREY).max() <= 127 * contrast + 1e-3
    assert (movies["centre"][:, ~inside] == GREY).all()
    outside = {kind: movie[:, ~inside] - GREY for kind, movie in movies.items()}
    np.testing.assert_allclose(outside["shift"], -outside["iso"], atol=1e-3)
    power = outside["cross"].std() / outside["iso"].std()
    assert power == pytest.approx(1, abs=0.02)
    assert abs(np.corrcoef(outside["cross"].ravel(), outside["iso"].ravel())[0, 1]) < 0.1


def test_metamorphic():
    """Iso has no size and no place, a shift twice is none, directions turn with the neuron."""
    other = DiscPlacement(
        monitor=DEFAULT_MONITOR, centre_px=(10.0, 20.0), direction_deg=45.0, radius_px=3.0
    )
    assert_array_equal(shown("iso"), shown("iso", other))
    inside = disc(DEFAULT_MONITOR, DEFAULT_MONITOR.diameter_deg(7.0), centre_px=(30.0, 17.0))
    twice = shown("shift", phase_deg=210.0)[:, ~inside]
    np.testing.assert_allclose(twice, shown("iso")[:, ~inside], atol=1e-3)
    fixed = ContextualConfig(directions_deg=(45.0,))
    turned = shown("centre", config=ContextualConfig())
    row_zero = shown("centre", config=fixed)  # direction 0 whatever the neuron prefers
    assert not np.array_equal(turned, row_zero)
    sizes = ContextualConfig(sizes_deg=(20.0, 40.0))
    small = contextual_set(sizes, Placement(monitor=DEFAULT_MONITOR, centre_px=(30.0, 17.0)))
    assert small.conditions["size_deg"].value_counts().to_dict() == {20.0: 12, 40.0: 12, 0.0: 4}


def test_example_movies_show_every_kind():
    movies = example_movies(PLACE, (0.05, 1.0))
    assert set(movies) == {(c, kind) for c in (0.05, 1.0) for kind in SURROUND_KINDS}
    assert np.ptp(movies[0.05, "iso"]) < np.ptp(movies[1.0, "iso"])
    published = example_movies(PLACE, (1.0,), as_published=True)
    assert published[1.0, "cross"].dtype == np.uint8


def test_discs_of_each_neuron():
    fields = pd.DataFrame({"neuron": [0, 2, 3], "bad_fit": [False, False, True]})
    fields = fields.assign(sigma_x_px=[2.0, 1.0, 9.0], sigma_y_px=[1.5, 1.1, 9.0])
    radius = disc_radius_px(fields, 3.0, 4)
    np.testing.assert_allclose(radius, [6.0, np.nan, 3.3, np.nan])
    group = Group(
        placement=Placement(monitor=DEFAULT_MONITOR, centre_px=(1.0, 2.0), direction_deg=0.0),
        neurons=np.arange(4),
    )
    groups = with_discs([group], radius)
    assert [g.placement.radius_px for g in groups] == [3.5, 6.0]
    assert [g.neurons.tolist() for g in groups] == [[2], [0]]
    assert [g.neurons.tolist() for g in take_neurons(groups, neurons=[0, 1])] == [[0]]
    assert sum(len(g.neurons) for g in take_neurons(groups, max_neurons=1)) == 1
    with pytest.raises(ConfigError, match="names none of the 2 neurons"):
        take_neurons(groups, neurons=[1])


@pytest.mark.parametrize(
    "given", [{"contrasts": (0.0,)}, {"disc_sigmas": 0.0}, {"num_repeats": 0}, {"contrasts": ()}]
)
def test_settings_that_cannot_work(given):
    with pytest.raises(ConfigError, match="--"):
        ContextualConfig(**given)
