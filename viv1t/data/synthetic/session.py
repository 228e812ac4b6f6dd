"""One synthetic session: what is shown in which trial, and the files of a trial."""

import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import torch

from viv1t import rng as randomness
from viv1t.data.synthetic.behaviour import sample_behaviour
from viv1t.data.synthetic.ceiling import sums
from viv1t.data.synthetic.population import Population
from viv1t.data.synthetic.presets import PRESETS, Preset
from viv1t.data.synthetic.stimuli import STIMULI, Request, Stimulus
from viv1t.data.synthetic.truth import TruthConfig, load_truth, sample_truth, save_truth
from viv1t.names import STIMULUS_TYPES, MouseId
from viv1t.units import FPS, SKIP_FRAMES
from viv1t.utils.files import write_yaml

VERSION: Final = 7
CALIBRATION_MOVIES: Final = 12


@dataclass(frozen=True, kw_only=True)
class Source:
    """What all random numbers of a mouse derive from."""

    preset: str
    seed: int
    mouse_id: MouseId

    def made_by(self) -> dict[str, Any]:
        """What identifies the recording: two that agree hold the same bytes."""
        return {"generator": "viv1t.data.synthetic", "version": VERSION, **asdict(self)}

    @property
    def size(self) -> Preset:
        """Numbers of neurons, frames and trials."""
        return PRESETS[self.preset]

    def rng(self, *labels: str | int) -> np.random.Generator:
        """Random numbers of this mouse for the purpose that `labels` name."""
        return randomness.child(self.seed, self.mouse_id, *labels)

    def stimulus(self, tier: str, kind: str, number: int) -> Stimulus:
        """Movie `number` of the stimulus type `kind` in a raw tier."""
        request = Request(
            number=number,
            num_frames=self.size.num_frames,
            frame=self.size.frame,
            own=self.rng(tier, kind, number),
            shared=self.rng(tier, kind),
        )
        return STIMULI[kind](request)

    def behaviour(self, trial: int) -> tuple[np.ndarray, np.ndarray]:
        """Behaviour (2, t) and pupil centre (2, t) during `trial`."""
        return sample_behaviour(self.size.num_frames, self.rng("behaviour", trial), fps=FPS)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A movie and the trials in which it is shown."""

    source: Source
    folder: Path
    tier: str
    kind: str
    number: int
    trials: tuple[int, ...]
    video_id: int


def made_by_path(folder: Path) -> Path:
    """Where a recording says which preset and seed made it."""
    return folder / "meta" / "made_by.yaml"


def prepare(source: Source, folder: Path) -> list[Job]:
    """Write everything but the trials of a mouse into `folder`; the movies left to write."""
    if folder.exists():
        shutil.rmtree(folder)
    for name in ("meta/neurons", "meta/trials", "meta/stimuli"):
        (folder / name).mkdir(parents=True)
    for name in ("videos", "responses", "behavior", "pupil_center"):
        (folder / "data" / name).mkdir(parents=True)
    tiers, stimulus_ids, jobs = _plan(source, folder)
    truth = _calibrated(source, [job for job in jobs if job.tier == "train"])
    save_truth(truth, folder)
    np.save(folder / "meta/trials/tiers.npy", tiers)
    np.save(folder / "meta/trials/stimulus_ids.npy", stimulus_ids)
    np.save(folder / "meta/neurons/unit_ids.npy", truth["unit_id"].to_numpy(np.int64))
    coordinates = truth[["x_um", "y_um", "z_um"]].to_numpy(np.int64)
    np.save(folder / "meta/neurons/cell_motor_coordinates.npy", coordinates)
    write_yaml(made_by_path(folder), source.made_by())
    return jobs


def _plan(source: Source, folder: Path) -> tuple[np.ndarray, np.ndarray, list[Job]]:
    """Raw tier and stimulus id of each trial, in random order, and one job a movie.

    Movies are numbered by their first appearance.
    """
    shown = [
        (tier, kind, number)
        for tier, kind, movies, repeats in source.size.blocks(source.mouse_id)
        for number in range(movies)
        for _ in range(repeats)
    ]
    order = [shown[i] for i in source.rng("order").permutation(len(shown))]
    trials: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    for trial, key in enumerate(order):
        trials[key].append(trial)
    jobs = [
        Job(
            source=source,
            folder=folder,
            tier=key[0],
            kind=key[1],
            number=key[2],
            trials=tuple(where),
            video_id=video_id,
        )
        for video_id, (key, where) in enumerate(trials.items())
    ]
    tiers = np.array([tier for tier, _, _ in order])
    return tiers, np.array([STIMULUS_TYPES.index(kind) for _, kind, _ in order]), jobs


def _calibrated(source: Source, train: Sequence[Job]) -> pd.DataFrame:
    """The truth with the mean behaviour of the training trials and responses of the right size."""
    truth = sample_truth(
        TruthConfig(
            num_neurons=source.size.num_neurons,
            monitor=source.size.monitor,
            clustered=int(source.mouse_id[1:]) % 2 == 1,
        ),
        source.rng("truth"),
    )
    seen = [source.behaviour(job.trials[0]) for job in train]
    behavior, pupil = (np.concatenate(parts, axis=1) for parts in zip(*seen, strict=True))
    (dilation, speed), (x, y) = behavior.mean(1), pupil.mean(1)
    state = {"dilation": dilation, "dilation_sd": behavior[0].std(), "speed": speed}
    aim = truth["scale"].to_numpy()
    truth = truth.assign(**state, pupil_x=x, pupil_y=y, scale=1.0)
    population = Population(truth)
    means = [
        _rate(population, stimulus.frames, *source.behaviour(job.trials[0]))
        for job in train[:CALIBRATION_MOVIES]
        for stimulus in [source.stimulus(job.tier, job.kind, job.number)]
    ]
    return truth.assign(scale=aim / np.mean(means, axis=(0, 2)))


def _rate(
    population: Population, frames: np.ndarray, behavior: np.ndarray, pupil: np.ndarray
) -> np.ndarray:
    """Noiseless responses (n, t) to frames (t, h, w) of grey values."""
    with torch.inference_mode():
        rate = population(
            torch.from_numpy(frames).float()[None, None],
            behaviors=torch.from_numpy(behavior)[None],
            pupil_centers=torch.from_numpy(pupil)[None],
        )
    return rate[0].numpy()


def write_movie(job: Job) -> np.ndarray:
    """Write the trials of one movie; what the noise ceiling takes of them, see `ceiling.sums`."""
    source, population = job.source, _population(job.folder)
    stimulus = source.stimulus(job.tier, job.kind, job.number)
    video = stimulus.frames.transpose(1, 2, 0).astype(np.float32)
    shown: dict[str, Any] = {"kind": job.kind, "video_id": job.video_id, **stimulus.parameters}
    total = np.zeros((6, population.num_neurons))
    for trial in job.trials:
        behavior, pupil = source.behaviour(trial)
        rate = _rate(population, stimulus.frames, behavior, pupil)
        response = population.observe(rate, source.rng("noise", trial))
        total += sums(rate[:, SKIP_FRAMES:], response[:, SKIP_FRAMES:])
        arrays = {
            "videos": video,
            "responses": response,
            "behavior": behavior,
            "pupil_center": pupil,
        }
        for name, array in arrays.items():
            path = job.folder / "data" / name / f"{trial}.npy"
            np.save(path, _padded(array, source.size.padded_frames))
        path = job.folder / "meta/stimuli" / f"{trial}.npz"
        np.savez(path, **shown)
    return total


def _padded(array: np.ndarray, num_frames: int) -> np.ndarray:
    missing = num_frames - array.shape[-1]
    width = [(0, 0)] * (array.ndim - 1) + [(0, missing)]
    return np.pad(array, width, constant_values=np.nan) if missing else array


@lru_cache(maxsize=2)
def _population(folder: Path) -> Population:
    return Population(load_truth(folder))
