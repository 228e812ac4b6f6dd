"""Scores of response files: alignment, groups, both normalisations, and files that do not fit."""

import logging

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from predictions import TIERS, open_recording, predict, write_data

from viv1t import metrics
from viv1t.errors import DataError, MissingResultError
from viv1t.names import TIER_OF_RAW
from viv1t.results.responses import ResponseFile
from viv1t.training import evaluate_files
from viv1t.training.evaluate_files import (
    ALL,
    ScoredTrials,
    divisors,
    evaluate_mouse,
    neuron_scores,
    read_trials,
    summarise,
)

TEST_TIERS = ("validation", "live_main", "live_bonus", "final_main", "final_bonus")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("several_types"))


@pytest.fixture(scope="module")
def recording(data_dir):
    return open_recording(data_dir, "S")


@pytest.fixture(scope="module")
def predicted(recording, tmp_path_factory):
    return predict(recording, tmp_path_factory.mktemp("predicted") / "mouseS.h5")


@pytest.fixture(scope="module")
def table(recording, predicted):
    return evaluate_mouse(recording, predicted)


def trials_of(*raw_tiers):
    return [i for i, tier in enumerate(TIERS) if tier in raw_tiers]


def slow_trial(recording, file, trial):
    """Truth and prediction of a trial from frame 50, read directly."""
    stored = np.load(recording.folder / f"data/responses/{trial}.npy")
    length = int((~np.isnan(stored[0])).sum())
    return stored[:, 50:length], file.read(trial)[:, -(length - 50) :], length


def slow_correlation(recording, file, trials, neuron, divide=None):
    true, pred = [], []
    for trial in trials:
        y, p, length = slow_trial(recording, file, trial)
        by = 1.0 if divide is None else divide[neuron, 50:length]
        true.append(y[neuron] / by)
        pred.append(p[neuron] / by)
    return np.corrcoef(np.concatenate(true), np.concatenate(pred))[0, 1]


def training_responses(recording):
    stored = [np.load(recording.folder / f"data/responses/{i}.npy") for i in trials_of("train")]
    return np.stack(stored)[..., :70]


def test_rows_are_neurons_by_tier_and_by_stimulus_type(table, recording):
    groups = table.groupby(["tier", "stimulus_type"], sort=False).size()
    assert list(groups.index) == [
        *((tier, ALL) for tier in TEST_TIERS),
        (ALL, "movie"),
        (ALL, "directional_pink_noise"),
        (ALL, "drifting_gabor"),
        (ALL, "image"),
    ]
    assert (groups == recording.num_neurons).all()
    assert set(table["unit_id"]) == set(recording.unit_ids)
    assert set(table["mouse"]) == {"S"}


@pytest.mark.parametrize(
    ("tier", "stimulus_type", "raw_tiers"),
    [
        ("live_main", ALL, ["live_test_main"]),
        ("final_bonus", ALL, ["final_test_bonus"]),
        (ALL, "movie", ["live_test_main", "final_test_main"]),
        (ALL, "drifting_gabor", ["live_test_bonus"]),
    ],
)
def test_correlation_of_a_neuron_equals_a_slow_version(
    table, recording, predicted, tier, stimulus_type, raw_tiers
):
    rows = table[(table["tier"] == tier) & (table["stimulus_type"] == stimulus_type)]
    for neuron in (0, 5):
        expected = slow_correlation(recording, predicted, trials_of(*raw_tiers), neuron)
        (found,) = rows.loc[rows["neuron"] == neuron, "correlation"]
        assert found == pytest.approx(expected, abs=1e-5)


def test_per_frame_normalisation_equals_a_slow_version(table, recording, predicted):
    train = training_responses(recording)
    std = train.std(axis=0)
    std = np.where(std > 0.01 * std.mean(), std, 0.01 * std.mean())
    rows = table[table["tier"] == "validation"].set_index("neuron")
    for neuron in range(recording.num_neurons):
        expected = slow_correlation(recording, predicted, trials_of("oracle"), neuron, std)
        found = rows.loc[neuron, "correlation_per_frame_std"]
        assert found == pytest.approx(expected, abs=1e-4)
    assert (rows["correlation_per_frame_std"] - rows["correlation"]).abs().max() > 1e-3


def test_per_neuron_normalisation_keeps_correlations(table):
    for metric in ("correlation", "correlation_to_average"):
        np.testing.assert_allclose(table[f"{metric}_per_neuron_std"], table[metric], atol=1e-5)


