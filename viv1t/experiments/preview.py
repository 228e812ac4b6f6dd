"""Short movies of stimuli, to look at."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viv1t.experiments.stimuli import StimulusSet
from viv1t.rng import child
from viv1t.stimuli.noise import WHITE, white_noise
from viv1t.units import Monitor

# Grey frames before and after a stimulus.
MARGIN: Final = 10
NUM_IMAGES: Final = 8
HELD: Final = 15


def condition_movies(
    stimuli: StimulusSet, monitor: Monitor, *, seed: int, rows: Sequence[int] | None = None
) -> dict[str, NDArray[np.float32]]:
    """{"column value, ...": movie (t, h, w)}: one presentation of each condition, grey around it.

    Args:
        stimuli: what is shown.
        monitor: the screen, for the size of frames.
        seed: of the random numbers.
        rows: of the conditions that are wanted; None: all.
    """
    on, movies = stimuli.timing.on, {}
    for row in range(len(stimuli.conditions)) if rows is None else rows:
        (condition,) = stimuli.conditions.iloc[[row]].to_dict("records")
        values = {str(k): v for k, v in condition.items()}
        movie = np.full((on + 2 * MARGIN, monitor.height_px, monitor.width_px), stimuli.grey)
        movie[MARGIN:-MARGIN] = stimuli.render(values, child(seed, "stimulus", row, 0))
        movies[", ".join(f"{v:g}" for v in values.values())] = movie.astype(np.float32)
    return movies


def noise_movie(monitor: Monitor, *, seed: int) -> NDArray[np.float32]:
    """The first images of white noise (t, h, w), one after the other, half a second each.

    Args:
        monitor: the screen, for the size of frames.
        seed: of the images.
    """
    shape = (monitor.height_px, monitor.width_px)
    return np.repeat(WHITE * white_noise(seed, range(NUM_IMAGES), shape), HELD, axis=0)
