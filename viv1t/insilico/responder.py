"""What can be asked for responses to movies: a trained twin, or the synthetic mouse itself."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viv1t.names import MouseId
from viv1t.results.responses import Units


@runtime_checkable
class Responder(Protocol):
    """Answers movies with responses; in-silico experiments ask for nothing else."""

    @property
    def mouse_ids(self) -> tuple[MouseId, ...]:
        """Ids of the mice that can be asked."""

    @property
    def video_shape(self) -> tuple[int, int]:
        """(h, w) in pixels of the movies."""

    @property
    def fps(self) -> float:
        """Frames per second of the movies."""

    def num_neurons(self, mouse_id: MouseId) -> int:
        """Number of neurons n of a mouse."""

    def neuron_coordinates(self, mouse_id: MouseId) -> NDArray[np.float32] | None:
        """(n, 3) cortical positions in µm, or None if unknown."""

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
    ) -> NDArray[np.float32]:
        """Responses (n, t') to a movie (t, h, w), or (b, n, t') to (b, t, h, w).

        Args:
            video: grey values 0..255.
            mouse_id: the mouse that watches.
            behavior: (k, t) or (b, k, t) in recorded units; None: the mean of the training set.
            pupil_center: (p, t) or (b, p, t) in recorded units; None: likewise.
            units: "recorded", or "model" for the output before the inverse transform.
            batch_size: movies that are computed together.
            frames: frames of the movie whose responses are wanted, t' of them; None: all.
            neurons: rows of the neurons that are wanted, n of them, or a mask; None: all.
        """