def test_divisors_are_standard_deviations_over_training_trials(recording):
    scales = divisors(recording, np.array([4, 1]))
    train = training_responses(recording)[:, [4, 1]]
    np.testing.assert_allclose(scales.per_frame_std[:, :70], train.std(axis=0), rtol=1e-4)
    over_all = train.transpose(1, 0, 2).reshape(2, -1).std(axis=1)
    for frame in (0, 69, 299):
        np.testing.assert_allclose(scales.per_neuron_std[:, frame], over_all, rtol=1e-4)
    beyond = scales.per_frame_std[:, 70:]
    torch.testing.assert_close(beyond, scales.per_neuron_std[:, 70:], msg="no training trial there")


def test_a_silent_neuron_is_divided_by_the_floor(tmp_path):
    recording = open_recording(write_data(tmp_path), "S")
    for trial in trials_of("train"):
        path = recording.folder / f"data/responses/{trial}.npy"
        response = np.load(path)
        response[2, :70] = 1.0
        np.save(path, response)
    scales = divisors(open_recording(tmp_path, "S"), np.arange(6))
    train = training_responses(recording)
    floor = 0.01 * train.std(axis=0).mean()
    np.testing.assert_allclose(scales.per_frame_std[2, :70], floor, rtol=1e-4)
    assert (scales.per_neuron_std[2] > 0).all()


def test_undefined_normalised_correlations_count_as_zero(recording, predicted):
    trials = read_trials(recording, predicted, np.arange(6), trials_of("oracle"))
    for pred in trials.y_pred:
        pred[3] = torch.nan
    scores = neuron_scores(trials, divisors(recording, np.arange(6)))
    assert scores["correlation"][3].isnan()
    for metric in ("correlation", "correlation_to_average"):
        for convention in ("per_frame_std", "per_neuron_std"):
            assert scores[f"{metric}_{convention}"][3] == 0


def test_without_repeats_the_normalised_average_is_undefined_not_zero(recording, predicted):
    trials = read_trials(recording, predicted, np.arange(6), trials_of("oracle")[:2])
    scores = neuron_scores(trials, divisors(recording, np.arange(6)))
    assert scores["correlation_to_average_per_frame_std"].isnan().all()


def test_signal_power_in_recorded_units_may_be_too_small_but_not_once_normalised(recording):
    generator = torch.Generator().manual_seed(0)
    rate = torch.rand(6, 20, generator=generator) * 3
    true = [1e-3 * (rate + torch.rand(6, 20, generator=generator)) for _ in range(4)]
    trials = ScoredTrials(y_true=true, y_pred=true, starts=[50] * 4, video_ids=[1] * 4)
    scales = divisors(recording, np.arange(6))
    small = type(scales)(
        per_frame_std=scales.per_frame_std * 1e-3, per_neuron_std=scales.per_neuron_std * 1e-3
    )
    scores = neuron_scores(trials, small)
    assert scores["normalized_correlation"].isnan().all()
    assert scores["normalized_correlation_per_neuron_std"].isfinite().all()


def test_blocks_of_neurons_do_not_change_scores(recording, predicted, table, monkeypatch):
    monkeypatch.setattr(evaluate_files, "NEURON_BLOCK", 4)
    pd.testing.assert_frame_equal(evaluate_mouse(recording, predicted), table, rtol=1e-4)


def test_a_recording_without_training_trials_has_no_normalised_scores(tmp_path, caplog):
    write_data(tmp_path)
    path = tmp_path / "S/meta/trials/tiers.npy"
    np.save(path, np.where(np.load(path) == "train", "none", np.load(path)))
    recording = open_recording(tmp_path, "S")
    with caplog.at_level(logging.INFO, logger="viv1t"):
        table = evaluate_mouse(
            recording, predict(recording, tmp_path / "mouseS.h5", tiers=TIERS[5:])
        )
    assert table["correlation_per_frame_std"].isna().all()
    assert table["correlation"].notna().all()
    assert "no training trials" in caplog.text


def test_predictions_of_fewer_neurons_and_frames_are_matched(recording, tmp_path, table):
    rows = np.array([1, 4])
    part = evaluate_mouse(recording, predict(recording, tmp_path / "a.h5", neurons=rows))
    assert sorted(set(part["neuron"])) == [1, 4]
    assert sorted(set(part["unit_id"])) == recording.unit_ids[rows].tolist()
    assert part["correlation"].min() > 0.5
    late = read_trials(
        recording, predict(recording, tmp_path / "b.h5", frames=12), np.arange(6), [9, 10]
    )
    assert list(late.starts) == [58, 54], "trials of 70 and 66 frames"
    early = read_trials(
        recording, predict(recording, tmp_path / "c.h5", frames=60), np.arange(6), [9, 10]
    )
    assert list(early.starts) == [50, 50], "skipped frames are never scored"


