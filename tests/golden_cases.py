"""Golden arrays of the published system, by name."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

GOLDEN = Path(os.environ.get("VIV1T_GOLDEN") or Path(__file__).parent / "golden")
DATA = GOLDEN / "data"


@cache
def arrays(name: str, folder: str = "data") -> dict[str, np.ndarray]:
    """All arrays of `tests/golden/<folder>/<name>.npz`."""
    with np.load(GOLDEN / folder / f"{name}.npz") as stored:
        return {key: stored[key] for key in stored.files}


@cache
def facts(name: str, folder: str = "data") -> Any:
    """The content of `tests/golden/<folder>/<name>.json`."""
    return json.loads((GOLDEN / folder / f"{name}.json").read_text())
