"""Noise on noiseless responses: the synthetic truth varies from one showing to the next."""

import zlib
from collections import Counter
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viv1t.data.synthetic.responder import SyntheticMouse
from viv1t.names import MouseId
from viv1t.rng import child

# The noise under which the analyses must recover the truth: CV .5 per frame, .13 per showing.
FRAME_SHAPE: Final = 4.0
GAIN_SHAPE: Final = 60.0
# A presentation of the usual trial, 60 + 4 x [15 grey, 30 stimulus, 15 grey] frames.
BLOCK_FRAMES: Final = 60


class NoisyResponder:
    """Synthetic mice that answer as a recording would: with noise.

    Each response is multiplied by two gamma variables of unit mean: one per frame, one per
    presentation (a block of frames of a trial), both independent between neurons. The noise is a
    function of seed, mouse and movie, so that an interrupted experiment goes on as it would have;
    only a movie that is shown again has other noise each time.

    Args:
        responder: the noiseless mice.
        seed: of the noise.
        frame_shape: shape of the gamma noise per frame; 4 has a CV of 50 %.
        gain_shape: shape of the gain per presentation; 60 has a CV of 13 %, 4 of 50 %.
        block_frames: frames of a trial that share a gain.
    """

    def __init__(
        self,
        responder: SyntheticMouse,
        *,
        seed: int,
        frame_shape: float = FRAME_SHAPE,
        gain_shape: float = GAIN_SHAPE,
        block_frames: int = BLOCK_FRAMES,
    ) -> None:
        self._responder = responder
        self._seed = seed
        self._shapes = frame_shape, gain_shape
        self._block_frames = block_frames
        self._shown: Counter[tuple[MouseId, int]] = Counter()

    @property
    def mouse_ids(self) -> tuple[MouseId, ...]:
        """Names of the mice."""
        return self._responder.mouse_ids

    @property
    def video_shape(self) -> tuple[int, int]:
        """(h, w) of a frame in pixels."""
        return self._responder.video_shape

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self._responder.fps

    def num_neurons(self, mouse_id: MouseId) -> int:
        """Number of neurons of `mouse_id`."""
        return self._responder.num_neurons(mouse_id)

    def neuron_coordinates(self, mouse_id: MouseId) -> NDArray[np.float32] | None:
        """(n, 3) float32 cortical positions in µm."""
        return self._responder.neuron_coordinates(mouse_id)

    def predict(
        self,
        video: ArrayLike,
        mouse_id: MouseId,
        *,
        frames: slice | None = None,
        neurons: ArrayLike | None = None,
        **given: Any,  # noqa: ANN401
    ) -> NDArray[np.float32]:
        """Noisy responses (n, t') or (b, n, t'), see `SyntheticMouse.predict`.

        Args:
            video: grey values 0..255, (t, h, w) or (b, t, h, w).
            mouse_id: whose neurons.
            frames: frames of the movie whose responses are wanted; None: all.
            neurons: rows of the neurons that are wanted, or a mask; None: all.
            given: further arguments of the noiseless mice.
        """
        movies = np.asarray(video)
        rates = self._responder.predict(movies, mouse_id, frames=frames, neurons=neurons, **given)
        single = movies.ndim == 3
        kept = slice(None) if frames is None else frames
        rows = slice(None) if neurons is None else np.atleast_1d(np.asarray(neurons))
        noise = [
            self._noise(movie, mouse_id)[rows][:, kept]
            for movie in (movies[None] if single else movies)
        ]
        return (rates * (noise[0] if single else np.stack(noise))).astype(np.float32)

    def _noise(self, movie: NDArray[np.generic], mouse_id: MouseId) -> NDArray[np.float64]:
        """(n, t) factors of unit mean, for all neurons, whichever are asked."""
        seen = mouse_id, zlib.crc32(np.ascontiguousarray(movie).tobytes())
        rng = child(self._seed, "noise", *seen, self._shown[seen])
        self._shown[seen] += 1
        n, t = self.num_neurons(mouse_id), len(movie)
        frame_shape, gain_shape = self._shapes
        # Blocks are counted from the end, as all that follows the warm-up.
        block = (np.arange(t) - t) // self._block_frames
        gain = rng.gamma(gain_shape, 1 / gain_shape, (n, -int(block[0])))
        return gain[:, block] * rng.gamma(frame_shape, 1 / frame_shape, (n, t))
