"""Acceptance 5: SIGKILL at any moment, start again, and end with the same numbers."""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import killing
import pytest
from tiny_runs import WITH_DROPOUT, outcome

ROOT = Path(__file__).parents[2]
KILLS = 10  # of each variant: 20 in all
pytestmark = pytest.mark.slow
VARIANTS = {
    "adamw": ("--num_workers", "2"),
    "schedule-free": ("--num_workers", "0", "--schedule_free"),
}


@pytest.fixture
def argv(request, random_data):
    """Flags of a training of some seconds, without the output folder."""
    variant = getattr(request, "param", "schedule-free")
    flags = (*WITH_DROPOUT, *VARIANTS[variant], "--epochs", "6", "--output_dir")
    return ["--data_dir", str(random_data), *flags]


@pytest.fixture
def unbroken(argv, tmp_path):
    """Outcome of the training that nobody killed."""
    finish([*argv, str(tmp_path / "unbroken")])
    return outcome(tmp_path / "unbroken")


def finish(argv):
    process = killing.start(argv)
    process.join()
    assert process.exitcode == 0


def epochs_done(folder):
    """Rows of history.jsonl; none before it is there."""
    path = folder / "history.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def kill_after(epoch, argv, folder, rng):
    """Start training, kill it at a random moment of the epoch after `epoch`; whether it lived."""
    process = killing.start([*argv, str(folder)])
    while process.is_alive() and len(epochs_done(folder)) < epoch:
        process.join(0.01)
    seconds = epochs_done(folder)[-1]["elapse"] if epoch else 2.0
    process.join(rng.uniform(0, 1.2) * seconds)
    alive = process.is_alive()
    process.kill()
    process.join()
    return alive


@pytest.mark.parametrize("argv", VARIANTS, indirect=True)
def test_random_kills(argv, unbroken, tmp_path):
    """Trainings are killed in most of their epochs, then finish; others follow until all kills."""
    rng = random.Random(20)
    killed = number = 0
    while killed < KILLS:
        folder = tmp_path / f"run{number}"
        for epoch in sorted(rng.sample(range(6), 5)):
            killed += kill_after(epoch, argv, folder, rng)
        finish([*argv, str(folder)])
        assert outcome(folder) == unbroken
        number += 1


def test_a_kill_at_every_rename(argv, tmp_path):
    """Before and after each file gets its name, until a training ends before it is its turn."""
    short = [*argv[:-3], "--epochs", "2", "--output_dir"]
    finish([*short, str(tmp_path / "short")])
    expected = outcome(tmp_path / "short")
    for number in range(1, 99):
        folder = tmp_path / f"rename{number}"
        process = killing.start([*short, str(folder)], die_at=number)
        process.join()
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        finish([*short, str(folder)])
        assert outcome(folder) == expected, number
        assert not list(folder.rglob(".*.tmp"))
    assert 20 < number < 98


def test_kills_of_the_script(argv, unbroken, tmp_path):
    command = [sys.executable, str(ROOT / "train.py"), *argv, str(tmp_path / "run")]
    for seconds in (3.0, 5.0):
        with subprocess.Popen(command) as process:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
        assert process.returncode in (0, -signal.SIGKILL)
    subprocess.run(command, check=True)
    assert outcome(tmp_path / "run") == unbroken
