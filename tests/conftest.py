"""Fixtures for all tests: one thread, and small recordings in the published format."""

import os
import sys
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("WANDB_MODE", "offline")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))

import pytest
import torch
from sessions import write_mice_yaml, write_session

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def random_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with two mice of random numbers (read only: copy it before changing it)."""
    data_dir = tmp_path_factory.mktemp("random_data")
    for seed, mouse_id in enumerate(("R1", "R2")):
        write_session(data_dir / mouse_id, seed=seed, num_neurons=6 + seed)
    write_mice_yaml(data_dir, {"R1": {"folder": "R1"}, "R2": {"folder": "R2"}})
    return data_dir
