"""Which neurons stimuli are made for: ranks, weights, and where they are shown."""

import json
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from conftest import GOLDEN
from sessions import open_mouse, write_session
from tables_of_truth import write_truth

from viv1t.errors import ConfigError, DataError, MissingResultError
from viv1t.insilico.probe import Probe
from viv1t.insilico.recorded import copy_recorded
from viv1t.most_exciting_stimulus.neurons import (
    Repeats,
    SelectionConfig,
    choose_neurons,
    neuron_reliability,
    pair_correlation,
    population_weights,
    rank_neurons,
    share_a_place,
    targets_of,
)
from viv1t.most_exciting_stimulus.recorded import reliability_table
from viv1t.results.responses import ResponseFile
from viv1t.results.run import RunDir
from viv1t.results.store import read_result, spec_of, write_result
from viv1t.units import DEFAULT_MONITOR

NUM_NEURONS = 6


@pytest.fixture(scope="module")
def golden():
    values = json.loads((GOLDEN / "mei/values.json").read_text())["ranking"]
    return {name: np.array(value, float) for name, value in values.items()}


def measures(golden):
    return golden["trial_reliability"], golden["correlation"], golden["bad_fit"]


@pytest.mark.parametrize("as_published", [True, False])
def test_published_ranking(golden, as_published):
    rank = rank_neurons(*measures(golden), as_published=as_published)
    np.testing.assert_array_equal(rank, golden["rank"])
    table = pd.DataFrame({"neuron": np.arange(len(rank)), "rank": rank})
    assert choose_neurons(table, 5).tolist() == golden["top5"].tolist()
    np.testing.assert_allclose(
        population_weights(golden["correlation"]), golden["weights"], rtol=1e-4
    )


def test_a_silent_neuron_spoils_only_its_own_rank(golden):
    reliability, correlation, bad_fit = measures(golden)
    reliability = reliability.copy()
    reliability[3] = np.nan
    assert np.isnan(rank_neurons(reliability, correlation, bad_fit, as_published=True)).all()
    rank = rank_neurons(reliability, correlation, bad_fit)
    assert np.flatnonzero(np.isnan(rank)).tolist() == [3, 11]
    assert sorted(rank[np.isfinite(rank)]) == list(range(1, 11))
    without = rank_neurons(
        *(np.delete(values, 3) for values in (reliability, correlation, bad_fit))
    )
    np.testing.assert_array_equal(np.delete(rank, 3), without)


def test_neurons_without_a_rank_fill_up_only_as_published():
    table = pd.DataFrame({"neuron": [4, 7, 9], "rank": [2.0, np.nan, 1.0]})
    assert choose_neurons(table, 3).tolist() == [9, 4]
    assert choose_neurons(table, 3, as_published=True).tolist() == [9, 4, 7]
    with pytest.raises(ConfigError, match="none of 1 neurons has a rank"):
        choose_neurons(table[table["rank"].isna()], 3)


def test_weights_need_a_predicted_neuron():
    weights = population_weights([0.5, -0.2, np.nan, 0.25])
    np.testing.assert_allclose(weights, [2 / 3, 0, 0, 1 / 3], rtol=1e-6)
    with pytest.raises(ConfigError, match="no correlation"):
        population_weights([-0.1, np.nan])


def test_pairs_are_correlated_as_numpy_does():
    responses = np.random.default_rng(0).normal(size=(5, 3, 40))
    responses[2, 1] = 7.0
    found = pair_correlation(responses)
    for neuron in range(3):
        rows = [r for r in range(5) if (r, neuron) != (2, 1)]
        pairs = [
            np.corrcoef(responses[a, neuron], responses[b, neuron])[0, 1]
            for a, b in combinations(rows, 2)
        ]
        assert found[neuron] == pytest.approx(np.mean(pairs))
    assert np.isnan(pair_correlation(np.ones((3, 1, 9))))


