"""The digital twin: a trained model with all that is needed to ask it in recorded units."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from viv1t.batch import DataShapes
from viv1t.config.schema import RunConfig
from viv1t.data.facts import MouseFacts
from viv1t.data.statistics import Statistics
from viv1t.data.transforms import Transforms
from viv1t.errors import ConfigError, DataError
from viv1t.model.model import Model
from viv1t.model.repeats import RepeatedMovies
from viv1t.names import MouseId
from viv1t.registry import unknown_name
from viv1t.results.responses import Units
from viv1t.units import FPS

Precision: TypeAlias = Literal["32", "bf16"]
FloatArray: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class TwinMouse:
    """What a twin knows of a mouse besides the weights.

    Attributes:
        num_neurons: neurons n of the readout.
        statistics: of the recording; None if they were not supplied (published runs).
        transforms: between recorded and model units; None without statistics.
        facts: what the run folder stores of the recording; None for published runs.
    """

    num_neurons: int
    statistics: Statistics | None = None
    transforms: Transforms | None = None
    facts: MouseFacts | None = None


class DigitalTwin:
    """A trained model, asked with movies in grey values, answering in recorded units.

    `viv1t.load` makes one. It is in eval mode.

    Attributes:
        model: the network, with children core, readouts, shifters (or None), output_activation.
        config: the frozen configuration of the run.
        shapes: the shapes the model was built for.
        mice: what is known of each mouse.
        device: where the model computes.
        precision: "32", or "bf16" for bfloat16 arithmetic in the core, in `predict`.
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
    ) -> FloatArray:
        """Responses (n, t') to one movie (t, h, w), or (b, n, t') to movies (b, t, h, w).

        The last frames of movie and responses coincide; t' <= t. A model of several video channels
        takes them before the time axis, (c, t, h, w). Without statistics (published runs) movie,
        behaviour and pupil centre must already be transformed.

        Args:
            video: grey values 0..255, integer or float.
            mouse_id: the mouse that watches.
            behavior: (k, t) or (b, k, t) in recorded units; None: the mean of the training set.
            pupil_center: (p, t) or (b, p, t) in recorded units; None: likewise.
            units: "recorded", or "model" for the output before the inverse response transform.
            batch_size: movies per forward pass.

        Raises:
            ConfigError: an unknown mouse, or units that need statistics the twin lacks.
            DataError: an array of the wrong shape, or one that holds NaN or infinity.
        """
        mouse = self.mouse(mouse_id)
        if units not in ("recorded", "model"):
            raise ConfigError(f"units must be 'recorded' or 'model', got {units!r}")
        if mouse.transforms is None and units == "recorded":
            self._refuse_recorded(mouse_id)
        if batch_size < 1:
            raise ConfigError(f"batch_size must be at least 1, got {batch_size}")
        movies, single = self._movies(video)
        self._warn_of_unit_range(movies, mouse)
        num_movies, num_frames = movies.shape[0], movies.shape[2]
        sizes = {"behavior": self.shapes.num_behaviors, "pupil_center": self.shapes.num_pupils}
        given = {"behavior": behavior, "pupil_center": pupil_center}
        signals = {
            name: self._signal(name, given[name], mouse, (num_movies, sizes[name], num_frames))
            for name in sizes
        }
        parts = []
        asked = RepeatedMovies(self.model)
        for start in range(0, num_movies, batch_size):
            piece = slice(start, start + batch_size)
            parts.append(
                self._respond(
                    asked,
                    mouse_id,
                    movies[piece],
                    signals["behavior"][piece],
                    signals["pupil_center"][piece],
                    units=units,
                )
            )
        responses = np.concatenate(parts)
        return responses[0] if single else responses

    def stream(
        self,
        mouse_id: MouseId,
        *,
        behavior: ArrayLike | None = None,
        pupil_center: ArrayLike | None = None,
        units: Units = "recorded",
    ) -> NoReturn:
        """Frame-by-frame prediction, which comes with the next release.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(
            "twin.stream comes with the next release of viv1t; until then ask twin.predict for "
            "whole movies"
        )

    def _respond(
        self,
        asked: RepeatedMovies,
        mouse_id: MouseId,
        movies: NDArray[np.generic],
        behavior: Tensor,
        pupil_center: Tensor,
        *,
        units: Units,
    ) -> FloatArray:
        """Responses (b, n, t') to movies (b, c, t, h, w) in the units of the caller."""
        transforms = self.mouse(mouse_id).transforms
        # A copy: torch warns about arrays that are read-only, as memory-mapped movies are.
        inputs = torch.from_numpy(np.array(movies, dtype=np.float32))
        if transforms is not None:
            inputs = transforms.video(inputs)
        behaviors, pupil_centers = behavior.to(self.device), pupil_center.to(self.device)
        bf16 = self.precision == "bf16"
        # no_grad, not inference_mode: tables that the model makes here may serve gradients later.
        with torch.no_grad():
            with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
                features = asked.features(
                    inputs.to(self.device),
                    mouse_id=mouse_id,
                    behaviors=behaviors,
                    pupil_centers=pupil_centers,
                )
            outputs = asked.read_out(
                features,
                mouse_id=mouse_id,
                behaviors=behaviors,
                pupil_centers=pupil_centers,
            )
        outputs = outputs.cpu()
        if units == "recorded" and transforms is not None:
            outputs = transforms.invert_response(outputs)
        responses: FloatArray = outputs.numpy()
        return responses

    def _movies(self, video: ArrayLike) -> tuple[NDArray[np.generic], bool]:
        """The movies as (b, c, t, h, w), and whether it was a single one without batch axis."""
        movies = _array(video)
        _check_finite("video", movies)
        channels = self.shapes.video[0]
        axes = "(t, h, w)" if channels == 1 else "(c, t, h, w)"
        single_ndim = 3 if channels == 1 else 4
        if movies.ndim not in (single_ndim, single_ndim + 1):
            raise DataError(
                f"video must be one movie {axes}, or several with a batch axis before them; "
                f"got shape {movies.shape}"
            )
        single = movies.ndim == single_ndim
        if single:
            movies = movies[None]
        if channels == 1:
            movies = movies[:, None]
        expected, found = (channels, *self.video_shape), (movies.shape[1], *movies.shape[3:])
        if expected != found:
            raise DataError(
                f"the model takes frames of (c, h, w) = {expected} pixels, the video has {found}"
            )
        if 0 in movies.shape or self.model.core.num_frames_out(movies.shape[2]) < 1:
            raise DataError(f"the video is too short for the model: it has shape {movies.shape}")
        return movies, single

    def _signal(
        self, name: str, given: ArrayLike | None, mouse: TwinMouse, shape: tuple[int, int, int]
    ) -> Tensor:
        """Behaviour or pupil centre, transformed, as (b, k, t)."""
        rows = shape[1]
        if given is None and rows == 0:
            return torch.zeros(shape)
        transforms, statistics = mouse.transforms, mouse.statistics
        if given is None:
            if statistics is None:
                raise ConfigError(
                    f"{name} has no default without statistics: pass it, already transformed, as "
                    f"({rows}, t), or give viv1t.load(..., statistics=) a data folder or a mapping"
                )
            values = np.broadcast_to(getattr(statistics, name).mean[:, None], shape[1:])
        else:
            values = _array(given)
            if values.shape not in (shape, shape[1:]):
                raise DataError(
                    f"{name} must have shape {shape[1:]} or {shape} to go with the video, "
                    f"got {values.shape}"
                )
            _check_finite(name, values)
        signal = torch.from_numpy(np.array(values, dtype=np.float32))
        if transforms is not None:
            signal = getattr(transforms, name)(signal)
        return signal.expand(shape)

    def _warn_of_unit_range(self, movies: NDArray[np.generic], mouse: TwinMouse) -> None:
        if mouse.statistics is None or not np.issubdtype(movies.dtype, np.floating):
            return
        largest = float(movies.max())
        if 0 < largest <= 1 < float(mouse.statistics.video.max):
            warnings.warn(
                f"the video's largest value is {largest:.3g}: it seems to be scaled to 0..1, but "
                "grey values 0..255 are expected; multiply it by 255",
                stacklevel=3,
            )

    def _refuse_recorded(self, mouse_id: MouseId) -> NoReturn:
        raise ConfigError(
            f"units='recorded' needs the statistics of mouse {mouse_id}, which this run folder "
            "does not hold: give viv1t.load(run_dir, statistics=...) the data folder or a mapping "
            "{mouse: {video|behavior|pupil_center|response: {mean, std, min, max, median}}}, or "
            "ask for units='model' with inputs that are already transformed"
        )


def _array(values: ArrayLike | Tensor) -> NDArray[np.generic]:
    """`values` as a NumPy array, from a tensor on any device too."""
    if isinstance(values, Tensor):
        values = values.detach().cpu().numpy()
    return np.asarray(values)


def _check_finite(name: str, values: NDArray[np.generic]) -> None:
    if not np.issubdtype(values.dtype, np.number):
        raise DataError(f"{name} must hold numbers, got dtype {values.dtype}")
    if np.issubdtype(values.dtype, np.inexact) and not np.isfinite(values).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise DataError(f"{name} holds NaN or infinity, first at index {where}")
