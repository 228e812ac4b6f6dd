"""Mirrors of the history: W&B offline, TensorBoard, and asking for them where they cannot work."""

from dataclasses import replace

import pytest

from viv1t.errors import ConfigError
from viv1t.training import trackers


class FakeRun:
    """Stands for a W&B run."""

    id = "abc123"

    def __init__(self):
        self.rows, self.exit_code = [], None

    def log(self, values, *, step):
        self.rows.append((step, values))

    def finish(self, *, exit_code):
        self.exit_code = exit_code


@pytest.fixture
def wandb_init(monkeypatch):
    """Arguments of wandb.init, which starts nothing, and the runs it returned."""
    import wandb

    calls, runs = [], []

    def init(**arguments):
        calls.append(arguments)
        runs.append(FakeRun())
        return runs[-1]

    monkeypatch.setattr(wandb, "init", init)
    return calls, runs


def test_wandb_gets_flags_rows_and_scores(train, wandb_init, monkeypatch):
    monkeypatch.setenv("WANDB_PROJECT", "from_environment")
    result = train("--wandb", "group", "--wandb_entity", "lab")
    (arguments,), (run,) = wandb_init
    assert (arguments["group"], arguments["name"]) == ("group", "run")
    assert (arguments["project"], arguments["entity"]) == ("from_environment", "lab")
    assert arguments["resume"] == "allow"
    assert arguments["config"]["core"] == "linear"
    assert not {"verbose", "wandb", "clear_output_dir"} & arguments["config"].keys()
    steps = [step for step, _ in run.rows]
    assert steps == [1, 2, 2]
    assert {"train_loss", "val_corr", "learning_rate", "grad_norm"} <= run.rows[0][1].keys()
    assert {"best_corr", "live_main_corr", "live_main_norm_corr"} <= run.rows[-1][1].keys()
    assert run.exit_code == 0
    assert result.run.read_provenance()["facts"]["wandb_id"] == "abc123"


def test_wandb_goes_on_with_the_same_id(train, wandb_init):
    train("--wandb", "group", "--epochs", "1")
    train("--wandb", "group", "--epochs", "2")
    train("--wandb", "group", "--epochs", "3", "--wandb_id", "mine")
    assert [call["id"] for call in wandb_init[0]] == [None, "abc123", "mine"]


def test_wandb_hears_of_a_failure(train, wandb_init):
    def fail(epoch):
        raise KeyError(epoch)

    with pytest.raises(KeyError):
        train("--wandb", "group", on_epoch=fail)
    assert wandb_init[1][0].exit_code == 1


def test_wandb_online_without_login_stops_before_training(train, tmp_path, monkeypatch):
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    import wandb

    monkeypatch.setattr(wandb, "login", lambda **_: False)
    with pytest.raises(ConfigError, match=r"--wandb x needs a login.*WANDB_MODE=offline"):
        train("--wandb", "x")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("flags", "package"), [(("--wandb", "x"), "wandb"), (("--tensorboard",), "tensorboard")]
)
def test_a_missing_library_is_named(train, monkeypatch, flags, package):
    monkeypatch.setattr(trackers, "find_spec", lambda name: None if name == package else object())
    with pytest.raises(ConfigError, match=rf"needs the package {package}: pip install"):
        train(*flags)


def test_a_refusal_by_wandb_is_one_line(parse, monkeypatch, tmp_path):
    import wandb

    def refuse(**_):
        raise wandb.errors.CommError("no such\nentity")

    monkeypatch.setattr(wandb, "init", refuse)
    log = replace(parse().config.log, wandb="x")
    with pytest.raises(ConfigError, match="refused to start \\(no such entity\\)"):
        trackers.WandbTracker(log, run=trackers.RunDir(tmp_path), values={}, run_id=None)


def test_tensorboard_holds_each_epoch_once(train):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train("--tensorboard", "--epochs", "1")
    run = train("--tensorboard", "--epochs", "3").run
    events = EventAccumulator(str(run.path / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("val_corr")] == [1, 2, 3]
