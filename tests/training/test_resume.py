"""A training that was interrupted ends with the same bits as one that was not."""

import pytest
import torch
from tiny_runs import WITH_DROPOUT, outcome

from viv1t.errors import CheckpointError, ConfigError
from viv1t.results.run import RunDir


class Interrupted(Exception):
    """Stands for whatever ends a process."""


def interrupt_after(epoch):
    """A callback that ends training once `epoch` is on disk."""

    def stop(done):
        if done == epoch:
            raise Interrupted

    return stop


@pytest.mark.parametrize("optimizer", [(), ("--schedule_free",)], ids=["adamw", "schedule-free"])
@pytest.mark.parametrize("workers", ["0", "2"])
def test_interrupted_training_ends_with_the_same_bits(train, tmp_path, optimizer, workers):
    flags = (*optimizer, "--num_workers", workers, "--epochs", "3")
    train(*flags, base=WITH_DROPOUT, name="unbroken")
    for epoch in (1, 2):
        with pytest.raises(Interrupted):
            train(*flags, base=WITH_DROPOUT, on_epoch=interrupt_after(epoch))
    train(*flags, base=WITH_DROPOUT)
    assert outcome(tmp_path / "run") == outcome(tmp_path / "unbroken")


def test_the_comparison_sees_another_seed(train, tmp_path):
    train("--epochs", "1", base=WITH_DROPOUT, name="one")
    train("--epochs", "1", "--seed", "1", base=WITH_DROPOUT, name="other")
    assert outcome(tmp_path / "one") != outcome(tmp_path / "other")


def test_number_of_workers_changes_nothing(train, tmp_path):
    for workers in ("0", "1"):
        train("--epochs", "1", "--num_workers", workers, base=WITH_DROPOUT, name=workers)
    assert outcome(tmp_path / "0") == outcome(tmp_path / "1")


def test_more_epochs_continue_a_finished_run(train, tmp_path, caplog):
    train("--epochs", "3", name="unbroken")
    assert train("--epochs", "1").epoch == 1
    assert train("--epochs", "3", "--verbose", "0").epoch == 3
    assert outcome(tmp_path / "run") == outcome(tmp_path / "unbroken")
    assert RunDir.open(tmp_path / "run").read_args()["epochs"] == 3


def test_a_finished_run_says_so_and_changes_nothing(train, tmp_path, caplog):
    train()
    before = outcome(tmp_path / "run")
    with caplog.at_level("INFO", "viv1t"):
        train()
    assert "is finished" in caplog.text
    assert outcome(tmp_path / "run") == before


def test_a_finished_run_without_evaluation_is_evaluated_again(train, tmp_path):
    run = train().run
    first = run.evaluation_yaml.read_text()
    run.evaluation_yaml.unlink()
    train()
    assert run.evaluation_yaml.read_text() == first


def test_other_flags_are_refused_with_both_values(train, tmp_path):
    train()
    with pytest.raises(ConfigError, match=r"--lr was 0.005, now 0.1.*--clear_output_dir"):
        train("--lr", "0.1")
    assert train("--lr", "0.1", "--clear_output_dir").epoch == 2
    assert RunDir.open(tmp_path / "run").read_args()["lr"] == 0.1


def test_the_best_checkpoint_survives_worse_epochs_after_resuming(train):
    first = train("--epochs", "1").run
    info = first.best_info.read_text()
    weights = first.best_weights.read_bytes()
    last = torch.load(first.last_state, weights_only=True)
    last["progress"]["best_corr"] = 0.99
    torch.save(last, first.last_state)
    result = train("--epochs", "3")
    assert result.best_corr == 0.99
    assert (first.best_info.read_text(), first.best_weights.read_bytes()) == (info, weights)


def test_a_line_of_history_that_was_lost_comes_back_once(train):
    run = train("--epochs", "1").run
    run.history.unlink()
    train("--epochs", "2")
    assert [row["epoch"] for row in run.read_history()] == [1, 2]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:900]), "cannot be read"),
        (lambda path: path.write_bytes(b""), "cannot be read"),
        (lambda path: torch.save({"format": 1}, path), "lacks a part"),
        (lambda path: torch.save({"format": 7}, path), "should state format 1, found 7"),
        (lambda path: torch.save([1], path), "should hold a dict, found list"),
    ],
)
def test_a_damaged_last_checkpoint_says_what_to_do(train, damage, message):
    run = train("--epochs", "1").run
    damage(run.last_state)
    with pytest.raises(CheckpointError, match=rf"last\.pt.*{message}.*delete .*epoch 1"):
        train("--epochs", "2")
    run.last_state.unlink()
    assert train("--epochs", "2").epoch == 2
