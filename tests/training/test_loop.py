"""Training from a configuration to an evaluated run folder."""

import json
import math
import shutil

import numpy as np
import pytest
import torch
import yaml
from sessions import write_mice_yaml, write_session
from tiny_runs import SMALL, WITH_DROPOUT, flat

from viv1t.data.facts import MouseFacts
from viv1t.errors import CheckpointError, ConfigError
from viv1t.results.run import RunDir
from viv1t.results.tables import read_table
from viv1t.training import loop
from viv1t.training.cli import parse_run
from viv1t.training.epoch import ValidationResult

HISTORY_KEYS = {
    *("epoch", "train_loss", "train_corr", "val_loss", "val_corr", "val_poisson", "norm_corr"),
    *("single_trial_correlation", "best_corr", "learning_rate", "grad_norm", "skipped_steps"),
    "elapse",
}


@pytest.fixture(scope="module")
def finished(random_data, tmp_path_factory):
    """A finished run of two epochs, read only."""
    path = tmp_path_factory.mktemp("finished") / "run"
    parsed = parse_run(["--data_dir", str(random_data), "--output_dir", str(path), *SMALL])
    loop.fit(parsed.config, given=parsed.given)
    return RunDir.open(path)


def test_the_run_folder_holds_everything(finished):
    for path in (
        *(finished.args, finished.provenance, finished.model_summary, finished.history),
        *(finished.best_weights, finished.best_info, finished.last_state),
        *(finished.mouse_data("R1"), finished.mouse_data("R2")),
        *(finished.evaluation_yaml, finished.evaluation_parquet),
    ):
        assert path.stat().st_size > 0
    assert not list(finished.path.rglob("*.tmp"))


def test_history_has_one_line_an_epoch_with_the_published_names(finished):
    rows = [json.loads(line) for line in finished.history.read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2]
    assert all(row.keys() == HISTORY_KEYS for row in rows)


def test_provenance_holds_start_and_facts(finished):
    stored = finished.read_provenance()
    (start,) = stored["starts"]
    assert {"argv", "host", "time", "versions", "device"} <= start.keys()
    facts = stored["facts"]
    assert facts["input_shapes"]["video"] == [1, 60, 16, 28]
    assert facts["output_shapes"] == {"R1": [6, 60], "R2": [7, 60]}
    assert facts["neuron_idx"]["R1"] == list(range(6))
    assert facts["train_sizes"] == {"R1": 6, "R2": 6}
    weights = torch.load(finished.best_weights, weights_only=True)
    assert 0 < facts["trainable_params"] <= sum(w.numel() for w in weights.values())
    assert set(facts["fingerprints"]) == {"R1", "R2"}


def test_mouse_data_can_be_read_back(finished):
    facts = MouseFacts.load(finished.mouse_data("R2"))
    assert (facts.mouse_id, len(facts.unit_ids)) == ("R2", 7)


def test_evaluation_covers_validation_and_the_test_tier_that_exists(finished):
    scores = yaml.safe_load(finished.evaluation_yaml.read_text())
    assert set(scores) == {"validation", "live_main"}
    correlations = scores["validation"]["correlation"]
    assert correlations["average"] == pytest.approx((correlations["R1"] + correlations["R2"]) / 2)
    info = yaml.safe_load(finished.best_info.read_text())
    assert correlations["average"] == pytest.approx(info["best_corr"], abs=1e-6)
    table = read_table(finished.evaluation_parquet, command="python train.py")
    row = table[(table.mouse == "R1") & (table.tier == "validation")]
    assert row[row.metric == "correlation"]["value"].item() == pytest.approx(correlations["R1"])


