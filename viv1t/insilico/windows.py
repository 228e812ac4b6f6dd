"""Responses to long movies from overlapping windows, blended where windows overlap."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viv1t.config.flags import check
from viv1t.insilico.responder import Responder
from viv1t.names import MouseId


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Windows that cover a movie.

    Attributes:
        num_frames: of a window, for example the clips that the model was trained on.
        stride_frames: from the start of a window to that of the next; the last one ends with the
            movie, whatever its distance.
    """

    num_frames: int
    stride_frames: int

    def __post_init__(self) -> None:
        check(self.num_frames >= 1, f"--window_frames must be 1 or more, got {self.num_frames}")
        check(
            1 <= self.stride_frames <= self.num_frames,
            f"--window_stride must be 1 to {self.num_frames} (the frames of a window), "
            f"got {self.stride_frames}",
        )

    @classmethod
    def of(cls, num_frames: int | None, stride_frames: int | None) -> "Windows | None":
        """The windows of the flags `config.scripts.WINDOW_FLAGS`; None: movies are asked whole."""
        if num_frames is None:
            check(stride_frames is None, "--window_stride needs --window_frames")
            return None
        stride = max(num_frames // 2, 1) if stride_frames is None else stride_frames
        return cls(num_frames=num_frames, stride_frames=stride)

    def starts(self, num_frames: int) -> list[int]:
        """First frames of the windows over a movie of `num_frames` frames."""
        last = max(num_frames - self.num_frames, 0)
        return [*range(0, last, self.stride_frames), last]


def predict_windows(
    responder: Responder,
    video: ArrayLike,
    mouse_id: MouseId,
    *,
    windows: Windows,
    behavior: ArrayLike | None = None,
    pupil_center: ArrayLike | None = None,
    **asked: Any,  # noqa: ANN401
) -> NDArray[np.float32]:
    """Responses (b, n, t'), each the mean over the windows that show its frame.

    A frame counts in a window by its distance from the window's ends (triangular weights): the
    first frames of a window lack their past, the last ones lack their future. A movie that fits
    into one window is predicted whole.

    Args:
        responder: who answers.
        video: (b, t, h, w) grey values, or with channels (b, c, t, h, w).
        mouse_id: the mouse that watches.
        windows: how the movie is cut.
        behavior: (b, k, t) in recorded units; None: the mean of the training set.
        pupil_center: (b, p, t), likewise.
        asked: `units`, `batch_size` and `neurons` of `Responder.predict`.
    """
    movies = np.asarray(video)
    time = movies.ndim - 3
    num_frames = movies.shape[time]
    starts = windows.starts(num_frames)
    total: NDArray[np.float64] | None = None
    weight = np.zeros(num_frames)
    for start in starts:
        frames = slice(start, start + windows.num_frames)
        part = responder.predict(
            movies[(slice(None),) * time + (frames,)],
            mouse_id,
            behavior=_cut(behavior, frames),
            pupil_center=_cut(pupil_center, frames),
            **asked,
        )
        length = min(windows.num_frames, num_frames)
        # Models may answer fewer frames than they are shown; the last ones coincide.
        answered = slice(start + length - part.shape[-1], start + length)
        share = _triangle(length)[-part.shape[-1] :]
        total = np.zeros((*part.shape[:-1], num_frames)) if total is None else total
        total[..., answered] += part * share
        weight[answered] += share
    assert total is not None
    known = slice(int(np.flatnonzero(weight)[0]), num_frames)
    blended: NDArray[np.float32] = (total[..., known] / weight[known]).astype(np.float32)
    return blended


def _cut(state: ArrayLike | None, frames: slice) -> ArrayLike | None:
    return None if state is None else np.asarray(state)[..., frames]


def _triangle(length: int) -> NDArray[np.float64]:
    """Distances from the ends, 1 at both: never zero."""
    along = np.arange(length)
    return np.minimum(along, along[::-1]) + 1.0
