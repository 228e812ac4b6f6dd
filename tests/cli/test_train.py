"""python train.py: exit status, and the one line that a user sees."""

import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from published_flags import README_COMMAND
from scripts import ROOT, run_script
from tiny_runs import SMALL, SMALL_VIVIT

from viv1t import checkpoint
from viv1t.results.run import RunDir


class Bomb:
    """Ends the process when it is unpickled by an unguarded reader."""

    def __reduce__(self):
        return os._exit, (66,)


@pytest.fixture(scope="module")
def trained(random_data, tmp_path_factory):
    """A run of one epoch (read only)."""
    run = tmp_path_factory.mktemp("trained") / "run"
    assert run_script("train.py", *flags_for(random_data, run, "--epochs", "1")) == 0
    return run


@pytest.fixture
def run(trained, tmp_path):
    """A copy of the trained run."""
    return shutil.copytree(trained, tmp_path / "run")


def flags_for(data_dir, run, *flags):
    return ("--data_dir", data_dir, "--output_dir", run, *SMALL, "--verbose", "0", *flags)


@pytest.fixture
def fails(random_data, run, capsys):
    """A function that trains on `run`, expects status 2, and returns the line that was said."""

    def train(*flags):
        assert run_script("train.py", *flags_for(random_data, run, *flags)) == 2
        said = capsys.readouterr().err
        assert re.fullmatch(r"error: .*\n", said), said
        return said

    return train


@pytest.mark.parametrize(
    ("flags", "parts"),
    [
        (("--core", "vivt"), ["unknown core 'vivt'", "did you mean 'vivit'", "known: fcnn"]),
        (("--readout", "gausian"), ["unknown readout", "did you mean 'gaussian'"]),
        (("--criterion", "poison"), ["unknown criterion", "did you mean 'poisson'"]),
        (("--mouse_ids", "R1", "R7"), ["R7", "R2"]),
        (("--data_dir", "no/such/folder"), ["no/such/folder"]),
        (("--lr", "3"), ["--lr was 0.005, now 3.0", "--clear_output_dir"]),
        (("--restore", "a", "--pretrained_core", "b"), ["give one of them"]),
        (("--transform_output", "2", "--output_mode", "1"), ["needs --output_mode 4"]),
        (("--restore", "no/such/run", "--clear_output_dir"), ["--restore", "is not a run"]),
        (("--device", "gpu"), ["--device should be one of cpu, cuda, mps"]),
    ],
)
def test_bad_flags_get_one_line(fails, flags, parts):
    said = fails(*flags)
    assert all(part in said for part in parts), said


def test_cuda_that_is_not_there(fails, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "--device cuda was asked for, but torch finds none; use --device cpu" in fails(
        "--device", "cuda"
    )


@pytest.mark.parametrize("clear", [(), ("--clear_output_dir",)])
def test_a_folder_that_no_run_made_stays_as_it_is(fails, run, clear):
    shutil.rmtree(run)
    run.mkdir()
    (run / "thesis.tex").write_text("years of work")
    assert "no run of viv1t" in fails(*clear)
    assert [path.read_text() for path in run.iterdir()] == ["years of work"]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "cannot be read"),
        (b"PK\x03\x04 cut off", "cannot be read"),
        ({"format": 1, "model": Bomb()}, "objects other than tensors"),
        ({"format": 1, "model": {"core.weight": torch.zeros(1)}}, "does not fit the model"),
    ],
    ids=["empty", "truncated", "bomb", "other shape"],
)
def test_a_damaged_last_checkpoint(fails, run, content, part):
    if isinstance(content, bytes):
        (run / "ckpt/last.pt").write_bytes(content)
    else:
        torch.save(content, run / "ckpt/last.pt")
    said = fails()
    assert "last.pt" in said
    assert part in said


def test_damaged_weights_to_start_from(fails, run, tmp_path):
    other = shutil.copytree(run, tmp_path / "other")
    (other / "ckpt/model.pt").write_bytes(b"PK\x03\x04 cut off")
    said = fails("--restore", str(other), "--clear_output_dir")
    assert "other/ckpt/model.pt should be a checkpoint" in said
    assert (run / "ckpt/model.pt").is_file(), "nothing is cleared before all else is known to work"


@pytest.mark.parametrize("file", ["args.yaml", "provenance.json"])
def test_a_damaged_record_of_the_run(fails, run, file):
    (run / file).write_text("{ not")
    assert str(run) in fails()


def test_a_full_disk_loses_nothing(fails, run, monkeypatch):
    before = {path: path.read_bytes() for path in (run / "ckpt").iterdir()}
    save = checkpoint.save

    def full(path, content):
        if path.name == "last.pt":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        save(path, content)

    monkeypatch.setattr(checkpoint, "save", full)
    said = fails("--epochs", "2")
    assert re.search(r"could not write .*last\.pt: No space left on device", said)
    assert (run / "ckpt/last.pt").read_bytes() == before[run / "ckpt/last.pt"]
    monkeypatch.undo()
    assert len(RunDir.open(run).read_history()) == 1


def test_wandb_without_login(fails, run, monkeypatch):
    import wandb

    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setattr(wandb, "login", lambda **_: False)
    said = fails("--wandb", "group", "--clear_output_dir")
    assert "WANDB_MODE=offline" in said
    assert (run / "ckpt/model.pt").is_file()


def test_a_loss_that_is_not_finite_gives_status_1(random_data, tmp_path):
    flags = ("--lr", "1e30", "--criterion", "mse", "--schedule_free")
    assert run_script("train.py", *flags_for(random_data, tmp_path / "run", *flags)) == 1


def test_a_finished_run_gives_status_0(random_data, run):
    for _ in range(2):
        assert run_script("train.py", *flags_for(random_data, run, "--epochs", "1")) == 0


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["offline", "online"])
def test_the_published_command(random_data, tmp_path, mode):
    """Acceptance 2, on the CPU and with a smaller core; wandb online has no login here."""
    replaced = README_COMMAND.replace("data/", str(random_data)).replace("runs/", f"{tmp_path}/")
    command = [sys.executable, str(ROOT / "train.py"), *replaced.split(), *SMALL_VIVIT]
    surroundings = os.environ | {"WANDB_MODE": mode, "WANDB_API_KEY": "", "HOME": str(tmp_path)}
    done = subprocess.run(
        [*command, "--epochs=1", "--device=cpu"],
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )
    run = tmp_path / "001_viv1t"
    if mode == "online":
        assert done.returncode == 2
        assert "error: --wandb vivit needs a login" in done.stderr.splitlines()[-1]
        assert not run.exists()
    else:
        assert done.returncode == 0, done.stderr
        assert len(RunDir.open(run).read_history()) == 1
        assert RunDir(run).evaluation_yaml.is_file()
        assert list(run.glob("wandb/offline-run-*"))


def test_the_script_is_thin():
    assert len((Path(ROOT) / "train.py").read_text().splitlines()) < 40
