"""A later day of a synthetic mouse: its population sees exported stimuli, noisily, and is recorded.

What differs from the first day: neurons are lost, gains drift between the days and fade within the
day, the animal runs and looks elsewhere, and all noise is new. The recording has the layout of
`session`, so whatever analyses a real day analyses this one.
"""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from viv1t.config.flags import check, flag
from viv1t.data.mice import Mouse
from viv1t.data.recording import Recording
from viv1t.data.synthetic import Population, SyntheticMouse, load_truth
from viv1t.data.synthetic.behaviour import MEAN_PUPIL, sample_behaviour
from viv1t.data.synthetic.oracle import WITHOUT
from viv1t.errors import DataError
from viv1t.in_vivo.reliability import TIER
from viv1t.in_vivo.session import ARTIFICIAL, NAME, NATURAL, day_folder
from viv1t.most_exciting_stimulus.export import check_export, read_frames
from viv1t.most_exciting_stimulus.manifest import NAME as MANIFEST
from viv1t.most_exciting_stimulus.manifest import Manifest
from viv1t.names import TIER_OF_RAW
from viv1t.rng import child
from viv1t.utils.files import read_yaml, write_yaml

MADE_BY: Final = "simulated.yaml"


@dataclass(frozen=True, kw_only=True)
class SimulateConfig:
    """Settings of a simulated day.

    Attributes: see the help of the flags.
    """

    day: int = flag(2, help="number of the day; the first is 1")
    num_repeats: int = flag(10, help="presentations of each stimulus")
    blocks_per_trial: int = flag(5, help="stimuli of a trial")
    lost: float = flag(0.1, help="share of neurons that are not found again")
    drift: float = flag(0.15, help="SD of the logarithm of each neuron's gain between the days")
    fading: float = flag(
        0.1, help="share of the gain that is lost from the first to the last trial"
    )
    eye_movements: float = flag(1.0, help="size of eye movements, relative to the first day")
    surround: bool = flag(True, help="off: a null session, in which surrounds do nothing")

    def __post_init__(self) -> None:
        check(self.day >= 2, f"--day must be 2 or more, got {self.day}")
        check(
            min(self.num_repeats, self.blocks_per_trial) >= 1,
            f"--num_repeats and --blocks_per_trial must be 1 or more, got {self.num_repeats} and "
            f"{self.blocks_per_trial}",
        )
        for name in ("lost", "fading"):
            value = getattr(self, name)
            check(0 <= value < 1, f"--{name} must lie within 0..1, got {value}")
        check(self.drift >= 0, f"--drift must be 0 or more, got {self.drift}")
        check(self.eye_movements >= 0, f"--eye_movements must be 0 or more: {self.eye_movements}")


