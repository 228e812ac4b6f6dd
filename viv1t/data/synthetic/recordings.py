"""Writes synthetic recordings in the published format, whole or not at all."""

import logging
import multiprocessing
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from viv1t import rng as randomness
from viv1t.data.synthetic.behaviour import sample_behaviour
from viv1t.data.synthetic.population import Population
from viv1t.data.synthetic.presets import PRESETS, Preset
from viv1t.data.synthetic.stimuli import STIMULI, Request, Stimulus
from viv1t.data.synthetic.truth import TruthConfig, load_truth, sample_truth, save_truth
from viv1t.errors import ConfigError, DataError
from viv1t.names import MouseId
from viv1t.registry import unknown_name
from viv1t.units import FPS, SKIP_FRAMES
from viv1t.utils.files import read_yaml, write_yaml

LOGGER = logging.getLogger(__name__)
VERSION: Final = 1
CALIBRATION_MOVIES: Final = 12
FIRST_UNIT: Final = 1


@dataclass(frozen=True, kw_only=True)
class _Source:
    """What all random numbers of a mouse derive from."""

    preset: str
    seed: int
    mouse_id: MouseId

    @property
    def size(self) -> Preset:
        return PRESETS[self.preset]

    def rng(self, *labels: str | int) -> np.random.Generator:
        return randomness.child(self.seed, self.mouse_id, *labels)

    def stimulus(self, tier: str, kind: str, number: int) -> Stimulus:
        request = Request(
            number=number,
            num_frames=self.size.num_frames,
            frame=self.size.frame,
            own=self.rng(tier, kind, number),
            shared=self.rng(tier, kind),
        )
        return STIMULI[kind](request)

    def behaviour(self, trial: int) -> tuple[np.ndarray, np.ndarray]:
        return sample_behaviour(self.size.num_frames, self.rng("behaviour", trial), fps=FPS)


@dataclass(frozen=True, kw_only=True)
class _Job:
    """A movie and the trials in which it is shown."""

    source: _Source
    folder: Path
    tier: str
    kind: str
    number: int
    trials: tuple[int, ...]
    video_id: int


def write_recordings(
    data_dir: Path,
    *,
    preset: str = "demo",
    seed: int = 1234,
    num_workers: int = 0,
    overwrite: bool = False,
    progress: bool = False,
) -> tuple[MouseId, ...]:
    """Mouse ids of the recordings now in `data_dir`/synthetic, entered in `data_dir`/mice.yaml.

    What is there already (same preset and seed) is kept. A mouse is written to a temporary folder
    that is renamed when it is complete. Same preset and seed: same bytes.

    Args:
        data_dir: folder of recordings and mice.yaml.
        preset: test, demo or full.
        seed: of all random numbers.
        num_workers: processes that write; 0: this one.
        overwrite: replace other recordings or mice of the same names.
        progress: show a progress bar.

    Raises:
        ConfigError: unknown preset.
        DataError: a different recording or mouse has the name, and `overwrite` is off.
    """
    if preset not in PRESETS:
        raise unknown_name("preset", preset, PRESETS)
    data_dir = Path(data_dir)
    sources = [_Source(preset=preset, seed=seed, mouse_id=m) for m in PRESETS[preset].mice]
    missing = [s for s in sources if not _is_written(data_dir, s, overwrite=overwrite)]
    _check_mice(data_dir, sources, overwrite=overwrite)
    if not missing:
        LOGGER.info("%s: the %s recordings are there (seed %d)", data_dir, preset, seed)
    else:
        with _one_thread():
            _write(data_dir, missing, num_workers=num_workers, progress=progress)
    _enter_mice(data_dir, sources)
    return tuple(source.mouse_id for source in sources)


def _write(
    data_dir: Path, sources: Sequence[_Source], *, num_workers: int, progress: bool
) -> None:
    jobs = []
    for source in sources:
        jobs += _prepare(source, _partial(data_dir, source))
    total = sum(len(job.trials) for job in jobs)
    with tqdm(total=total, desc="synthetic trials", disable=not progress) as bar:
        for written in _run(jobs, num_workers):
            bar.update(written)
    for source in sources:
        folder = _folder(data_dir, source)
        if folder.exists():
            shutil.rmtree(folder)
        _partial(data_dir, source).rename(folder)
        LOGGER.info("wrote %s: %d neurons", folder, source.size.num_neurons)


def _run(jobs: Sequence[_Job], num_workers: int) -> Iterator[int]:
    if num_workers == 0:
        yield from map(_write_movie, jobs)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        num_workers, mp_context=context, initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        yield from pool.map(_write_movie, jobs, chunksize=4)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums must not depend on the number of cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _folder(data_dir: Path, source: _Source) -> Path:
    return data_dir / "synthetic" / source.mouse_id


def _partial(data_dir: Path, source: _Source) -> Path:
    return data_dir / "synthetic" / f".{source.mouse_id}.partial"


