"""A trained run to load: made once, copied by tests that change it."""

import shutil
from pathlib import Path

import pytest
import yaml
from conftest import GOLDEN
from tiny_runs import SMALL

import viv1t
from viv1t.training.cli import parse_run
from viv1t.training.loop import fit


@pytest.fixture(scope="session")
def trained_run(random_data, tmp_path_factory) -> Path:
    """A run folder of one epoch on the random recordings (read only)."""
    run = tmp_path_factory.mktemp("runs") / "trained"
    places = ("--data_dir", str(random_data), "--output_dir", str(run))
    parsed = parse_run([*places, *SMALL, "--epochs", "1", "--verbose", "0"])
    fit(parsed.config, given=parsed.given)
    return run


@pytest.fixture(scope="session")
def twin(trained_run) -> viv1t.DigitalTwin:
    return viv1t.load(trained_run, device="cpu")


@pytest.fixture
def copied_run(trained_run, tmp_path) -> Path:
    """A copy of the trained run that a test may damage."""
    return shutil.copytree(trained_run, tmp_path / "copy")


@pytest.fixture
def published_run(tmp_path) -> Path:
    """A copy of the published run that a test may damage."""
    return shutil.copytree(GOLDEN / "published_run", tmp_path / "published")


@pytest.fixture
def change_args():
    """A function that changes entries of the args.yaml of a run; None removes an entry."""

    def change(run: Path, **values):
        args = yaml.safe_load((run / "args.yaml").read_text()) | values
        kept = {name: value for name, value in args.items() if value != "REMOVE"}
        (run / "args.yaml").write_text(yaml.safe_dump(kept))

    return change