def simulate_session(
    first: Mouse,
    export_dir: Path,
    config: SimulateConfig,
    *,
    seed: int,
    animal: str | None = None,
    overwrite: bool = False,
    progress: bool = False,
) -> Path:
    """The folder of the day, beside that of the first; what is there already is kept.

    The same arguments give the same bytes. A day is written to a temporary folder that is renamed
    when it is complete.

    Args:
        first: the synthetic mouse of the first day.
        export_dir: the exported stimuli.
        config: settings.
        seed: of all random numbers.
        animal: that the field of view belongs to; None: the name of the mouse.
        overwrite: replace another recording of that day.
        progress: show a progress bar.

    Raises:
        DataError: the mouse is not synthetic, the stimuli are of another mouse or screen, or the
            folder holds another recording and `overwrite` is off.
    """
    manifest = check_export(export_dir)
    folder = day_folder(first, config.day)
    truth = load_truth(first.folder)
    recording = Recording(first)
    if manifest.mouse != first.id or (
        (manifest.monitor.height_px, manifest.monitor.width_px) != recording.frame_shape
    ):
        raise DataError(
            f"{Path(export_dir) / MANIFEST} is made for mouse {manifest.mouse} and "
            f"{manifest.monitor.height_px} x {manifest.monitor.width_px} pixels, mouse {first.id} "
            f"has {recording.frame_shape}"
        )
    stimuli = (Path(export_dir) / MANIFEST).read_bytes()
    facts = {
        **asdict(config),
        "seed": seed,
        "animal": animal or first.id,
        "first_day": recording.fingerprint(),
        "stimuli": sha256(stimuli).hexdigest(),
    }
    if folder.exists():
        made_by = folder / MADE_BY
        if made_by.is_file() and read_yaml(made_by) == facts:
            return folder
        if not overwrite:
            raise DataError(
                f"{folder} holds another recording; give another --day, or replace it with "
                "--overwrite"
            )
    partial = folder.with_name(f".{folder.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    animal_today = Animal(truth, config, seed=seed, mouse_id=first.id)
    _record_natural(partial / NATURAL, recording, animal_today, progress=progress)
    blocks = _record_artificial(
        partial, Path(export_dir), manifest, animal_today, progress=progress
    )
    about = {
        "animal": facts["animal"],
        "day": config.day,
        "num_neurons": len(truth),
        "blocks": blocks,
    }
    write_yaml(partial / NAME, read_yaml(Path(export_dir) / MANIFEST) | about)
    write_yaml(partial / MADE_BY, facts)
    if folder.exists():
        shutil.rmtree(folder)
    partial.rename(folder)
    return folder


class Animal:
    """The population of one later day.

    Attributes:
        lost: (n,) bool, neurons that are not found again.
        gain: (n,) of the day, relative to the first.

    Args:
        truth: of the first day.
        config: what differs from it.
        seed: of all random numbers.
        mouse_id: likewise.
    """

    def __init__(
        self, truth: pd.DataFrame, config: SimulateConfig, *, seed: int, mouse_id: str
    ) -> None:
        self._config = config
        self._labels = (mouse_id, config.day)
        self._seed = seed
        truth = truth if config.surround else without_surround(truth)
        self.population = Population(truth).eval()
        self._mouse = SyntheticMouse({mouse_id: self.population})
        n = len(truth)
        self.gain = np.exp(self._rng("drift").normal(0, config.drift, n) - config.drift**2 / 2)
        self.lost = np.zeros(n, dtype=bool)
        num_lost = round(config.lost * n)
        self.lost[self._rng("lost").choice(n, num_lost, replace=False)] = True

    def order(self, count: int, *labels: str | int) -> NDArray[np.int64]:
        """A random order of `count` things."""
        return self._rng("order", *labels).permutation(count)

    def watch(
        self, frames: NDArray[np.number], *labels: str | int, progress: float = 0.0
    ) -> dict[str, NDArray[np.float32]]:
        """What is recorded in a trial: responses (n, t), behavior (2, t), pupil_center (2, t).

        Args:
            frames: (t, h, w) grey values.
            labels: that tell the trial from all others of the day.
            progress: of the day, 0 for its first trial, 1 for its last.
        """
        mouse_id = self._mouse.mouse_ids[0]
        behavior, pupil = sample_behaviour(
            len(frames), self._rng("behaviour", *labels), fps=self._mouse.fps
        )
        first = self.population.truth.iloc[0]
        middle = np.array([first["pupil_x"], first["pupil_y"]], dtype=np.float32)[:, None]
        around = self._config.eye_movements * (pupil - np.array(MEAN_PUPIL, np.float32)[:, None])
        pupil = (middle + around).astype(np.float32)
        rate = self._mouse.predict(frames, mouse_id, behavior=behavior, pupil_center=pupil)
        rate = rate * (self.gain * (1 - self._config.fading * progress))[:, None]
        responses = self.population.observe(rate, self._rng("noise", *labels))
        responses[self.lost] = np.nan
        return {"responses": responses, "behavior": behavior, "pupil_center": pupil}

    def _rng(self, *labels: str | int) -> np.random.Generator:
        return child(self._seed, *self._labels, *labels)


def without_surround(truth: pd.DataFrame) -> pd.DataFrame:
    """The truth of neurons on which surrounds do not act; receptive fields are kept."""
    return truth.assign(**dict.fromkeys(WITHOUT["surround"], 0.0))


def _record_natural(folder: Path, recording: Recording, animal: Animal, *, progress: bool) -> None:
    """The repeated movies of the first day once more, as often as there."""
    shown = recording.trials(TIER)
    movies = {int(i): int(t) for i, t in zip(recording.video_ids[shown], shown, strict=True)}
    raw = {name: key for key, name in TIER_OF_RAW.items()}[TIER]
    ids = recording.video_ids[shown][animal.order(len(shown), "natural")]
    for trial, video_id in enumerate(tqdm(ids, desc="natural movies", disable=not progress)):
        video = recording.load_video(movies[int(video_id)])
        done = trial / max(len(ids) - 1, 1)
        signals = animal.watch(video[0], "natural", trial, progress=done)
        _save(folder / "data", trial, {"videos": np.moveaxis(video[0], 0, -1), **signals})
    for name, labels in (
        ("tiers", np.full(len(ids), raw)),
        ("video_ids", ids.astype(np.int64)),
        ("stimulus_ids", np.zeros(len(ids), np.int64)),
    ):
        _save(folder / "meta/trials", name, {"": labels})
    _save(folder / "meta/neurons", "unit_ids", {"": recording.unit_ids})
    _save(folder / "meta/neurons", "cell_motor_coordinates", {"": recording.coordinates})


def _record_artificial(
    folder: Path, export_dir: Path, manifest: Manifest, animal: Animal, *, progress: bool
) -> list[list[str]]:
    """Names of the stimuli of each trial; all presentations in random order."""
    config, timing = animal._config, manifest.timing
    frames = {s.name: read_frames(export_dir / s.file) for s in manifest.stimuli}
    order = animal.order(len(frames) * config.num_repeats, "artificial") % len(frames)
    names = [manifest.names[number] for number in order]
    per_trial = config.blocks_per_trial
    blocks = [names[first : first + per_trial] for first in range(0, len(names), per_trial)]
    for trial, of_trial in enumerate(tqdm(blocks, desc="artificial movies", disable=not progress)):
        shape = (timing.block_frames * len(of_trial), *animal.population.frame_shape)
        movie = np.full(shape, timing.grey, dtype=np.float32)
        for slot, name in enumerate(of_trial):
            start = slot * timing.block_frames + timing.grey_before
            movie[start : start + timing.stimulus] = frames[name]
        done = trial / max(len(blocks) - 1, 1)
        signals = animal.watch(movie, "artificial", trial, progress=done)
        _save(folder / ARTIFICIAL / "data", trial, signals)
    return blocks


def _save(folder: Path, name: str | int, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Each array as <folder>/<its name>/<name>.npy; the day as a whole is renamed at the end."""
    for kind, values in arrays.items():
        path = folder / kind / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, values)