def _is_written(data_dir: Path, source: _Source, *, overwrite: bool) -> bool:
    folder = _folder(data_dir, source)
    if not folder.exists():
        return False
    path = folder / "meta" / "made_by.yaml"
    found = read_yaml(path) if path.is_file() else {}
    wanted = _made_by(source)
    if found == wanted:
        return True
    if not overwrite:
        known = f"preset {found.get('preset')}, seed {found.get('seed')}" if found else "unknown"
        raise DataError(
            f"{folder} holds another recording ({known}), not preset {source.preset}, seed "
            f"{source.seed}; choose another --data_dir, or replace it with --overwrite"
        )
    return False


def _made_by(source: _Source) -> dict[str, Any]:
    return {"generator": "viv1t.data.synthetic", "version": VERSION, **asdict(source)}


def _mouse_entry(source: _Source) -> dict[str, Any]:
    monitor = source.size.monitor
    sizes = {f"{k}_cm": getattr(monitor, f"{k}_cm") for k in ("width", "height", "distance")}
    return {
        "folder": f"synthetic/{source.mouse_id}",
        "fps": int(FPS),
        "video_px": list(source.size.frame),
        "monitor": sizes,
    }


def _check_mice(data_dir: Path, sources: Sequence[_Source], *, overwrite: bool) -> None:
    mice = _read_mice(data_dir)["mice"]
    for source in sources:
        if mice.get(source.mouse_id, _mouse_entry(source)) != _mouse_entry(source):
            if overwrite:
                continue
            raise DataError(
                f"{data_dir / 'mice.yaml'} describes another mouse {source.mouse_id}; choose "
                "another --data_dir, or replace the entry with --overwrite"
            )


def _read_mice(data_dir: Path) -> dict[str, Any]:
    path = data_dir / "mice.yaml"
    content = read_yaml(path) if path.is_file() else {"schema": 1}
    return {**content, "mice": dict(content.get("mice") or {})}


def _enter_mice(data_dir: Path, sources: Sequence[_Source]) -> None:
    content = _read_mice(data_dir)
    entries = {source.mouse_id: _mouse_entry(source) for source in sources}
    if entries.items() <= content["mice"].items():
        return
    content["mice"] |= entries
    write_yaml(data_dir / "mice.yaml", content)


def _prepare(source: _Source, folder: Path) -> list[_Job]:
    """Everything but the trials of a mouse; what is left to write."""
    if folder.exists():
        shutil.rmtree(folder)
    for name in ("meta/neurons", "meta/trials", "meta/stimuli"):
        (folder / name).mkdir(parents=True)
    for name in ("videos", "responses", "behavior", "pupil_center"):
        (folder / "data" / name).mkdir(parents=True)
    tiers, jobs = _plan(source, folder)
    truth = _calibrated(source, [job for job in jobs if job.tier == "train"])
    save_truth(truth, folder)
    np.save(folder / "meta/trials/tiers.npy", tiers)
    np.save(folder / "meta/neurons/unit_ids.npy", truth["unit_id"].to_numpy(np.int64))
    coordinates = truth[["x_um", "y_um", "z_um"]].to_numpy(np.int64)
    np.save(folder / "meta/neurons/cell_motor_coordinates.npy", coordinates)
    write_yaml(folder / "meta/made_by.yaml", _made_by(source))
    return jobs


def _plan(source: _Source, folder: Path) -> tuple[np.ndarray, list[_Job]]:
    """Raw tier of each trial, in random order, and one job a movie, by first appearance."""
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
        _Job(
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
    return np.array([tier for tier, _, _ in order]), jobs


def _calibrated(source: _Source, train: Sequence[_Job]) -> pd.DataFrame:
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


def _write_movie(job: _Job) -> int:
    """Write the trials of one movie; their number."""
    source, population = job.source, _population(job.folder)
    stimulus = source.stimulus(job.tier, job.kind, job.number)
    video = stimulus.frames.transpose(1, 2, 0).astype(np.float32)
    labels = {"kind": np.array(job.kind), "video_id": np.array(job.video_id)}
    for trial in job.trials:
        behavior, pupil = source.behaviour(trial)
        rate = _rate(population, stimulus.frames, behavior, pupil)
        arrays = {
            "videos": video,
            "responses": population.observe(rate, source.rng("noise", trial)),
            "behavior": behavior,
            "pupil_center": pupil,
        }
        for name, array in arrays.items():
            path = job.folder / "data" / name / f"{trial}.npy"
            np.save(path, _padded(array, source.size.padded_frames))
        path = job.folder / "meta/stimuli" / f"{trial}.npz"
        np.savez(path, **labels, **stimulus.parameters)
    return len(job.trials)


def _padded(array: np.ndarray, num_frames: int) -> np.ndarray:
    missing = num_frames - array.shape[-1]
    width = [(0, 0)] * (array.ndim - 1) + [(0, missing)]
    return np.pad(array, width, constant_values=np.nan) if missing else array


@lru_cache(maxsize=2)
def _population(folder: Path) -> Population:
    return Population(load_truth(folder))
