"""Receptive fields of a model from the gradients of its responses by the pixels."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from viv1t.config.flags import check, flag
from viv1t.data.synthetic import SyntheticMouse
from viv1t.errors import ConfigError, DataError, MissingResultError
from viv1t.insilico.probe import Probe, State
from viv1t.insilico.responder import Responder
from viv1t.insilico.twin import DigitalTwin
from viv1t.names import MouseId
from viv1t.results.store import ResultDir
from viv1t.rng import child
from viv1t.units import GREY, SKIP_FRAMES
from viv1t.utils.files import atomic

GRADIENTS: Final = "gradients"
MADE_BY: Final = "tuning_retinotopy/predict_noise.py"
WHITE: Final = 255.0
# Grey before an image; the truth forgets faster than a model.
LEAD_FRAMES: Final = 12


@dataclass(frozen=True, kw_only=True)
class GradientConfig:
    """Where gradients are taken."""

    num_images: int = flag(16, help="white-noise images at which --method gradient differentiates")
    num_frames: int = flag(15, help="frames for which --method gradient shows each of them")

    def __post_init__(self) -> None:
        check(self.num_images >= 1, f"--num_images must be 1 or more, got {self.num_images}")
        check(self.num_frames >= 1, f"--num_frames must be 1 or more, got {self.num_frames}")


def gradient_maps(
    responder: Responder,
    mouse_id: MouseId,
    config: GradientConfig,
    *,
    seed: int = 0,
    state: State = (None, None),
    batch_size: int = 1,
    progress: bool = False,
) -> NDArray[np.float32]:
    """Mean over images of the squared gradient of each neuron's response, (n, h, w).

    An image of white noise follows a grey screen and stays; the response is its sum over the
    frames of the image, the gradient that by the pixels of the image (values 0 to 1). For a Gabor
    of either phase, linear or squared, the mean is the square of the envelope.

    Args:
        responder: a digital twin, or the synthetic truth.
        mouse_id: the mouse.
        config: how many images, for how long.
        seed: of the images.
        state: behaviour (k,) and pupil centre (p,) of the mouse; None: the training-set mean.
        batch_size: images at a time; memory grows with it.
        progress: show a progress bar.

    Raises:
        ConfigError: a responder that knows no gradients.
    """
    num_neurons = responder.num_neurons(mouse_id)
    total = np.zeros((num_neurons, *responder.video_shape), dtype=np.float32)
    starts = range(0, config.num_images, batch_size)
    with tqdm(
        total=len(starts) * num_neurons, desc=f"mouse {mouse_id}", disable=not progress
    ) as bar:
        for start in starts:
            numbers = range(start, min(start + batch_size, config.num_images))
            images = torch.from_numpy(
                np.stack(
                    [
                        child(seed, "gradient", i).random(responder.video_shape, dtype=np.float32)
                        for i in numbers
                    ]
                )
            ).requires_grad_()
            frames = WHITE * images[:, None, None].expand(-1, 1, config.num_frames, -1, -1)
            sums = _answer(responder, mouse_id, frames, state).sum(dim=2)
            for neuron in range(num_neurons):
                is_last = neuron == num_neurons - 1
                (slope,) = torch.autograd.grad(
                    sums[:, neuron].sum(), images, retain_graph=not is_last
                )
                total[neuron] += slope.square().sum(dim=0).numpy()
                bar.update()
    return total / np.float32(config.num_images)


def show_gradients(probe: Probe, config: GradientConfig) -> dict[MouseId, Path]:
    """The file of each mouse of a probe, experiments/gradients/mouse<M>.h5: `maps` (n, h, w).

    What is there already, of the same responder and settings, is not computed again.

    Args:
        probe: who is asked.
        config: where gradients are taken.
    """
    folder = ResultDir(probe.output_dir).experiment(GRADIENTS)
    paths = {mouse_id: folder / f"mouse{mouse_id}.h5" for mouse_id in probe.mouse_ids}
    for mouse_id, path in paths.items():
        state = probe.states.get(mouse_id, (None, None))
        facts = asdict(config) | {"seed": probe.seed, "provenance": dict(probe.provenance)}
        facts["state"] = [None if s is None else s.tolist() for s in state]
        if path.is_file() and _is_same(path, facts):
            continue
        maps = gradient_maps(
            probe.responder,
            mouse_id,
            config,
            seed=probe.seed,
            state=state,
            batch_size=probe.batch_size,
            progress=probe.progress,
        )
        with atomic(path) as temporary, h5py.File(temporary, "w") as file:
            file["maps"] = maps
            file.attrs["facts"] = json.dumps(facts)
    return paths


def load_gradients(
    folder: Path, *, mouse_ids: Sequence[MouseId] | None = None
) -> dict[MouseId, NDArray[np.float32]]:
    """The maps (n, h, w) of each mouse that `show_gradients` left in a folder of results.

    Args:
        folder: the run, or another folder of results.
        mouse_ids: mice that are wanted; None: those that are there.

    Raises:
        MissingResultError: there is none, or none of a mouse; the message names the command.
        DataError: a file is damaged.
    """
    where = ResultDir(Path(folder)).experiment(GRADIENTS)
    if mouse_ids is None:
        mouse_ids = sorted(path.stem.removeprefix("mouse") for path in where.glob("mouse*.h5"))
    command = f"python {MADE_BY} --method gradient --output_dir {folder}"
    maps = {}
    for mouse_id in mouse_ids or [""]:
        path = where / f"mouse{mouse_id}.h5"
        if not path.is_file():
            raise MissingResultError(f"{path} does not exist; write it with: {command}")
        try:
            with h5py.File(path, "r") as file:
                maps[mouse_id] = file["maps"][()]
        except (OSError, KeyError) as error:
            raise DataError(
                f"{path} is not readable ({error}); delete it, then: {command}"
            ) from error
    return maps


def _is_same(path: Path, facts: Mapping[str, Any]) -> bool:
    """Whether the file was made with `facts`; damaged ones were not."""
    try:
        with h5py.File(path, "r") as file:
            return json.loads(file.attrs["facts"]) == json.loads(json.dumps(dict(facts)))
    except (OSError, KeyError, ValueError):
        return False


def _answer(responder: Responder, mouse_id: MouseId, frames: Tensor, state: State) -> Tensor:
    """Responses (b, n, t) to frames (b, 1, t, h, w) after a grey screen; gradients pass."""
    behavior, pupil_center = state
    if isinstance(responder, DigitalTwin):
        return responder.respond(
            frames.to(responder.device),
            mouse_id,
            start=SKIP_FRAMES,
            behavior=behavior,
            pupil_center=pupil_center,
        )
    if not isinstance(responder, SyntheticMouse):
        raise ConfigError(
            "--method gradient needs one trained run or the synthetic truth, not several runs; "
            "leave out --ensemble"
        )
    grey = torch.full_like(frames[:, :, :1], GREY).expand(-1, -1, LEAD_FRAMES, -1, -1)
    movies = torch.cat((grey, frames), dim=2)
    signals = [
        None if s is None else torch.from_numpy(s)[:, None].expand(len(frames), -1, movies.shape[2])
        for s in (behavior, pupil_center)
    ]
    answers: Tensor = responder.model(
        movies, mouse_id=mouse_id, behaviors=signals[0], pupil_centers=signals[1]
    )
    return answers[:, :, LEAD_FRAMES:]
