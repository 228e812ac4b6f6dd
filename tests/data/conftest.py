"""A session rebuilt from the golden arrays, and a function that writes random ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import golden_cases
import numpy as np
import pytest
from sessions import open_mouse, write_session

from viv1t.data.recording import Recording


@pytest.fixture(scope="session")
def golden_recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """The recording of the published data set case."""
    arrays = golden_cases.arrays("dataset")
    data_dir = tmp_path_factory.mktemp("golden")
    files = {f"data/{k.removeprefix('raw/')}": a for k, a in arrays.items() if k.startswith("raw/")}
    files |= {f"meta/trials/{k}": arrays[k] for k in ("tiers", "video_ids", "stimulus_ids")}
    files |= {"meta/neurons/unit_ids": arrays["unit_ids"]}
    files |= {"meta/neurons/cell_motor_coordinates": arrays["neuron_coordinates"]}
    for name, array in files.items():
        path = data_dir / "S" / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, array)
    return open_mouse(data_dir, {"video_px": [5, 6]})


@pytest.fixture
def session(tmp_path: Path) -> Callable[..., Recording]:
    """A function that writes session S below tmp_path and opens it."""

    def write(*, entry: dict[str, Any] | None = None, **options: Any) -> Recording:
        frame = options.get("frame", (16, 28))
        write_session(tmp_path / "S", **options)
        return open_mouse(tmp_path, {"video_px": list(frame)} | (entry or {}))

    return write
