"""The digital twin: a trained model with all that is needed to ask it in recorded units."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from viv1t.batch import DataShapes
from viv1t.config.schema import RunConfig
from viv1t.errors import ConfigError, DataError
from viv1t.insilico.engine import Engine
from viv1t.insilico.pieces import Clips
from viv1t.insilico.questions import (
    TwinMouse,
    check_frame,
    check_units,
    read_frames,
    read_movies,
    read_neurons,
    read_signal,
    read_state,
    warn_of_unit_range,
)
from viv1t.insilico.stream import Stream
from viv1t.model.model import Model
from viv1t.model.repeats import RepeatedMovies
from viv1t.names import MouseId
from viv1t.registry import unknown_name
from viv1t.results.responses import Units
from viv1t.units import FPS, GREY

Precision: TypeAlias = Literal["32", "bf16"]
FloatArray: TypeAlias = NDArray[np.float32]


class DigitalTwin:
    """A trained model, asked with movies in grey values, answering in recorded units.

    `viv1t.load` makes one. It is in eval mode.

    Attributes:
        model: the network, with children core, readouts, shifters (or None), output_activation.
        config: the frozen configuration of the run.
        shapes: the shapes the model was built for.
        mice: what is known of each mouse.
        device: where the model computes.
        precision: "32", or "bf16" for bfloat16 arithmetic in the core.
        engine: answers for some frames and neurons; remembers what later questions can use.
    """

    def __init__(
        self,
        model: Model,
        *,
        config: RunConfig,
        shapes: DataShapes,
        mice: Mapping[MouseId, TwinMouse],
        device: torch.device,
        precision: Precision = "32",
    ) -> None:
        """Wrap `model`, which moves to `device` and into eval mode."""
        if precision not in ("32", "bf16"):
            raise ConfigError(f"precision must be '32' or 'bf16', got {precision!r}")
        self.model = model.to(device).eval()
        self.config = config
        self.shapes = shapes
        self.mice = dict(mice)
        self.device = device
        self.precision = precision
        self.engine = Engine(self.model, autocast=self.autocast)

    @property
    def mouse_ids(self) -> tuple[MouseId, ...]:
        """Ids of the mice of the run."""
        return tuple(self.mice)

    @property
    def video_shape(self) -> tuple[int, int]:
        """(h, w) in pixels of the movies that `predict` takes."""
        return self.shapes.video[2:]

    @property
    def fps(self) -> float:
        """Frames per second of the recordings (30.0 if the run does not say)."""
        return next((m.facts.fps for m in self.mice.values() if m.facts is not None), FPS)

    def mouse(self, mouse_id: MouseId) -> TwinMouse:
        """What is known of a mouse.

        Raises:
            ConfigError: the run has no such mouse.
        """
        if mouse_id not in self.mice:
            raise unknown_name("mouse", mouse_id, self.mice)
        return self.mice[mouse_id]

    def num_neurons(self, mouse_id: MouseId) -> int:
        """Number of neurons n of a mouse."""
        return self.mouse(mouse_id).num_neurons

    def neuron_coordinates(self, mouse_id: MouseId) -> FloatArray | None:
        """(n, 3) float32 cortical positions in µm, or None if unknown (published runs)."""
        facts = self.mouse(mouse_id).facts
        return None if facts is None else facts.coordinates

    def predict(
        self,
        video: ArrayLike,
        mouse_id: MouseId,
        *,
        behavior: ArrayLike | None = None,
        pupil_center: ArrayLike | None = None,
        units: Units = "recorded",
        batch_size: int = 1,
        frames: slice | None = None,
        neurons: ArrayLike | None = None,
    ) -> FloatArray:
        """Responses (n, t') to one movie (t, h, w), or (b, n, t') to movies (b, t, h, w).

        The last frames of movie and responses coincide; t' <= t. A model of several video channels
        takes them before the time axis, (c, t, h, w). Without statistics (published runs) movie,
        behaviour and pupil centre must already be transformed.

        Asking for `frames` or `neurons` goes through `engine`: with a causal vivit it costs a
        fraction where movies begin with grey, or repeat frames bit for bit.

        Args:
            video: grey values 0..255, integer or float.
            mouse_id: the mouse that watches.
            behavior: (k, t) or (b, k, t) in recorded units; None: the mean of the training set.
            pupil_center: (p, t) or (b, p, t) in recorded units; None: likewise.
            units: "recorded", or "model" for the output before the inverse response transform.
            batch_size: movies per forward pass.
            frames: frames of the movie whose responses are wanted, t' of them; None: all.
            neurons: rows of the neurons that are wanted, n of them; None: all.

        Raises:
            ConfigError: an unknown mouse, or units that need statistics the twin lacks.
            DataError: an array of the wrong shape, or one that holds NaN or infinity; frames or
                neurons that do not exist.
        """
        mouse = self.mouse(mouse_id)
        check_units(units, mouse_id, mouse)
        if batch_size < 1:
            raise ConfigError(f"batch_size must be at least 1, got {batch_size}")
        num_lost = self.engine.num_frames_lost
        movies, single = read_movies(video, self.shapes, min_frames=num_lost + 1)
        warn_of_unit_range(movies, mouse, stacklevel=2)
        num_movies, num_frames = movies.shape[0], movies.shape[2]
        sizes = {"behavior": self.shapes.num_behaviors, "pupil_center": self.shapes.num_pupils}
        given = {"behavior": behavior, "pupil_center": pupil_center}
        signals = {
            name: read_signal(name, given[name], mouse, (num_movies, sizes[name], num_frames))
            for name in sizes
        }
        wanted = read_frames(frames, num_frames=num_frames, num_lost=num_lost)
        rows = read_neurons(neurons, mouse.num_neurons)
        parts = []
        asked = RepeatedMovies(self.model)
        for start in range(0, num_movies, batch_size):
            piece = slice(start, start + batch_size)
            # A copy: torch warns about arrays that are read-only, as memory-mapped movies are.
            pixels = torch.from_numpy(np.array(movies[piece], dtype=np.float32))
            clips = Clips(
                mouse_id=mouse_id,
                video=mouse.video_in_model_units(pixels),
                behaviors=signals["behavior"][piece],
                pupil_centers=signals["pupil_center"][piece],
            )
            if frames is None and rows is None:
                outputs = self._whole(asked, clips.to(self.device))
            else:
                outputs = self.engine.responses(clips, frames=wanted, neurons=rows)
            parts.append(mouse.responses_in(units, outputs.cpu(), rows).numpy())
        responses: FloatArray = np.concatenate(parts)
        return responses[0] if single else responses

    def respond(
        self,
        video: Tensor,
        mouse_id: MouseId,
        *,
        start: int,
        grey: float = GREY,
        behavior: ArrayLike | None = None,
        pupil_center: ArrayLike | None = None,
        neurons: ArrayLike | None = None,
        units: Units = "recorded",
    ) -> Tensor:
        """Responses (b, n, t) to movies (b, c, t, h, w) shown after a grey screen; differentiable.

        Gradients reach the movies and nothing else. With a causal vivit the grey screen is computed
        once and kept; what would follow the movies does not matter to causal models, others are
        asked as if nothing followed.

        Args:
            video: grey values on the device of the model; without statistics, transformed.
            mouse_id: the mouse that watches.
            start: frames of grey before the movies.
            grey: the value of the grey screen, in the units of `video`.
            behavior: (k,) in recorded units, throughout; None: the mean of the training set.
            pupil_center: (p,), likewise.
            neurons: rows of the n neurons that are wanted; None: all.
            units: "recorded", or "model" for the output before the inverse response transform.

        Raises:
            ConfigError: an unknown mouse, units that need statistics the twin lacks, or a start
                that is too short for the model.
            DataError: an array of the wrong shape, or one that holds NaN or infinity.
        """
        mouse = self.mouse(mouse_id)
        check_units(units, mouse_id, mouse)
        if start < self.engine.num_frames_lost:
            raise ConfigError(
                f"start must be at least {self.engine.num_frames_lost}, the frames of which the "
                f"model gives no response; got {start}"
            )
        if video.ndim != 5 or 0 in video.shape:
            raise DataError(f"video must be (b, c, t, h, w), got shape {tuple(video.shape)}")
        check_frame((video.shape[1], *video.shape[3:]), self.shapes)
        num_frames = video.shape[2]
        behaviors, pupil_centers = (
            read_state(name, given, mouse, rows=rows, num_frames=start + num_frames)
            for name, given, rows in (
                ("behavior", behavior, self.shapes.num_behaviors),
                ("pupil_center", pupil_center, self.shapes.num_pupils),
            )
        )
        screen = torch.full((1, video.shape[1], start, *video.shape[3:]), float(grey))
        lead = Clips(
            mouse_id=mouse_id,
            video=mouse.video_in_model_units(screen),
            behaviors=behaviors[..., :start],
            pupil_centers=pupil_centers[..., :start],
        )
        num_movies = len(video)
        clips = Clips(
            mouse_id=mouse_id,
            video=mouse.video_in_model_units(video),
            behaviors=behaviors[..., start:].expand(num_movies, -1, -1),
            pupil_centers=pupil_centers[..., start:].expand(num_movies, -1, -1),
        ).to(self.device)
        chosen = read_neurons(neurons, mouse.num_neurons)
        outputs = self.engine.respond(lead, clips, neurons=chosen)
        return mouse.responses_in(units, outputs, chosen)

    def stream(
        self,
        mouse_id: MouseId,
        *,
        behavior: ArrayLike | None = None,
        pupil_center: ArrayLike | None = None,
        units: Units = "recorded",
        max_frames: int | None = None,
    ) -> Stream:
        """A `Stream`, whose `step(frame)` gives the responses (n,) at each new frame.

        Args:
            mouse_id: the mouse that watches.
            behavior: (k,) or (k, t) in recorded units, where a step gives none; None: the mean of
                the training set.
            pupil_center: (p,) or (p, t), likewise.
            units: "recorded", or "model" for the output before the inverse response transform.
            max_frames: frames that fit, which bound its memory (`Stream.num_bytes`); None: as many
                as the longest trial of the training set.

        Raises:
            ConfigError: an unknown mouse, units that need statistics the twin lacks, or a model
                whose responses depend on later frames.
        """
        mouse = self.mouse(mouse_id)
        check_units(units, mouse_id, mouse)
        if not self.model.core.causal:
            raise ConfigError(
                "twin.stream needs a causal model, responses of this one depend on later frames: "
                "train with --core_use_causal_attention, or ask twin.predict for whole movies"
            )
        room = self.shapes.max_frames if max_frames is None else max_frames
        if room < 1:
            raise ConfigError(f"max_frames must be at least 1, got {max_frames}")
        return Stream(
            self.model,
            mouse_id=mouse_id,
            mouse=mouse,
            behavior=behavior,
            pupil_center=pupil_center,
            units=units,
            max_frames=room,
            autocast=self.autocast,
            dtype=torch.bfloat16 if self.precision == "bf16" else torch.float32,
        )

    def autocast(self) -> AbstractContextManager[Any]:
        """The context in which the core computes."""
        is_bf16 = self.precision == "bf16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=is_bf16)

    def _whole(self, asked: RepeatedMovies, clips: Clips) -> Tensor:
        """Responses (b, n, t'), in model units, to whole movies on the device."""
        signals = {"behaviors": clips.behaviors, "pupil_centers": clips.pupil_centers}
        # no_grad, not inference_mode: tables that the model makes here may serve gradients later.
        with torch.no_grad():
            with self.autocast():
                features = asked.features(clips.video, mouse_id=clips.mouse_id, **signals)
            return asked.read_out(features, mouse_id=clips.mouse_id, **signals)
