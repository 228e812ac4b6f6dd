"""What callers give to a twin: checked, and turned into the units of its model."""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from viv1t.batch import DataShapes
from viv1t.data.facts import MouseFacts
from viv1t.data.statistics import Statistics
from viv1t.data.transforms import Transforms
from viv1t.errors import ConfigError, DataError
from viv1t.names import MouseId
from viv1t.results.responses import Units


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

    def video_in_model_units(self, video: Tensor) -> Tensor:
        """Movies (..., c, t, h, w) of grey values as the model takes them; gradients pass."""
        return video if self.transforms is None else self.transforms.video(video)

    def responses_in(
        self, units: Units, responses: Tensor, neurons: NDArray[np.int64] | None = None
    ) -> Tensor:
        """Responses (..., n, t) of the model in `units`; gradients pass.

        Args:
            units: "recorded" or "model".
            responses: of all neurons, or of those in `neurons`.
            neurons: rows.
        """
        if units == "model" or self.transforms is None:
            return responses
        chosen = self.transforms if neurons is None else self.transforms.select(neurons)
        return chosen.invert_response(responses)


def check_units(units: str, mouse_id: MouseId, mouse: TwinMouse) -> None:
    """Raise ConfigError unless responses of `mouse` can be given in `units`."""
    if units not in ("recorded", "model"):
        raise ConfigError(f"units must be 'recorded' or 'model', got {units!r}")
    if mouse.transforms is None and units == "recorded":
        raise ConfigError(
            f"units='recorded' needs the statistics of mouse {mouse_id}, which this run folder "
            "does not hold: give viv1t.load(run_dir, statistics=...) the data folder or a mapping "
            "{mouse: {video|behavior|pupil_center|response: {mean, std, min, max, median}}}, or "
            "ask for units='model' with inputs that are already transformed"
        )


def read_movies(
    video: ArrayLike | Tensor, shapes: DataShapes, *, min_frames: int
) -> tuple[NDArray[np.generic], bool]:
    """The movies as (b, c, t, h, w), and whether it was a single one without batch axis.

    Args:
        video: (t, h, w) or (b, t, h, w), with c before t if the model takes several channels.
        shapes: of the model.
        min_frames: the least t.

    Raises:
        DataError: another shape, or NaN or infinity.
    """
    movies = as_array(video)
    check_finite("video", movies)
    channels = shapes.video[0]
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
    check_frame((movies.shape[1], *movies.shape[3:]), shapes)
    if 0 in movies.shape or movies.shape[2] < min_frames:
        raise DataError(f"the video is too short for the model: it has shape {movies.shape}")
    return movies, single


def check_frame(found: tuple[int, ...], shapes: DataShapes) -> None:
    """Raise DataError unless frames of shape `found`, (c, h, w), are what the model takes."""
    expected = (shapes.video[0], *shapes.video[2:])
    if expected != found:
        raise DataError(
            f"the model takes frames of (c, h, w) = {expected} pixels, the video has {found}"
        )


def read_signal(
    name: str, given: ArrayLike | None, mouse: TwinMouse, shape: tuple[int, int, int]
) -> Tensor:
    """Behaviour or pupil centre, transformed, as `shape` (b, k, t).

    Args:
        name: "behavior" or "pupil_center".
        given: (k, t) or (b, k, t) in recorded units; None: the mean of the training set.
        mouse: whose.
        shape: wanted.

    Raises:
        ConfigError: the mean is not known.
        DataError: another shape, or NaN or infinity.
    """
    rows = shape[1]
    if given is None and rows == 0:
        return torch.zeros(shape)
    if given is None:
        if mouse.statistics is None:
            raise ConfigError(
                f"{name} has no default without statistics: pass it, already transformed, as "
                f"({rows}, t), or give viv1t.load(..., statistics=) a data folder or a mapping"
            )
        values = np.broadcast_to(getattr(mouse.statistics, name).mean[:, None], shape[1:])
    else:
        values = as_array(given)
        if values.shape not in (shape, shape[1:]):
            raise DataError(
                f"{name} must have shape {shape[1:]} or {shape} to go with the video, "
                f"got {values.shape}"
            )
        check_finite(name, values)
    signal = torch.from_numpy(np.array(values, dtype=np.float32))
    if mouse.transforms is not None:
        signal = getattr(mouse.transforms, name)(signal)
    return signal.expand(shape)


