"""How many movies a twin answers in a second, on this machine."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from viv1t.config.flags import check, flag
from viv1t.insilico.anatomy import count_parameters
from viv1t.insilico.load import load
from viv1t.insilico.twin import DigitalTwin, Precision
from viv1t.results.responses import Units
from viv1t.utils.device import device_name


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What is timed."""

    num_passes: int = flag(5, help="forward passes that are timed; the median counts")
    num_frames: int = flag(300, help="frames of a timed movie; at most those of a trial")
    batch_size: int = flag(1, help="movies per forward pass")

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            check(value >= 1, f"--{name} must be at least 1, got {value}")


def time_runs(
    runs: Mapping[str, Path],
    timing: Timing,
    *,
    device: str = "",
    precision: Precision = "32",
    seed: int = 1234,
    progress: bool = False,
) -> pd.DataFrame:
    """One row a run: model (its label), trials_per_s, num_frames, height_px, width_px, batch_size,
    parameters, machine (device, and threads of the CPU).

    Args:
        runs: label -> run folder.
        timing: what is timed.
        device: where to compute; empty: the best there is.
        precision: "32" or "bf16".
        seed: of the noise that is shown.
        progress: show progress bars.
    """  # noqa: D205
    rows = []
    for name, folder in runs.items():
        twin = load(folder, device=device or None, precision=precision)
        height, width = twin.video_shape
        threads = f", {torch.get_num_threads()} threads" if twin.device.type == "cpu" else ""
        rows.append(
            {
                "model": name,
                "trials_per_s": trials_per_s(twin, timing, seed=seed, progress=progress),
                "num_frames": min(timing.num_frames, twin.shapes.max_frames),
                "height_px": height,
                "width_px": width,
                "batch_size": timing.batch_size,
                "parameters": int(count_parameters(twin.model)["parameters"].iloc[-1]),
                "machine": device_name(twin.device) + threads,
            }
        )
    return pd.DataFrame(rows)


def trials_per_s(
    twin: DigitalTwin, timing: Timing, *, seed: int = 1234, progress: bool = False
) -> float:
    """Movies of noise that are answered in a second, for the first mouse.

    The median over passes; one pass before them does not count. Every movie is another one, so that
    nothing is remembered. `DigitalTwin.predict` is timed: transforms and copies are part of it.

    Args:
        twin: the model.
        timing: what is timed.
        seed: of the noise.
        progress: show a progress bar.
    """
    rng = np.random.default_rng(seed)
    mouse_id, batch_size = twin.mouse_ids[0], timing.batch_size
    shape = (batch_size, min(timing.num_frames, twin.shapes.max_frames), *twin.video_shape)
    units: Units = "model" if twin.mouse(mouse_id).transforms is None else "recorded"
    seconds = []
    for _ in tqdm(range(timing.num_passes + 1), desc="timing", disable=not progress):
        movies = rng.integers(0, 256, shape, dtype=np.uint8)
        start = time.perf_counter()
        twin.predict(movies, mouse_id, batch_size=batch_size, units=units)
        seconds.append(time.perf_counter() - start)
    return batch_size / median(seconds[1:])
