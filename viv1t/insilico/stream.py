"""Responses frame by frame, for experiments in a closed loop."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from viv1t.errors import ConfigError
from viv1t.insilico.pieces import Clips
from viv1t.insilico.questions import (
    TwinMouse,
    as_array,
    check_finite,
    check_frame,
    read_state,
)
from viv1t.model.cores.vivit.incremental import IncrementalViViT
from viv1t.model.model import Model
from viv1t.names import MouseId
from viv1t.results.responses import Units


class Stepper(Protocol):
    """A core that takes one frame after the other.

    Attributes:
        num_bytes: memory that it holds at most.
    """

    num_bytes: int

    def reset(self) -> None:
        """Begin a new movie."""

    def step(self, frame: Clips) -> Tensor | None:
        """Features (1, d, 1, h', w') at one more frame; None before the first."""


class Stream:
    """What a mouse answers to a movie that comes frame by frame.

    Each step equals the latest frame of `DigitalTwin.predict` for the movie so far, up to
    rounding. Made by `DigitalTwin.stream`.

    Attributes:
        max_frames: frames that fit.
        num_frames: frames taken so far.
    """

    def __init__(
        self,
        model: Model,
        *,
        mouse_id: MouseId,
        mouse: TwinMouse,
        behavior: ArrayLike | None,
        pupil_center: ArrayLike | None,
        units: Units,
        max_frames: int,
        autocast: Callable[[], AbstractContextManager[Any]],
        dtype: torch.dtype,
    ) -> None:
        """Stream frames to `model`.

        Args:
            model: in eval mode.
            mouse_id: the mouse that watches.
            mouse: what is known of it.
            behavior: (k,) or (k, t) in recorded units, where a step gives none; None: the mean of
                the training set.
            pupil_center: (p,) or (p, t), likewise.
            units: of the responses.
            max_frames: frames that fit.
            autocast: the context in which the core computes.
            dtype: of keys and values in it.
        """
        self.max_frames = max_frames
        self.num_frames = 0
        self._model = model
        self._mouse_id = mouse_id
        self._mouse = mouse
        self._state = {"behavior": behavior, "pupil_center": pupil_center}
        self._units = units
        self._autocast = autocast
        self._stepper: Stepper
        core = model.core.incremental()
        if core is None:
            self._stepper = _WholeSteps(model, max_frames)
        else:
            self._stepper = _Steps(core, model, max_frames, dtype)

    @property
    def num_bytes(self) -> int:
        """Memory that the stream holds at most, besides the model.

        Almost all are keys and values: 2 x temporal blocks x places x `max_frames` x heads x head
        dimension numbers, 3.1 GB for 300 frames at the default size, half of it in bf16. It is
        reserved at the start, and taken as frames arrive.
        """
        return self._stepper.num_bytes

    def reset(self) -> None:
        """Begin a new movie."""
        self.num_frames = 0
        self._stepper.reset()

    def step(
        self,
        frame: ArrayLike,
        behavior: ArrayLike | None = None,
        pupil_center: ArrayLike | None = None,
    ) -> NDArray[np.float32] | None:
        """Responses (n,) to the movie so far, at its latest frame; None before the first response.

        Args:
            frame: the next frame, (h, w) or (c, h, w), grey values 0..255.
            behavior: (k,) at this frame, in recorded units; None: that of the stream.
            pupil_center: (p,), likewise.

        Raises:
            ConfigError: `max_frames` frames have been taken.
            DataError: an array of the wrong shape, or one that holds NaN or infinity.
        """
        if self.num_frames == self.max_frames:
            raise ConfigError(
                f"the stream has taken {self.max_frames} frames, all that it has room for: call "
                "stream.reset() for a new movie, or make it longer, twin.stream(..., max_frames=)"
            )
        clip = self._read(frame, {"behavior": behavior, "pupil_center": pupil_center})
        self.num_frames += 1
        with torch.no_grad():
            with self._autocast():
                features = self._stepper.step(clip)
            if features is None:
                return None
            responses = self._model.read_out(
                features.to(clip.video.dtype),
                mouse_id=self._mouse_id,
                behaviors=clip.behaviors,
                pupil_centers=clip.pupil_centers,
                activate=True,
            )
        found: NDArray[np.float32] = self._mouse.responses_in(self._units, responses.cpu())[
            0, :, 0
        ].numpy()
        return found

    def _read(self, frame: ArrayLike, given: dict[str, ArrayLike | None]) -> Clips:
        shapes = self._model.shapes
        pixels = as_array(frame)
        check_finite("frame", pixels)
        if shapes.video[0] == 1 and pixels.ndim == 2:
            pixels = pixels[None]
        check_frame(pixels.shape, shapes)
        device = next(self._model.parameters()).device
        video = torch.from_numpy(np.array(pixels, dtype=np.float32))[None, :, None]
        rows = {"behavior": shapes.num_behaviors, "pupil_center": shapes.num_pupils}
        behaviors, pupil_centers = (
            read_state(name, self._state_now(name, given[name]), self._mouse, rows=rows[name])
            for name in rows
        )
        return Clips(
            mouse_id=self._mouse_id,
            video=self._mouse.video_in_model_units(video),
            behaviors=behaviors,
            pupil_centers=pupil_centers,
        ).to(device)

    def _state_now(self, name: str, given: ArrayLike | None) -> ArrayLike | None:
        """Behaviour or pupil centre (k,) at the next frame; None: the mean."""
        known = self._state[name] if given is None else given
        if given is not None or known is None or np.ndim(known) < 2:
            return known
        over_time = as_array(known)
        if over_time.shape[1] <= self.num_frames:
            raise ConfigError(
                f"the stream was given {name} of {over_time.shape[1]} frames, this is frame "
                f"{self.num_frames}: give it more, or pass {name} to stream.step"
            )
        return over_time[:, self.num_frames]


class _Steps:
    """A core in pieces: keys and values of all earlier frames are kept."""

    def __init__(
        self, core: IncrementalViViT, model: Model, max_frames: int, dtype: torch.dtype
    ) -> None:
        self._core = core
        channels, _, height, width = model.shapes.video
        no_signals = (
            torch.zeros(1, model.shapes.num_behaviors, 1),
            torch.zeros(1, model.shapes.num_pupils, 1),
        )
        num_signals = core.signals(*no_signals).shape[1]
        self._video = torch.zeros(1, channels, core.num_frames_seen, height, width).to(core.device)
        self._signals = torch.zeros(1, num_signals, core.num_frames_seen).to(core.device)
        self._past = core.empty_past(max_frames, dtype)
        self._num_frames = 0
        held = [self._video, self._signals, *(x for block in self._past for x in block)]
        self.num_bytes = sum(tensor.nbytes for tensor in held)

    def reset(self) -> None:
        """Begin a new movie."""
        self._num_frames = 0
        self._video.zero_()
        self._signals.zero_()

    def step(self, frame: Clips) -> Tensor | None:
        """Features (1, d, 1, h', w') at one more frame; None before the first."""
        core = self._core
        signals = core.signals(frame.behaviors, frame.pupil_centers)
        for recent, new in ((self._video, frame.video), (self._signals, signals)):
            recent.copy_(torch.cat((recent[:, :, 1:], new), dim=2))
        token = self._num_frames + core.num_frames_padded + 1 - core.num_frames_seen
        self._num_frames += 1
        if token < 0:
            return None
        tokens = core.spatial(self._video, self._signals, [token])[0].transpose(0, 1)
        past = [block.frames(token) for block in self._past] if token else None
        features, remembered = core.temporal(tokens, start=token, past=past)
        for block, latest in zip(self._past, remembered, strict=True):
            block.keys[:, :, token] = latest.keys[:, :, 0]
            block.values[:, :, token] = latest.values[:, :, 0]
        return core.as_map(features[None])


class _WholeSteps:
    """A core that must see whole movies: the latest frames are kept, as many as it sees."""

    def __init__(self, model: Model, max_frames: int) -> None:
        self._model = model
        seen = model.core.num_frames_seen
        self._num_kept = max_frames if seen is None else min(seen, max_frames)
        self._recent: Clips | None = None
        shapes = model.shapes
        channels, _, height, width = shapes.video
        numbers = channels * height * width + shapes.num_behaviors + shapes.num_pupils
        self.num_bytes = 4 * numbers * self._num_kept

    def reset(self) -> None:
        """Begin a new movie."""
        self._recent = None

    def step(self, frame: Clips) -> Tensor | None:
        """Features (1, d, 1, h', w') at one more frame; None before the first."""
        recent = frame
        if self._recent is not None:
            recent = self._recent.followed_by(frame).frames(slice(-self._num_kept, None))
        self._recent = recent
        if self._model.num_frames_out(recent.video.shape[2]) < 1:
            return None
        features = self._model.features(
            recent.video,
            mouse_id=recent.mouse_id,
            behaviors=recent.behaviors,
            pupil_centers=recent.pupil_centers,
        )
        return features[:, :, -1:]