def test_a_published_file_without_attributes_is_read(recording, tmp_path, predicted, table):
    with h5py.File(tmp_path / "mouseS.h5", "w") as file:
        for trial in predicted.trial_ids():
            file[str(trial)] = predicted.read(trial)
    again = evaluate_mouse(recording, ResponseFile(tmp_path / "mouseS.h5"))
    pd.testing.assert_frame_equal(again, table)


def test_tiers_that_are_hidden_or_not_predicted_are_left_out_with_one_line(tmp_path, caplog):
    recording = open_recording(write_data(tmp_path), "S")
    for trial in trials_of("live_test_main"):
        path = recording.folder / f"data/responses/{trial}.npy"
        np.save(path, np.load(path) * 0)
    recording = open_recording(tmp_path, "S")
    file = predict(recording, tmp_path / "mouseS.h5", tiers=("oracle", "live_test_main"))
    with caplog.at_level(logging.INFO, logger="viv1t.training"):
        found = evaluate_mouse(recording, file)
    assert set(found["tier"]) == {"validation"}
    assert [r.getMessage() for r in caplog.records] == [
        "mouse S: left out live_main (hidden); live_bonus, final_main, final_bonus (not predicted)"
    ]


def test_trials_of_unknown_type_are_in_their_tier_but_in_no_type(
    table, recording, caplog, predicted
):
    with caplog.at_level(logging.INFO, logger="viv1t"):
        evaluate_mouse(recording, predicted)
    assert "1 test trials of unknown stimulus type" in caplog.text
    assert set(table["stimulus_type"]) == {
        ALL,
        "movie",
        "drifting_gabor",
        "directional_pink_noise",
        "image",
    }


def test_summary_averages_neurons_then_mice(table):
    other = table.assign(mouse="T", correlation=0.5)
    other.loc[other["neuron"] == 2, "normalized_correlation"] = np.nan
    summary = summarise(pd.concat([table, other]), "tier")
    assert tuple(summary) == TEST_TIERS
    live = table[table["tier"] == "live_main"]
    scores = summary["live_main"]["correlation"]
    assert scores["S"] == pytest.approx(live["correlation"].mean(), rel=1e-5)
    assert scores["average"] == pytest.approx((scores["S"] + 0.5) / 2)
    assert np.isfinite(summary["live_main"]["normalized_correlation"]["T"])
    assert next(iter(summarise(table, "stimulus_type"))) == "movie"


def test_a_neuron_with_undefined_correlation_is_not_hidden_by_the_mean(table):
    broken = table.copy()
    broken.loc[broken["neuron"] == 0, "correlation"] = np.nan
    assert np.isnan(summarise(broken, "tier")["validation"]["correlation"]["S"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": "model"}, "in model units.*--units recorded"),
        ({"skip": (10,)}, "lacks 1 of 4 trials of live_main.*first is 10"),
        ({"frames": 68}, "trial 10: expected 6 neurons and at most 66 frames"),
    ],
    ids=["units", "trial missing", "too long"],
)
def test_predictions_that_do_not_fit_are_an_error(recording, tmp_path, options, message):
    file = predict(recording, tmp_path / "mouseS.h5", **options)
    with pytest.raises(DataError, match=message):
        evaluate_mouse(recording, file)


def test_predictions_of_another_recording_are_an_error(recording, tmp_path):
    other = open_recording(write_data(tmp_path, ("T", "S")), "S")
    file = predict(other, tmp_path / "mouseS.h5")
    with pytest.raises(DataError, match=r"names neurons that mouse S .* does not have"):
        evaluate_mouse(recording, file)


def test_predictions_of_training_trials_only_cannot_be_scored(recording, tmp_path):
    file = predict(recording, tmp_path / "mouseS.h5", tiers=("train",))
    with pytest.raises(MissingResultError, match="has no trials of validation"):
        evaluate_mouse(recording, file)


def test_metric_columns_are_all_named(table):
    published = list(metrics.NEURON_METRICS)
    normalised = [
        f"{m}_{c}_std" for c in ("per_frame", "per_neuron") for m in evaluate_files.NORMALISED
    ]
    assert list(table)[5:] == published + normalised
    assert set(TIER_OF_RAW.values()) - set(table["tier"]) == {"train"}
