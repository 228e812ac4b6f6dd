"""Animated previews of gratings and noise: what is shown, and as many frames as were asked for."""

import numpy as np
import pytest
from PIL import Image
from scripts import run_script

from viv1t.experiments.direction import DirectionConfig, direction_set
from viv1t.experiments.placed import Placement
from viv1t.experiments.preview import HELD, MARGIN, NUM_IMAGES, condition_movies, noise_movie
from viv1t.units import DEFAULT_MONITOR, GREY

MONITOR = DEFAULT_MONITOR.with_px(width_px=28, height_px=16)


def test_conditions_are_rendered_between_grey():
    config = DirectionConfig(num_directions=8)
    stimuli = direction_set(config, Placement(monitor=MONITOR, centre_px=None))
    movies = condition_movies(stimuli, MONITOR, seed=1)
    assert list(movies) == [f"{45 * k}" for k in range(8)]
    for movie in movies.values():
        assert movie.shape == (stimuli.timing.on + 2 * MARGIN, 16, 28)
        assert (movie[:MARGIN] == GREY).all()
        assert (movie[-MARGIN:] == GREY).all()
        assert np.ptp(movie[MARGIN:-MARGIN], axis=(1, 2)).min() > 100
    assert list(condition_movies(stimuli, MONITOR, seed=1, rows=[2])) == ["90"]


def test_noise_is_held_and_changes():
    movie = noise_movie(MONITOR, seed=1)
    changes = np.flatnonzero(np.abs(np.diff(movie, axis=0)).max(axis=(1, 2)))
    np.testing.assert_array_equal(changes, HELD * np.arange(1, NUM_IMAGES) - 1)


@pytest.mark.parametrize(
    ("script", "name", "flags"),
    [
        ("tuning_direction", "direction_stimuli", ("--num_directions", "8")),
        ("tuning_retinotopy", "noise_stimuli", ()),
    ],
)
def test_previews_are_written(script, name, flags, random_data, tmp_path):
    places = ("--data_dir", random_data, "--output_dir", tmp_path, "--mouse_ids", "R1")
    script = f"{script}/visualize_stimuli.py"
    assert run_script(script, *places, *flags, "--verbose", "0") == 0
    with Image.open(tmp_path / "figures" / f"{name}_mouseR1.gif") as image:
        assert image.n_frames > NUM_IMAGES
