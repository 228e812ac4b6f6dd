"""What all benchmarks share: sizes, the plain and the fast twin, movies, and answers kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.measure import Meter, Run
from benchmarks.table import Goal
from viv1t.batch import DataShapes
from viv1t.config.schema import (
    DataConfig,
    LogConfig,
    LoopConfig,
    ModelConfig,
    OptimConfig,
    RunConfig,
)
from viv1t.experiments.timing import SINGLE, Timing
from viv1t.insilico.questions import TwinMouse
from viv1t.insilico.twin import DigitalTwin
from viv1t.model.cores.vivit.config import ViViTConfig
from viv1t.model.model import Model
from viv1t.model.readouts.gaussian import GaussianConfig
from viv1t.names import MouseId

MOUSE: Final[MouseId] = "A"
GREY: Final = 0.2  # of a standardised movie
PERIOD: Final = 15  # frames of a drifting grating, 2 Hz


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is computed.

    Attributes:
        neurons: of a mouse.
        frame: (h, w) in pixels.
        short: frames of a training clip.
        single: a trial with one stimulus.
        slots: a trial with several; as long as `single`.
        core: flags of the core.
        few: neurons of the loader that are selected.
        crop: frames of the loader that are cut out.
        has_goals: whether the goals are meant for this size.
    """

    neurons: int = 8000
    frame: tuple[int, int] = (36, 64)
    short: int = 30
    single: Timing = SINGLE
    slots: Timing = field(default_factory=Timing)
    core: Mapping[str, Any] = field(default_factory=dict)
    few: int = 500
    crop: int = 60
    has_goals: bool = True

    @property
    def frames(self) -> int:
        """Frames of a trial."""
        return self.single.num_frames


FULL: Final = Size()
QUICK: Final = Size(
    neurons=60,
    frame=(16, 28),
    short=6,
    single=Timing(num_frames=34, blank_pre=16, on=8, blank_post=10, slots=1, min_warmup=0),
    slots=Timing(num_frames=34, blank_pre=3, on=6, blank_post=4, slots=2, min_warmup=0),
    core={
        "spatial_patch_stride": 4,
        "temporal_patch_size": 4,
        "spatial_depth": 2,
        "temporal_depth": 2,
        "emb_dim": 24,
        "head_dim": 8,
        "ff_dim": 32,
        "reg_tokens": 3,
    },
    few=9,
    crop=7,
    has_goals=False,
)


def build_model(
    size: Size,
    *,
    is_fast: bool,
    mouse_ids: tuple[MouseId, ...] = (MOUSE,),
    depth: int | None = None,
) -> Model:
    """A model whose random weights are large enough that every path matters; the same each time.

    Args:
        size: of data and core.
        is_fast: `--core_fast`.
        mouse_ids: mice that share the core.
        depth: blocks of each kind; None: as `size` says.
    """
    flags = dict(size.core)
    if depth is not None:
        flags |= {"spatial_depth": depth, "temporal_depth": depth}
    core = ViViTConfig(use_causal_attention=True, fast=1 if is_fast else 0, **flags)
    torch.manual_seed(0)
    model = Model(
        ModelConfig(core=core, readout=GaussianConfig(), autocast="disable"),
        shapes=DataShapes(video=(1, size.frames, *size.frame), max_frames=size.frames),
        coordinates={mouse_id: 200 * torch.randn(size.neurons, 3) for mouse_id in mouse_ids},
    )
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if ".blocks." in name and weight.ndim == 2:
                weight.normal_(std=0.1)
            if name.endswith("features"):
                weight.normal_(std=weight.shape[1] ** -0.5)
    return model


