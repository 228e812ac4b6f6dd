"""Random recordings in the published format, for tests that need files but no science."""

import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording

DEFAULT_TIERS = ("train",) * 6 + ("oracle",) * 4 + ("live_test_main",) * 4
DEFAULT_MOUSE = {
    "fps": 30,
    "video_px": [16, 28],
    "monitor": {"width_cm": 56.5, "height_cm": 31.8, "distance_cm": 15.0},
}


def write_session(
    folder: Path,
    *,
    seed: int = 0,
    num_neurons: int = 6,
    tiers: Sequence[str] = DEFAULT_TIERS,
    num_frames: int | Sequence[int] = 70,
    pad_to: int = 80,
    frame: tuple[int, int] = (16, 28),
    num_behaviors: int = 2,
    num_pupils: int = 2,
) -> Path:
    """Write a session of random numbers; trials of tiers other than train repeat two movies."""
    rng = np.random.default_rng(seed)
    lengths = [num_frames] * len(tiers) if isinstance(num_frames, int) else list(num_frames)
    movies = {i: rng.uniform(0, 255, (*frame, pad_to)).astype(np.float32) for i in range(2)}
    for trial, (tier, length) in enumerate(zip(tiers, lengths, strict=True)):
        movie = rng.uniform(0, 255, (*frame, pad_to)).astype(np.float32)
        arrays = {
            "videos": movie if tier == "train" else movies[trial % 2].copy(),
            "responses": rng.gamma(1.0, 2.0, (num_neurons, pad_to)),
            "behavior": rng.gamma(2.0, 1.0, (num_behaviors, pad_to)),
            "pupil_center": rng.normal(0, 5.0, (num_pupils, pad_to)),
        }
        for name, array in arrays.items():
            if array.shape[0] == 0:
                continue
            array[..., length:] = np.nan
            path = folder / "data" / name / f"{trial}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, array)
    (folder / "meta/neurons").mkdir(parents=True, exist_ok=True)
    (folder / "meta/trials").mkdir(parents=True, exist_ok=True)
    coordinates = rng.integers(-300, 300, (num_neurons, 3))
    np.save(folder / "meta/neurons/cell_motor_coordinates.npy", coordinates)
    np.save(folder / "meta/neurons/unit_ids.npy", np.arange(100, 100 + num_neurons))
    np.save(folder / "meta/trials/tiers.npy", np.array(tiers))
    return folder


def write_mice_yaml(data_dir: Path, mice: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write mice.yaml; keys that a mouse leaves out are those of DEFAULT_MOUSE."""
    path = data_dir / "mice.yaml"
    entries = {name: DEFAULT_MOUSE | dict(mouse) for name, mouse in mice.items()}
    path.write_text(yaml.safe_dump({"schema": 1, "mice": entries}))
    return path


def open_mouse(data_dir: Path, entry: Mapping[str, Any] | None = None) -> Recording:
    """The session S in `data_dir`, opened afresh, with `entry` as its part of mice.yaml."""
    write_mice_yaml(data_dir, {"S": {"folder": "S"} | dict(entry or {})})
    (mouse,) = choose_mice(data_dir, None)
    return Recording(mouse)


def edit(path: Path, change: Callable[[np.ndarray], np.ndarray | None]) -> None:
    """Change the array stored in `path`: in place, or by returning another."""
    array = np.load(path)
    changed = change(array)
    np.save(path, array if changed is None else changed)


def zip_folder(folder: Path, path: Path, *, root: str) -> Path:
    """Write the files of `folder` to the zip `path`, below a top-level folder `root`."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*.npy")):
            archive.write(file, Path(root) / file.relative_to(folder))
    return path
