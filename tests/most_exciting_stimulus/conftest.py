from pathlib import Path

import pytest

from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.data.synthetic import write_recordings


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of the synthetic mice of the preset test."""
    folder = tmp_path_factory.mktemp("data")
    write_recordings(folder, preset="test", seed=7)
    return folder


@pytest.fixture(scope="module")
def recording(data_dir: Path) -> Recording:
    """That of mouse S1."""
    return Recording(*choose_mice(data_dir, ["S1"]))