def test_a_best_checkpoint_exists_although_the_correlation_is_not_positive(train, monkeypatch):
    outcome = ValidationResult(
        loss=1.0,
        correlation=-0.5,
        poisson=1.0,
        single_trial_correlation=-0.5,
        normalized_correlation=math.nan,
    )
    monkeypatch.setattr(loop, "validate", lambda *_, **__: outcome)
    result = train("--epochs", "2")
    assert (result.best_epoch, result.best_corr) == (1, -0.5)
    assert result.run.best_weights.is_file()
    assert result.run.read_history()[0]["norm_corr"] is None


@pytest.mark.parametrize(
    ("flags", "last"), [(("--schedule_free",), 11), ((), 16)], ids=["schedule-free", "plateau"]
)
def test_early_stopping(train, monkeypatch, flags, last):
    correlations = iter([0.5] + [0.1] * 40)

    def validated(*_, **__):
        value = next(correlations)
        return ValidationResult(
            loss=1.0,
            correlation=value,
            poisson=1.0,
            single_trial_correlation=value,
            normalized_correlation=value,
        )

    monkeypatch.setattr(loop, "validate", validated)
    result = train(*flags, "--epochs", "40", "--limit_data", "1", "--verbose", "0")
    assert (result.epoch, result.best_epoch) == (last, 1)
    rates = [row["learning_rate"] for row in result.run.read_history()]
    assert rates[-1] == pytest.approx(rates[0] * (1 if flags else 0.09))
    assert train(*flags, "--epochs", "50", "--limit_data", "1").epoch == last


@pytest.mark.parametrize("optimizer", [(), ("--schedule_free",)], ids=["adamw", "schedule-free"])
def test_a_loss_that_is_no_longer_finite_ends_training(train, caplog, optimizer):
    flags = ("--lr", "1e30", "--epochs", "9", "--criterion", "mse", *optimizer)
    result = train(*flags)
    assert result.diverged
    assert result.epoch < 9
    assert result.run.best_weights.is_file()
    assert not result.run.evaluation_yaml.exists()
    last = result.run.read_history()[-1]
    assert last["val_loss"] is None
    assert last["skipped_steps"] >= 5
    assert "was no longer finite" in caplog.text
    assert train(*flags).diverged


def test_a_frozen_core_keeps_its_weights(train, finished):
    result = train("--core_lr", "0", "--restore", str(finished.path))
    before = torch.load(finished.best_weights, weights_only=True)
    after = torch.load(result.run.best_weights, weights_only=True)
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert changed
    assert not [key for key in changed if key.startswith("core.")]


def test_pretrained_core_takes_the_core_only(parse, finished, monkeypatch):
    parsed = parse("--pretrained_core", str(finished.path), "--seed", "7")
    model = built_model(parsed, monkeypatch)
    stored = torch.load(finished.best_weights, weights_only=True)
    own = model.state_dict()
    equal = {key for key in own if torch.equal(own[key], stored[key])}
    assert {key for key in own if key.startswith("core.")} <= equal
    assert any(key not in equal for key in own if key.startswith("readouts."))


def test_restore_takes_all_weights(parse, finished, monkeypatch):
    model = built_model(parse("--restore", str(finished.path), "--seed", "7"), monkeypatch)
    stored = torch.load(finished.best_weights, weights_only=True)
    assert flat(dict(model.state_dict())) == flat(stored)


def built_model(parsed, monkeypatch):
    """The model that `fit` would start to train."""
    built = []

    def stop(training, **_):
        built.append(training.model)

    monkeypatch.setattr(loop, "_train", stop)
    loop.fit(parsed.config, given=parsed.given)
    return built[0]


def test_the_run_that_training_started_from_is_not_needed_later(train, finished, tmp_path):
    source = shutil.copytree(finished.path, tmp_path / "source")
    train("--restore", str(source), "--epochs", "1")
    shutil.rmtree(source)
    assert train("--restore", str(source), "--epochs", "2").epoch == 2