class Bench:
    """Sizes, models and the meter of a run of benchmarks.

    Attributes:
        size: how much is computed.
        device: where.
        meter: measures.
        output_dir: where results and temporary files go.
    """

    def __init__(self, size: Size, device: torch.device, *, threads: int, output_dir: Path) -> None:
        self.size = size
        self.device = device
        self.meter = Meter(device, threads=threads)
        self.output_dir = output_dir
        self._answers: dict[int, Tensor] = {}
        self._whole: Run | None = None

    @cached_property
    def plain(self) -> DigitalTwin:
        """The twin of `--core_fast 0`."""
        return self._twin(is_fast=False)

    @cached_property
    def fast(self) -> DigitalTwin:
        """The twin of `--core_fast 1`, with the same weights."""
        return self._twin(is_fast=True)

    @property
    def state(self) -> dict[str, Any]:
        """Behaviour and pupil centre, as they stay throughout experiments, (2,) each."""
        return {
            "behavior": np.array([0.8, -0.4], dtype=np.float32),
            "pupil_center": np.array([0.3, -0.6], dtype=np.float32),
        }

    def goals(self, *goals: Goal) -> tuple[Goal, ...]:
        """Those goals if they are meant for this size."""
        return goals if self.size.has_goals else ()

    def throughout(self, num_frames: int) -> dict[str, Any]:
        """The same for `predict`, (2, t) each."""
        return {name: np.repeat(v[:, None], num_frames, axis=1) for name, v in self.state.items()}

    def inputs(self, num_frames: int) -> dict[str, Tensor]:
        """What a model takes of a random clip: inputs, behaviors and pupil_centers."""
        random = torch.Generator().manual_seed(1)
        shapes = {
            "inputs": (1, 1, num_frames, *self.size.frame),
            "behaviors": (1, 2, num_frames),
            "pupil_centers": (1, 2, num_frames),
        }
        return {
            name: torch.randn(shape, generator=random).to(self.device)
            for name, shape in shapes.items()
        }

    def noise(self, seed: int) -> NDArray[np.float32]:
        """A trial of one noise image (t, h, w)."""
        image = np.random.default_rng(seed).normal(size=(1, *self.size.frame))
        return self._trial(self.size.single, [image.repeat(self.size.single.on, axis=0)])

    def grating(self, seed: int) -> NDArray[np.float32]:
        """A trial of one drifting grating."""
        return self._trial(self.size.single, [self._drift(seed, self.size.single.on)])

    def images(self, seed: int) -> NDArray[np.float32]:
        """A trial of several noise images."""
        rng = np.random.default_rng(seed)
        timing = self.size.slots
        images = [rng.normal(size=(1, *self.size.frame)) for _ in range(timing.slots)]
        return self._trial(timing, [image.repeat(timing.on, axis=0) for image in images])

    def gratings(self, seed: int) -> NDArray[np.float32]:
        """A trial of several drifting gratings."""
        timing = self.size.slots
        return self._trial(timing, [self._drift(seed + i, timing.on) for i in range(timing.slots)])

    def _drift(self, seed: int, num_frames: int) -> NDArray[np.floating]:
        """A grating (t, h, w) of random direction; its frames repeat bit for bit."""
        direction = np.random.default_rng(seed).uniform(0, 2 * np.pi)
        t, y, x = np.mgrid[:PERIOD, : self.size.frame[0], : self.size.frame[1]]
        along = np.cos(direction) * x + np.sin(direction) * y
        period = np.sin(2 * np.pi * (0.1 * along + t / PERIOD))
        return np.resize(period, (num_frames, *self.size.frame))

    def _trial(self, timing: Timing, stimuli: list[NDArray[np.floating]]) -> NDArray[np.float32]:
        movie = np.full((timing.num_frames, *self.size.frame), GREY, dtype=np.float32)
        for slot, frames in enumerate(stimuli):
            movie[timing.window(slot)] = frames
        return movie

    def predict(
        self, twin: DigitalTwin, movie: NDArray[np.float32], frames: slice | None = None
    ) -> Tensor:
        """Responses (n, t) of a twin to some frames of a movie, in the units of the model."""
        state = self.throughout(len(movie))
        return torch.from_numpy(twin.predict(movie, MOUSE, units="model", frames=frames, **state))

    @property
    def whole_plain(self) -> Run:
        """The plain predictions of whole trials so far, at least one: all cost the same."""
        if self._whole is None:
            self.plain_trial(self.images(0))
        assert self._whole is not None
        return self._whole

    def plain_trial(self, movie: NDArray[np.float32]) -> Tensor:
        """Plain responses (n, t) to a whole trial, timed in `whole_plain`."""
        known = self._answer(movie, len(movie))
        if known is not None:
            return known
        is_first = self._whole is None
        run = self.meter.call(
            lambda: self.predict(self.plain, movie), is_watched=is_first, is_counted=is_first
        )
        if self._whole is None:
            self._whole = run
        else:
            self._whole.seconds += run.seconds
        self.keep_answer(movie, run.result)
        return run.result

    def plain_part(self, movie: NDArray[np.float32], stop: int) -> Tensor:
        """Plain responses (n, `stop`) to the start of a trial: what follows cannot change them."""
        known = self._answer(movie, stop)
        if known is not None:
            return known
        if self._whole is None:
            return self.plain_trial(movie)[:, :stop]
        found = self.predict(self.plain, movie[:stop])
        self.keep_answer(movie, found)
        return found

    def keep_answer(self, movie: NDArray[np.float32], responses: Tensor) -> None:
        """Keep plain responses (n, t) to the first t frames of a movie."""
        self._answers[hash(movie.tobytes())] = responses

    def _answer(self, movie: NDArray[np.float32], stop: int) -> Tensor | None:
        known = self._answers.get(hash(movie.tobytes()))
        return None if known is None or known.shape[1] < stop else known[:, :stop]

    def _twin(self, *, is_fast: bool) -> DigitalTwin:
        model = build_model(self.size, is_fast=is_fast)
        config = RunConfig(
            data=DataConfig(),
            model=model.config,
            optim=OptimConfig(),
            loop=LoopConfig(),
            log=LogConfig(output_dir=self.output_dir),
        )
        return DigitalTwin(
            model,
            config=config,
            shapes=model.shapes,
            mice={MOUSE: TwinMouse(num_neurons=self.size.neurons)},
            device=self.device,
        )
