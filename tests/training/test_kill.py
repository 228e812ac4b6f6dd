"""Acceptance 5: SIGKILL at any moment, start again, and end with the same numbers."""

import random
import signal
import subprocess
import sys
import time
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
    """Outcome of the training that nobody killed, and the seconds that it took."""
    for name in ("warm_up", "unbroken"):
        started = time.perf_counter()
        finish([*argv, str(tmp_path / name)])
    return outcome(tmp_path / "unbroken"), time.perf_counter() - started


def finish(argv):
    process = killing.start(argv)
    process.join()
    assert process.exitcode == 0


@pytest.mark.parametrize("argv", VARIANTS, indirect=True)
def test_random_kills(argv, unbroken, tmp_path):
    """Trainings are killed and started again until they finish; another follows until all kills."""
    expected, seconds = unbroken
    rng = random.Random(20)
    killed, folders = 0, [tmp_path / "run0"]
    while True:
        process = killing.start([*argv, str(folders[-1])])
        process.join(rng.uniform(0.02, 0.6) * seconds if killed < KILLS else None)
        if process.exitcode is None:
            process.kill()
            process.join()
            killed += 1
            continue
        assert process.exitcode == 0
        assert outcome(folders[-1]) == expected
        if killed == KILLS:
            break
        folders.append(tmp_path / f"run{len(folders)}")
    assert len(folders) > 1


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
    expected, _ = unbroken
    command = [sys.executable, str(ROOT / "train.py"), *argv, str(tmp_path / "run")]
    for seconds in (3.0, 5.0):
        with subprocess.Popen(command) as process:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
        assert process.returncode in (0, -signal.SIGKILL)
    subprocess.run(command, check=True)
    assert outcome(tmp_path / "run") == expected