def repeats(noise, *, num_repeats=6, num_movies=3, seed=0):
    """Movies of one signal a neuron with noise of known size, predicted without noise."""
    rng = np.random.default_rng(seed)
    for _ in range(num_movies):
        signal = rng.normal(size=(len(noise), 200))
        shown = (num_repeats, *signal.shape)
        recorded = signal + np.asarray(noise)[:, None] * rng.normal(size=shown)
        yield Repeats(recorded=recorded, predicted=np.broadcast_to(signal, shown))


def test_reliable_neurons_come_first():
    noise = np.array([2.0, 0.5, 4.0, 1.0])
    table = neuron_reliability(repeats(noise), np.zeros(4, bool))
    assert table["rank"].tolist() == [3, 1, 4, 2]
    np.testing.assert_allclose(table["trial_reliability"], 1 / (1 + noise**2), atol=0.04)
    np.testing.assert_allclose(table["correlation"], 1 / np.sqrt(1 + noise**2 / 6), atol=0.05)


def test_noise_is_not_reliable():
    table = neuron_reliability(repeats([1e6] * 20), np.zeros(20, bool))
    assert table["trial_reliability"].abs().max() < 0.1
    assert abs(table["correlation"].mean()) < 0.05


def test_a_neuron_silent_in_one_movie():
    movies = list(repeats([1.0, 1.0]))
    movies[0].recorded[:, 1] = 0.0
    table = neuron_reliability(movies, np.zeros(2, bool))
    assert table["trial_reliability"].between(0.4, 0.6).all()
    published = neuron_reliability(movies, np.zeros(2, bool), as_published=True)
    assert published["trial_reliability"].isna().tolist() == [False, True]
    assert published["rank"].isna().all()


def test_movies_need_repeats():
    few = list(repeats([1.0], num_repeats=4))
    with pytest.raises(DataError, match="5 or more presentations"):
        neuron_reliability(few, [False], as_published=True)
    assert neuron_reliability(few, [False])["rank"].tolist() == [1]
    with pytest.raises(DataError, match="found none"):
        neuron_reliability([], [False])


def test_reliability_of_a_run(tmp_path):
    """Predictions that are the recordings themselves; neuron 2 has no receptive field."""
    data, run = tmp_path / "data", tmp_path / "run"
    write_session(data / "S", num_neurons=NUM_NEURONS)
    recording = open_mouse(data)
    folder = RunDir.create(run, {"core": "linear"})
    copy_recorded(recording, ResponseFile(folder.responses("S")))
    with pytest.raises(MissingResultError, match="fit_aRFs"):
        reliability_table(run, data)
    write_truth(run, truth(), "S")
    fields = read_result(run, "aRF")
    write_result(run, "aRF", fields.assign(bad_fit=fields["neuron"] == 2), method={})
    table = reliability_table(run, data)
    assert table["mouse"].eq("S").all()
    assert table["rank"].isna().tolist() == [False, False, True, False, False, False]
    np.testing.assert_allclose(table["correlation"], 1.0, rtol=1e-6)
    assert table["trial_reliability"].abs().max() < 0.5
    with pytest.raises(DataError, match="5 or more"):
        reliability_table(run, data, as_published=True)


def truth():
    """Receptive fields of which the first two round to one place."""
    places = [(10.2, 9.0), (9.9, 9.4), (30.0, 12.0), (40.0, 20.0), (50.0, 30.0), (20.0, 9.0)]
    table = pd.DataFrame(places, columns=["rf_x_px", "rf_y_px"])
    return table.assign(rf_sigma_px=3.0, direction_deg=0.0)


class Nobody:
    """As a responder, only counts its neurons."""

    def num_neurons(self, mouse_id):
        return NUM_NEURONS


