"""The table of true parameters: one row a neuron, and all that rebuilding the population needs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from viv1t.data.mice import find_mice
from viv1t.errors import DataError
from viv1t.names import MouseId
from viv1t.units import FPS, Monitor
from viv1t.utils.files import atomic

# An imaging window of 0.6 mm sees a part of the screen: centres lie within this share of the frame
# around its middle, as in the prototype.
RF_SPREAD: Final = 0.19
FIELD_UM: Final = 615.0
PLANES_UM: Final = tuple(range(200, 426, 25))
SCATTER_UM: Final = 15.0
CLUSTER_UM: Final = 40.0
NUM_WAVES: Final = 2000


@dataclass(frozen=True, kw_only=True)
class TruthConfig:
    """What the neurons of one mouse are drawn from.

    Attributes:
        num_neurons: rows of the table.
        monitor: the screen; its pixels are those of the stored movie.
        clustered: neighbours prefer similar directions (salt-and-pepper if not).
        fps: frames per second.
    """

    num_neurons: int
    monitor: Monitor
    clustered: bool
    fps: float = FPS


def sample_truth(config: TruthConfig, rng: np.random.Generator) -> pd.DataFrame:
    """True parameters of `config.num_neurons` neurons, one row each; units in the column names.

    Angles: 0 is motion to the left, 90 downwards (the convention of the recordings).
    `scale` is the mean response aimed at, in recorded units, and the mean behaviour is 0 until
    `calibrated` has seen the training set.
    """
    n = config.num_neurons
    height, width = config.monitor.height_px, config.monitor.width_px
    rf_x, rf_y = (
        (size - 1) / 2 + size * rng.uniform(-RF_SPREAD, RF_SPREAD, n) for size in (width, height)
    )
    sigma = rng.uniform(1.9, 2.9, n)
    position = _cortical_position(rf_x, rf_y, (height, width), rng)
    if config.clustered:
        direction = _clustered_directions(position[:, :2], rng)
    else:
        direction = rng.uniform(0, 360, n)
    latency = rng.integers(1, 3, n)
    kind = rng.uniform(size=n)
    feedback, flips = kind < 0.4, kind >= 0.7
    w_iso = rng.uniform(0.2, 0.8, n)
    cycles = rng.uniform(0.3, 0.42, n)
    truth = pd.DataFrame(
        {
            "unit_id": np.arange(1, n + 1),
            "x_um": position[:, 0],
            "y_um": position[:, 1],
            "z_um": position[:, 2],
            "rf_x_px": rf_x,
            "rf_y_px": rf_y,
            "rf_sigma_px": sigma,
            "direction_deg": direction,
            "phase_deg": rng.uniform(0, 360, n),
            "sf_cpd": cycles / (config.monitor.deg_per_px * sigma),
            "tf_hz": np.exp(rng.uniform(math.log(1.6), math.log(3.0), n)),
            "direction_selectivity": rng.uniform(0, 1, n),
            "orientation_selectivity": 1 - 0.3 * rng.uniform(size=n) ** 3,
            "simple_fraction": rng.uniform(0.3, 0.8, n),
            "w_iso": w_iso,
            "w_cross": w_iso * rng.uniform(0, 0.3, n),
            "w_untuned": rng.uniform(0, 0.2, n),
            "w_feedback": np.where(feedback, rng.uniform(0.7, 1.4, n), 0.0),
            "w_facilitation": np.where(flips, rng.uniform(1.5, 3, n), 0.0),
            "half_saturation": np.full(n, 0.05),
            "latency_frames": latency,
            "feedback_latency_frames": latency + 3,
            "exponent": np.full(n, 1.5),
            "baseline": rng.uniform(0.001, 0.006, n),
            "running_gain": rng.uniform(0.1, 0.35, n),
            "pupil_gain": rng.normal(0.05, 0.04, n),
            "noise_shape": rng.uniform(4.0, 8.0, n),
            "scale": 3.5 * rng.lognormal(-0.125, 0.5, n),
        }
    )
    gaze = rng.uniform(0.1, 0.25, 2)
    constants = {
        "gaze_x_px": gaze[0],
        "gaze_y_px": gaze[1],
        "smoothing_frames": 1.0,
        "pupil_x": 0.0,
        "pupil_y": 0.0,
        "dilation": 0.0,
        "dilation_sd": 1.0,
        "speed": 0.0,
        "frame_h": height,
        "frame_w": width,
        "deg_per_px": config.monitor.deg_per_px,
        "fps": config.fps,
    }
    return truth.assign(**constants)


def _cortical_position(
    rf_x: np.ndarray, rf_y: np.ndarray, frame: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """(n, 3) integer µm: a rotated, gently curved map of the frame, plus scatter; z on planes."""
    height, width = frame
    span = 2 * RF_SPREAD * width
    u, v = (rf_x - (width - 1) / 2) / span, (rf_y - (height - 1) / 2) / span
    angle = rng.uniform(0, 2 * np.pi)
    bent = u + 0.15 * v**2, v + 0.15 * u * v
    x = np.cos(angle) * bent[0] - np.sin(angle) * bent[1]
    y = np.sin(angle) * bent[0] + np.cos(angle) * bent[1]
    plane = np.stack([x, y], 1) * FIELD_UM + rng.normal(0, SCATTER_UM, (len(rf_x), 2))
    depth = rng.choice(PLANES_UM, len(rf_x))
    return np.concatenate([np.rint(plane), depth[:, None]], 1).astype(np.int64)


def _clustered_directions(position: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n,) degrees: phase of a complex random field with correlation exp(-distance / 40 µm).

    The plane waves of such a field have Cauchy-distributed frequencies.
    """
    frequency = rng.normal(size=(NUM_WAVES, 2))
    frequency /= np.abs(rng.normal(size=(NUM_WAVES, 1)))
    phase = rng.uniform(0, 2 * np.pi, NUM_WAVES)
    amplitude = rng.normal(size=NUM_WAVES)
    waves = np.exp(1j * (position @ frequency.T / CLUSTER_UM + phase)) @ amplitude
    return np.degrees(np.angle(waves)) % 360


def truth_path(folder: Path) -> Path:
    """Where the table of the recording in `folder` is."""
    return folder / "meta" / "truth.parquet"


def save_truth(truth: pd.DataFrame, folder: Path) -> None:
    """Write `truth` into the recording `folder`."""
    with atomic(truth_path(folder)) as temporary:
        truth.to_parquet(temporary, index=False)


def load_truth(folder: Path) -> pd.DataFrame:
    """The table stored in the recording `folder`.

    Raises:
        DataError: there is none, or it cannot be read.
    """
    path = truth_path(folder)
    if not path.is_file():
        raise DataError(
            f"{path} does not exist: {folder} is no synthetic recording; "
            "make one with python data/make_synthetic.py"
        )
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}); make the recording again") from error


def load_truths(data_dir: Path, mouse_ids: Sequence[MouseId]) -> pd.DataFrame:
    """The tables of those mice that are synthetic, with a first column mouse; may be empty.

    Args:
        data_dir: folder with mice.yaml.
        mouse_ids: mice, known there or not.
    """
    mice = find_mice(data_dir) if data_dir.is_dir() else {}
    found = {m: mice[m].folder for m in mouse_ids if m in mice}
    parts = [pd.DataFrame({"mouse": pd.Series(dtype=str)})]
    for mouse_id, folder in found.items():
        if truth_path(folder).is_file():
            table = load_truth(folder)
            table.insert(0, "mouse", mouse_id)
            parts.append(table)
    return pd.concat(parts[1:] or parts, ignore_index=True)
