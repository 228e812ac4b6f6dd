"""White noise shown to whatever answers movies, reduced to sums while it is predicted."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from viv1t.config.flags import check, flag
from viv1t.errors import ConfigError, MissingResultError
from viv1t.experiments.saved import read_facts, refuse_other, unreadable, write_facts
from viv1t.experiments.timing import SINGLE, Timing
from viv1t.insilico.probe import Probe
from viv1t.insilico.responder import Responder
from viv1t.names import MouseId
from viv1t.results.store import ResultDir
from viv1t.stimuli.noise import WHITE, white_noise
from viv1t.units import GREY
from viv1t.utils.files import atomic

NOISE: Final = "noise"
MADE_BY: Final = "tuning_retinotopy/predict_noise.py"
# Grey before the image as long as trials are never scored, and none after it: what follows an
# image does not change causal responses to it.
BRIEF: Final = Timing(num_frames=80, blank_pre=50, on=30, blank_post=0, slots=1)
SAVE_SECONDS: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class NoiseConfig:
    """How much noise is shown."""

    num_samples: int = flag(
        10_000, help="white-noise images, each held for 30 frames of a trial (published: 100000)"
    )

    def __post_init__(self) -> None:
        check(self.num_samples >= 2, f"--num_samples must be 2 or more, got {self.num_samples}")


class NoiseSums:
    """Sums over images of responses r (over the 30 frames of an image) times its pixels.

    Pixels u are uniform in [0, 1); v = u - 1/2 and q = v² - 1/12 have mean 0. Maps are sums of
    this size whatever the number of images: 18 kB a neuron for 36 x 64 pixels.

    Attributes:
        num_images: images so far.
        r: (n,) float64, sum of r.
        rr: (n,) float64, sum of r².
        v: (h, w) float64, sum of v.
        q: (h, w) float64, sum of q.
        rv: (n, h, w) float32, sum of r v.
        rq: (n, h, w) float32, sum of r q.
    """

    def __init__(self, num_neurons: int, frame_shape: tuple[int, int]) -> None:
        self.num_images = 0
        self.r, self.rr = np.zeros(num_neurons), np.zeros(num_neurons)
        self.v, self.q = np.zeros(frame_shape), np.zeros(frame_shape)
        self.rv = np.zeros((num_neurons, *frame_shape), dtype=np.float32)
        self.rq = np.zeros_like(self.rv)

    def add(self, images: NDArray[np.float32], responses: NDArray[np.floating]) -> None:
        """Take images (b, h, w), values u, and the responses (b, n) to them."""
        v = images - np.float32(0.5)
        q = v**2 - np.float32(1 / 12)
        r = responses.astype(np.float32)
        self.num_images += len(images)
        self.r += r.sum(axis=0, dtype=np.float64)
        self.rr += (r.astype(np.float64) ** 2).sum(axis=0)
        for name, feature in (("v", v), ("q", q)):
            getattr(self, name)[...] += feature.sum(axis=0, dtype=np.float64)
            products = r.T @ feature.reshape(len(images), -1)
            getattr(self, f"r{name}")[...] += products.reshape(self.rv.shape)

    def arrays(self) -> dict[str, NDArray[np.floating]]:
        """All sums by name, themselves and not copies."""
        return {name: getattr(self, name) for name in ("r", "rr", "v", "q", "rv", "rq")}

    def weighted_sum(self) -> NDArray[np.float32]:
        """Sum of r u, (n, 1, h, w): the published map, whose means are not subtracted."""
        return (self.rv + (0.5 * self.r[:, None, None]).astype(np.float32))[:, None]


def run_noise(
    responder: Responder,
    mouse_id: MouseId,
    config: NoiseConfig,
    *,
    seed: int = 0,
    timing: Timing = BRIEF,
    behavior: ArrayLike | None = None,
    pupil_center: ArrayLike | None = None,
    batch_size: int = 1,
    path: Path | None = None,
    provenance: Mapping[str, str | int] | None = None,
    progress: bool = False,
) -> NoiseSums:
    """The responses of a mouse to white noise, as sums; one image a trial.

    With a `path` the sums are on disk: interrupted at any time, the same call goes on where the
    other ended and gives the same numbers; repeated later it only reads, and asked for more images
    it adds them.

    Args:
        responder: a digital twin, or whatever else answers movies.
        mouse_id: the mouse that watches.
        config: how many images.
        seed: of the images; image i is a function of seed and i alone.
        timing: of a trial, of one slot; `SINGLE` is the published one.
        behavior: (k,) in recorded units, throughout; None: the mean of the training set.
        pupil_center: (p,), likewise.
        batch_size: trials that are computed together.
        path: HDF5 file of the sums; None: only in memory.
        provenance: where the responses come from.
        progress: show a progress bar.

    Raises:
        ConfigError: the file holds another experiment.
        DataError: it is damaged.
    """
    frames = timing.window(0)
    sums = NoiseSums(responder.num_neurons(mouse_id), responder.video_shape)
    states = {
        name: None if given is None else np.asarray(given, dtype=np.float32)
        for name, given in (("behavior", behavior), ("pupil_center", pupil_center))
    }
    facts = {
        "mouse": mouse_id,
        "seed": seed,
        "timing": asdict(timing),
        "states": {name: None if s is None else s.tolist() for name, s in states.items()},
        "provenance": dict(provenance or {}),
    }
    asked: dict[str, Any] = {
        name: None if s is None else np.repeat(s[:, None], timing.num_frames, axis=1)
        for name, s in states.items()
    }
    if path is not None and path.is_file():
        _load_into(sums, path, facts)
        check(
            sums.num_images <= config.num_samples,
            f"{path} holds {sums.num_images} images, more than --num_samples {config.num_samples}: "
            "ask for as many, or delete it",
        )
    shape = (timing.num_frames, *responder.video_shape)
    saved, done = time.monotonic(), sums.num_images
    with tqdm(
        total=config.num_samples, initial=done, desc=f"mouse {mouse_id}", disable=not progress
    ) as bar:
        try:
            while done < config.num_samples:
                stop = min(done + batch_size, config.num_samples)
                images = white_noise(seed, range(done, stop), responder.video_shape)
                movies = np.full((len(images), *shape), GREY, dtype=np.float32)
                movies[:, frames] = WHITE * images[:, None]
                responses = responder.predict(
                    movies, mouse_id, batch_size=batch_size, frames=frames, **asked
                )
                done = -1  # an interrupt inside of `add` must not be saved
                sums.add(images, responses.sum(axis=2))
                done = stop
                bar.update(len(images))
                if path is not None and time.monotonic() - saved > SAVE_SECONDS:
                    _save(sums, path, facts, config)
                    saved = time.monotonic()
        finally:
            if path is not None and done == sums.num_images:
                _save(sums, path, facts, config)
    return sums


def load_noise(
    folder: Path, *, mouse_ids: Sequence[MouseId] | None = None, as_published: bool = False
) -> dict[MouseId, NoiseSums]:
    """The sums of each mouse that `show_noise` left in a folder of results.

    Args:
        folder: the run, or another folder of results.
        mouse_ids: mice that are wanted; None: those that are there.
        as_published: those of the published trials.

    Raises:
        MissingResultError: no noise was shown, or not all of it; the message names the command.
        DataError: a file is damaged.
    """
    command = f"python {MADE_BY} --output_dir {folder}" + " --as_published" * as_published
    if mouse_ids is None:
        where = noise_path(folder, "*", as_published=as_published)
        mouse_ids = sorted(
            path.stem.removeprefix("mouse") for path in where.parent.glob(where.name)
        )
        if not mouse_ids:
            raise MissingResultError(f"{where} does not exist; write it with: {command}")
    paths = {m: noise_path(folder, m, as_published=as_published) for m in mouse_ids}
    return {m: _load(path, f"{command} --mouse_ids {m}") for m, path in paths.items()}


def noise_path(folder: Path, mouse_id: MouseId, *, as_published: bool = False) -> Path:
    """The file of the sums of a mouse in a folder of results."""
    name = f"{NOISE}_published" if as_published else NOISE
    return ResultDir(Path(folder)).experiment(name) / f"mouse{mouse_id}.h5"


def show_noise(
    probe: Probe, config: NoiseConfig, *, as_published: bool = False
) -> dict[MouseId, Path]:
    """The file of each mouse of a probe, experiments/noise/mouse<M>.h5, see `run_noise`.

    Args:
        probe: who is asked.
        config: how many images.
        as_published: trials of 135 grey, 30 image, 135 grey frames, and besides the published
            weighted sums, aRFs/mouse<M>.npz (data: (n, 1, h, w) float32).
    """
    paths = {}
    for mouse_id in probe.mouse_ids:
        behavior, pupil_center = probe.states.get(mouse_id, (None, None))
        paths[mouse_id] = noise_path(probe.output_dir, mouse_id, as_published=as_published)
        sums = run_noise(
            probe.responder,
            mouse_id,
            config,
            seed=probe.seed,
            timing=SINGLE if as_published else BRIEF,
            behavior=behavior,
            pupil_center=pupil_center,
            batch_size=probe.batch_size,
            path=paths[mouse_id],
            provenance=probe.provenance,
            progress=probe.progress,
        )
        if as_published:
            published = probe.output_dir / "aRFs" / f"mouse{mouse_id}.npz"
            with atomic(published) as temporary, temporary.open("wb") as file:
                np.savez_compressed(file, data=sums.weighted_sum())
    return paths


def _load(path: Path, command: str) -> NoiseSums:
    if not path.is_file():
        raise MissingResultError(f"{path} does not exist; write it with: {command}")
    try:
        with h5py.File(path, "r") as file:
            facts, shape = read_facts(file), file["rv"].shape
            wanted = int(file.attrs["num_samples"])
    except (OSError, KeyError, ValueError) as error:
        raise unreadable(path, error) from error
    sums = NoiseSums(shape[0], shape[1:])
    _load_into(sums, path, facts)
    if sums.num_images < wanted:
        raise MissingResultError(
            f"{path} holds {sums.num_images} of {wanted} images: it was interrupted; go on with: "
            f"{command}"
        )
    return sums


def _load_into(sums: NoiseSums, path: Path, facts: Mapping[str, Any]) -> None:
    try:
        with h5py.File(path, "r") as file:
            refuse_other(path, read_facts(file), facts)
            sums.num_images = int(file.attrs["num_images"])
            for name, own in sums.arrays().items():
                own[...] = file[name][()]
    except ConfigError:
        raise
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise unreadable(path, error) from error


def _save(sums: NoiseSums, path: Path, facts: Mapping[str, Any], config: NoiseConfig) -> None:
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        write_facts(file, facts)
        file.attrs["num_images"] = sums.num_images
        file.attrs["num_samples"] = config.num_samples
        for name, values in sums.arrays().items():
            file[name] = values