@pytest.fixture
def probe(tmp_path):
    write_truth(tmp_path, truth())
    rank = [2.0, 4.0, 1.0, 3.0, np.nan, 5.0]
    table = pd.DataFrame({"mouse": "S1", "neuron": range(NUM_NEURONS), "rank": rank})
    table = table.assign(trial_reliability=0.5, correlation=[0.1, 0.2, 0.3, -0.4, np.nan, 0.4])
    write_result(tmp_path, "neuron_reliability", table, method={})
    return Probe(output_dir=tmp_path, responder=Nobody(), monitors={"S1": DEFAULT_MONITOR})


def test_the_best_neurons_at_their_receptive_fields(probe):
    targets = targets_of(probe, "S1", SelectionConfig(num_neurons=3))
    assert [target.neuron for target in targets] == [2, 0, 3]
    assert [target.centre_px for target in targets] == [(30, 12), (10, 9), (40, 20)]
    assert targets[0].name == "neuron0002"
    assert {target.size_deg for target in targets} == {20.0}
    named = targets_of(probe, "S1", SelectionConfig(neurons=(1, 4, 0), stimulus_size=30))
    assert [target.neuron for target in named] == [1, 4, 0]
    groups = share_a_place(named)
    assert [[target.neuron for target in group] for group in groups] == [[1, 0], [4]]
    with pytest.raises(ConfigError, match="neurons 0 to 5, got 6"):
        targets_of(probe, "S1", SelectionConfig(neurons=(6,)))


def test_a_population_is_one_target(probe):
    (target,) = targets_of(probe, "S1", SelectionConfig(objective="population"))
    assert (target.neuron, target.name) == (-1, "population")
    assert target.neurons == (0, 1, 2, 5)
    np.testing.assert_allclose(target.weights, [0.1, 0.2, 0.3, 0.4], rtol=1e-6)
    assert target.centre_px == (25, 11)


def test_the_middle_of_the_screen(probe):
    config = SelectionConfig(neurons=(4, 1), use_RF_center=False)
    assert [t.centre_px for t in targets_of(probe, "S1", config)] == [None, None]
    assert len(share_a_place(targets_of(probe, "S1", config))) == 1
    population = SelectionConfig(objective="population", use_RF_center=False)
    assert targets_of(probe, "S1", population)[0].centre_px is None


def test_preferred_sizes(probe):
    with pytest.raises(MissingResultError, match="estimate_size_tuning_curve"):
        targets_of(probe, "S1", SelectionConfig(use_preferred_size=True))
    columns = dict.fromkeys(spec_of("size_tuning").columns, np.nan)
    table = pd.DataFrame(columns | {"mouse": "S1", "neuron": range(NUM_NEURONS)})
    table["classical_deg"] = [15.0, 25.0, np.nan, 0.0, 35.0, 45.0]
    write_result(probe.output_dir, "size_tuning", table, method={})
    targets = targets_of(probe, "S1", SelectionConfig(num_neurons=2, use_preferred_size=True))
    assert [(t.neuron, t.size_deg) for t in targets] == [(0, 15.0), (1, 25.0)]
    assert len(share_a_place(targets)) == 2
    with pytest.raises(ConfigError, match="none of the 1 chosen neurons"):
        targets_of(probe, "S1", SelectionConfig(neurons=(3,), use_preferred_size=True))
    with pytest.raises(ConfigError, match="--use_preferred_size"):
        SelectionConfig(objective="population", use_preferred_size=True)


def test_as_published_what_has_no_place_is_in_the_middle(probe):
    fields = truth().assign(rf_x_px=lambda t: t["rf_x_px"].where(t.index != 0))
    shape = {"rf_sigma_px": 3.0, "direction_deg": 0.0}
    write_truth(probe.output_dir, fields.assign(**shape))
    config = SelectionConfig(num_neurons=2)
    assert [t.neuron for t in targets_of(probe, "S1", config)] == [2, 3]
    published = targets_of(probe, "S1", config, as_published=True)
    assert [(t.neuron, t.centre_px) for t in published] == [(2, (30, 12)), (0, None)]
