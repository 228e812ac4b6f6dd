"""Reading trials: from packed copies, and from the recordings as they are."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from benchmarks.bench import MOUSE, Bench
from benchmarks.table import Goal, Row, build_row, error_of, worst
from viv1t.data.dataset import TrialDataset
from viv1t.data.mice import Mouse
from viv1t.data.packed import pack
from viv1t.data.recording import Recording
from viv1t.data.statistics import load_statistics
from viv1t.data.transforms import Transforms
from viv1t.units import Monitor

NUM_TRIALS: Final = 4
CALLS: Final = (9, 9, 9)
MONITOR: Final = Monitor(width_cm=56.5, height_cm=31.8, distance_cm=15.0)


def loader(bench: Bench) -> Iterator[Row]:
    """Some trials, one after the other, read and transformed; files are in memory."""
    for dtype in (np.float64, np.float32):
        with tempfile.TemporaryDirectory(dir=bench.output_dir) as folder:
            yield from _rows(bench, Path(folder), dtype)


def _rows(bench: Bench, folder: Path, dtype: type[np.floating]) -> Iterator[Row]:
    size = bench.size
    mouse = Mouse(id=MOUSE, folder=folder, monitor=MONITOR)
    _write_session(bench, folder, dtype)
    recording = Recording(mouse, use_packed=False)
    transforms = Transforms(load_statistics(recording), input_mode=1, output_mode=1)
    pack(recording)
    everything = np.arange(size.neurons)
    some = np.sort(np.random.default_rng(7).choice(size.neurons, size.few, replace=False))
    wanted = (
        ("whole trials", -1, everything, Goal(2, 3)),
        (f"{size.crop}-frame crops", size.crop, everything, Goal(10, 25)),
        (f"{size.few} of {size.neurons} neurons", -1, some, Goal(5, 8)),
    )
    for what, crop, neurons, goal in wanted:
        options: dict[str, Any] = {
            "transforms": transforms.select(neurons),
            "neurons": neurons,
            "crop_frame": crop,
        }
        files, packed = (
            TrialDataset(Recording(mouse, use_packed=use), "train", **options)
            for use in (False, True)
        )
        start = 0 if crop == -1 else size.frames // 3
        cut = slice(start, start + files.num_frames(0))
        plain, fast, unpacked = bench.meter.interleaved(
            (_plain(folder, transforms.select(neurons), cut, neurons), CALLS[0]),
            (_items(packed, start), CALLS[1]),
            (_items(files, start), CALLS[2]),
        )
        yield build_row(
            "loader",
            f"{NUM_TRIALS} {np.dtype(dtype).name} trials: {what}",
            plain,
            fast,
            error=worst([error_of(*x) for x in zip(fast.result, plain.result, strict=True)]),
            goals=bench.goals(goal),
            note=f"without packed copies: {1e3 * unpacked.typical_s:.2f} ms",
        )


def _items(dataset: TrialDataset, start: int) -> Callable[[], list[Tensor]]:
    def read() -> list[Tensor]:
        for index in range(len(dataset)):
            item = dataset.item(index, start=start)
        return [x[0] for x in (item.video, item.response, item.behavior, item.pupil_center)]

    return read


def _plain(
    folder: Path, transforms: Transforms, cut: slice, neurons: np.ndarray
) -> Callable[[], list[Tensor]]:
    """What the published loader does: whole files, neurons selected, transformed, then cut."""
    chosen = torch.from_numpy(neurons)

    def load(name: str, trial: int) -> Tensor:
        stored = np.load(folder / "data" / name / f"{trial}.npy")
        return torch.from_numpy(stored.astype(np.float32))

    def read() -> list[Tensor]:
        for trial in range(NUM_TRIALS):
            response = load("responses", trial)
            if len(chosen) < len(response):
                response = response[chosen]
            signals = (
                transforms.video(load("videos", trial).permute(2, 0, 1)[None]),
                transforms.response(response),
                transforms.behavior(load("behavior", trial)),
                transforms.pupil_center(load("pupil_center", trial)),
            )
            video, *rest = signals
            found = [video[:, cut].contiguous(), *(x[..., cut].contiguous() for x in rest)]
        return found

    return read


def _write_session(bench: Bench, folder: Path, dtype: type[np.floating]) -> None:
    """A session of random trials, see data/README.md."""
    rng = np.random.default_rng(8)
    num_neurons, num_frames = bench.size.neurons, bench.size.frames
    for trial in range(NUM_TRIALS):
        arrays = {
            "videos": rng.uniform(0, 255, (*bench.size.frame, num_frames)),
            "responses": rng.gamma(1.0, 2.0, (num_neurons, num_frames)),
            "behavior": rng.gamma(2.0, 1.0, (2, num_frames)),
            "pupil_center": rng.normal(0, 5.0, (2, num_frames)),
        }
        for name, array in arrays.items():
            path = folder / "data" / name / f"{trial}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, array.astype(np.float32).astype(dtype))
    for name in ("neurons", "trials"):
        (folder / "meta" / name).mkdir(parents=True)
    places = rng.integers(-300, 300, (num_neurons, 3))
    np.save(folder / "meta/neurons/cell_motor_coordinates.npy", places)
    np.save(folder / "meta/trials/tiers.npy", np.array(["train"] * NUM_TRIALS))