def read_state(
    name: str, given: ArrayLike | None, mouse: TwinMouse, *, rows: int, num_frames: int = 1
) -> Tensor:
    """Behaviour or pupil centre that stays as it is, transformed, as (1, k, t).

    Args:
        name: "behavior" or "pupil_center".
        given: (k,) in recorded units; None: the mean of the training set.
        mouse: whose.
        rows: k.
        num_frames: t.

    Raises:
        ConfigError: the mean is not known.
        DataError: another shape, or NaN or infinity.
    """
    if given is not None:
        found = as_array(given).shape
        if found != (rows,):
            raise DataError(
                f"{name} must have shape ({rows},), the values at all frames or at this one; "
                f"got {found}"
            )
        given = as_array(given)[:, None]
    return read_signal(name, given, mouse, (1, rows, 1)).expand(1, rows, num_frames)


def read_frames(frames: slice | None, *, num_frames: int, num_lost: int) -> slice:
    """The frames of a movie that are asked for, as a slice with start and stop.

    Args:
        frames: as one slices a movie; None: all that have responses.
        num_frames: of the movie.
        num_lost: frames at its start that have no responses.

    Raises:
        DataError: none is left, or some have no responses.
    """
    asked = slice(None) if frames is None else frames
    start, stop, step = asked.indices(num_frames)
    start = num_lost if asked.start is None else start
    if step != 1 or stop <= start or start < num_lost:
        raise DataError(
            f"frames must be a slice of frames {num_lost} to {num_frames} of the video, in steps "
            f"of 1; got {frames}"
        )
    return slice(start, stop)


def read_neurons(neurons: ArrayLike | None, num_neurons: int) -> NDArray[np.int64] | None:
    """Rows (n,) of the neurons that are asked for; None: all.

    Raises:
        DataError: no rows, or some that do not exist.
    """
    if neurons is None:
        return None
    asked = np.asarray(neurons)
    if asked.size == 0 or asked.ndim > 1:
        raise DataError(f"neurons must be a list of at least one row, got shape {asked.shape}")
    try:
        return np.atleast_1d(np.arange(num_neurons)[asked])
    except IndexError as error:
        raise DataError(
            f"neurons must be rows 0 to {num_neurons - 1}, or a mask: {error}"
        ) from error


def warn_of_unit_range(movies: NDArray[np.generic], mouse: TwinMouse, *, stacklevel: int) -> None:
    """Warn of movies in 0..1, a common mistake."""
    if mouse.statistics is None or not np.issubdtype(movies.dtype, np.floating):
        return
    largest = float(movies.max())
    if 0 < largest <= 1 < float(mouse.statistics.video.max):
        warnings.warn(
            f"the video's largest value is {largest:.3g}: it seems to be scaled to 0..1, but "
            "grey values 0..255 are expected; multiply it by 255",
            stacklevel=stacklevel + 1,
        )


def as_array(values: ArrayLike | Tensor) -> NDArray[np.generic]:
    """`values` as a NumPy array, from a tensor on any device too."""
    if isinstance(values, Tensor):
        values = values.detach().cpu().numpy()
    return np.asarray(values)


def check_finite(name: str, values: NDArray[np.generic]) -> None:
    """Raise DataError unless `values` are finite numbers."""
    if not np.issubdtype(values.dtype, np.number):
        raise DataError(f"{name} must hold numbers, got dtype {values.dtype}")
    if np.issubdtype(values.dtype, np.inexact) and not np.isfinite(values).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise DataError(f"{name} holds NaN or infinity, first at index {where}")