def test_restore_refuses_a_model_of_another_shape(train, finished, tmp_path):
    with pytest.raises(CheckpointError, match=r"model\.pt does not fit the model: it .*R2"):
        train("--restore", str(finished.path), "--mouse_ids", "R1")
    with pytest.raises(CheckpointError, match=r"the core in .*core|the core in .*does not fit"):
        train("--pretrained_core", str(finished.path), "--core_behavior_mode", "0")
    with pytest.raises(ConfigError, match=r"--restore: .*nowhere is not a run"):
        train("--restore", "nowhere")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("part", ["core", "readout", "shifter"])
def test_penalties_shrink_the_weights_they_name(train, part):
    plain, penalised = (
        torch.load(
            train(f"--{part}_reg_scale", scale, "--criterion", "mse", name=scale).run.best_weights,
            weights_only=True,
        )
        for scale in ("0", "1")
    )
    norms = [
        sum(w[key].abs().sum() for key in w if key.startswith(part) and "grid" not in key)
        for w in (plain, penalised)
    ]
    assert norms[1] < norms[0]


def test_micro_batches_give_the_gradients_of_the_whole_batch(train):
    flags = ("--batch_size", "3", "--clip_grad", "0", "--epochs", "1", "--readout", "linear")
    results = [
        train(*flags, "--micro_batch_size", size, name=size).run.read_history()[0]
        for size in ("3", "2", "1")
    ]
    for other in results[1:]:
        for key in ("train_loss", "grad_norm", "val_loss"):
            assert other[key] == pytest.approx(results[0][key], rel=1e-4)


def test_losses_of_training_and_validation_are_comparable(train):
    """With weights that stay as they are, both losses are those of one model on like movies."""
    row = train("--lr", "0", "--crop_frame", "300", "--batch_size", "2").run.read_history()[0]
    assert row["train_loss"] == pytest.approx(row["val_loss"], rel=0.1)


def test_a_new_mouse_trains_after_adding_mice_yaml(train, tmp_path):
    """Acceptance 8: 24x40 frames, one behaviour variable, no pupil."""
    data_dir = tmp_path / "data"
    write_session(data_dir / "mine", frame=(24, 40), num_behaviors=1, num_pupils=0)
    mouse = {"folder": "mine", "video_px": [24, 40], "fps": 15}
    write_mice_yaml(data_dir, {"Mine": mouse})
    result = train("--data_dir", str(data_dir), "--epochs", "2", base=WITH_DROPOUT)
    args = result.run.read_args()
    assert (args["core_behavior_mode"], args["shifter_mode"]) == (1, 0)
    assert result.run.read_provenance()["facts"]["input_shapes"] == {
        "video": [1, 30, 24, 40],
        "behavior": [1, 30],
        "pupil_center": [0, 30],
    }
    assert train("--data_dir", str(data_dir), "--epochs", "2", base=WITH_DROPOUT).epoch == 2


def test_validation_trials_may_differ_in_length(train, random_data, tmp_path):
    data_dir = tmp_path / "data"
    lengths = [70] * 6 + [60, 66, 72, 66, 70, 70, 60, 60]
    write_session(data_dir / "V", num_frames=lengths)
    write_mice_yaml(data_dir, {"V": {"folder": "V"}})
    row = train("--data_dir", str(data_dir)).run.read_history()[-1]
    assert np.isfinite(row["val_corr"])


def test_changed_recordings_are_mentioned(train, random_data, tmp_path, caplog):
    data_dir = tmp_path / "data"
    shutil.copytree(random_data, data_dir)
    train("--data_dir", str(data_dir), "--epochs", "1")
    write_session(data_dir / "R1", seed=9)
    train("--data_dir", str(data_dir), "--epochs", "2")
    assert "the recordings have changed" in caplog.text


def test_deterministic_mode_trains(train):
    try:
        assert train("--deterministic").epoch == 2
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


def test_verbose_two_draws_a_bar_and_three_the_summary(train, capsys, caplog):
    with caplog.at_level("INFO", "viv1t"):
        train("--verbose", "3")
    assert "batch/s" in capsys.readouterr().err
    assert "readouts.R1" in caplog.text
