"""White noise: pictures whose pixels are independent."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viv1t.rng import child

WHITE: Final = 255.0


def white_noise(
    seed: int, images: Sequence[int], frame_shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Pictures (b, h, w) whose pixels are uniform in [0, 1); times `WHITE` they are grey values.

    Picture i is a function of seed and i alone, so that none has to be kept.

    Args:
        seed: of all pictures.
        images: numbers of the pictures.
        frame_shape: (h, w).
    """
    return np.stack(
        [child(seed, "noise", int(i)).random(frame_shape, dtype=np.float32) for i in images]
    )
