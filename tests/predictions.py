"""Recordings with several stimulus types, and noisy predictions of their responses."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sessions import write_mice_yaml, write_session

from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.results.responses import ResponseAttributes, ResponseFile, TrialLabels

TIERS = (
    *("train",) * 5,
    *("oracle",) * 4,
    *("live_test_main",) * 4,
    *("live_test_bonus",) * 4,
    *("final_test_main",) * 4,
    *("final_test_bonus",) * 6,
)
TYPES = {"live_test_bonus": (4,) * 4, "final_test_bonus": (1, 1, 1, -1, 5, 5)}
LENGTHS = {"live_test_main": (70, 66, 70, 66)}


def write_recording(data_dir: Path, mouse_id: str, *, seed: int = 0, neurons: int = 6) -> Path:
    """Write a session with test tiers of four stimulus types and unequal lengths, and its ids."""
    kinds, lengths = [], []
    for i, tier in enumerate(TIERS):
        within = i - TIERS.index(tier)
        kinds.append(TYPES[tier][within] if tier in TYPES else 0)
        lengths.append(LENGTHS[tier][within] if tier in LENGTHS else 70)
    folder = write_session(
        data_dir / mouse_id, seed=seed, num_neurons=neurons, tiers=TIERS, num_frames=lengths
    )
    np.save(folder / "meta/trials/stimulus_ids.npy", np.array(kinds))
    videos = [i if t == "train" else 100 + 2 * TIERS.index(t) + i % 2 for i, t in enumerate(TIERS)]
    np.save(folder / "meta/trials/video_ids.npy", np.array(videos))
    return folder


def open_recording(data_dir: Path, mouse_id: str) -> Recording:
    """The recording of a mouse in `data_dir`."""
    return Recording(choose_mice(data_dir, [mouse_id])[0])


def write_data(data_dir: Path, mouse_ids: Sequence[str] = ("S",)) -> Path:
    """Write a data folder with such recordings."""
    for seed, mouse_id in enumerate(mouse_ids):
        write_recording(data_dir, mouse_id, seed=seed, neurons=6 + seed)
    write_mice_yaml(data_dir, {m: {"folder": m} for m in mouse_ids})
    return data_dir


def predict(
    recording: Recording,
    path: Path,
    *,
    neurons: np.ndarray | None = None,
    frames: int | None = None,
    units: str = "recorded",
    skip: Sequence[int] = (),
    tiers: Sequence[str] = tuple(dict.fromkeys(TIERS)),
) -> ResponseFile:
    """Write predictions = recorded responses plus noise, of the last `frames` frames."""
    rng = np.random.default_rng(3)
    rows = np.arange(recording.num_neurons) if neurons is None else neurons
    attributes = ResponseAttributes(
        mouse=recording.mouse.id,
        unit_ids=recording.unit_ids[rows],
        neuron_idx=rows,
        units=units,
        source="predicted",
        skip_frames=recording.mouse.skip_frames,
        fps=30.0,
    )
    file = ResponseFile(path)
    with file.update(attributes, tiers=tiers) as writer:
        for trial, tier in enumerate(TIERS):
            if tier in tiers and trial not in skip:
                response = recording.load(trial, neurons=rows).response
                noisy = response + rng.gamma(1.0, 1.0, response.shape)
                kept = frames or response.shape[1] - recording.mouse.skip_frames
                noisy = np.pad(noisy, ((0, 0), (max(0, kept - noisy.shape[1]), 0)))
                labels = TrialLabels(tier=recording.tiers[trial])
                writer.write(trial, noisy[:, -kept:], labels)
    return file
