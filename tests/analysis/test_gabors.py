"""Drifting Gabors: what a movie shows is found, at any phase and in noise."""

import numpy as np
import pandas as pd
import pytest

from viv1t.analysis.gabors import (
    DIRECTIONS,
    FREQUENCIES,
    WAVELENGTHS,
    gabor_blocks,
    gabor_features,
    published_blocks,
    speed_ranks,
)
from viv1t.analysis.tuning_curves import circular_distance
from viv1t.data.synthetic.stimuli import Request, drifting_gabors
from viv1t.errors import DataError


def movies(frame=(36, 64), *, noise: float) -> list[tuple[np.ndarray, dict[str, np.ndarray]]]:
    """All 72 conditions in six movies, at random phases, with pixel noise."""
    found = []
    for number in range(6):
        rng = np.random.default_rng(number)
        shown = drifting_gabors(
            Request(
                number=number,
                num_frames=300,
                frame=frame,
                own=rng,
                shared=np.random.default_rng(99),
            )
        )
        video = shown.frames + rng.normal(0, noise, shown.frames.shape)
        found.append((video, {k: v[::25] for k, v in shown.parameters.items()}))
    return found


@pytest.mark.parametrize("frame", [(36, 64), (24, 44)])
def test_every_gabor_is_found_in_noise(frame):
    shown = movies(frame, noise=8.0)
    found = pd.concat([gabor_blocks(video) for video, _ in shown], ignore_index=True)
    truth = pd.concat([pd.DataFrame(values) for _, values in shown], ignore_index=True)
    assert len(found) == len(DIRECTIONS) * len(WAVELENGTHS) * len(FREQUENCIES)
    np.testing.assert_array_equal(found["direction_deg"], truth["direction_deg"])
    np.testing.assert_array_equal(found["wavelength"], truth["wavelength"])
    np.testing.assert_allclose(found["cycles_per_frame"] * 24 / 64, truth["frequency"], rtol=0.1)
    assert circular_distance(found["phase_deg"], truth["phase_deg"], 360).max() < 5
    assert found["r2"].between(0.7, 1).all()
    ranks = speed_ranks(found["wavelength"], found["cycles_per_frame"])
    np.testing.assert_array_equal(ranks, np.searchsorted(FREQUENCIES, truth["frequency"]))


def test_templates_of_one_phase_miss_gabors():
    shown = movies(noise=8.0)
    hits = [published_blocks(video)[:, 0] == values["direction_deg"] for video, values in shown]
    assert np.mean(hits) < 0.95


def test_units_of_the_table():
    video, values = movies(noise=0.0)[0]
    table = gabor_features([(7, video)], deg_per_px=3.3711, fps=30.0)
    assert set(table["video_id"]) == {7}
    assert set(table["num_frames"]) == {300}
    cpd = {0.18: 0.093, 0.38: 0.044, 0.65: 0.026}
    np.testing.assert_allclose(table["sf_cpd"], table["wavelength"].map(cpd), atol=0.001)
    hz = {0.008: 0.64, 0.022: 1.76, 0.055: 4.4}
    np.testing.assert_allclose(table["tf_hz"], [hz[f] for f in values["frequency"]], rtol=0.03)
    published = gabor_features([(7, video)], deg_per_px=3.3711, fps=30.0, as_published=True)
    assert set(published) == set(table)


def test_a_movie_shorter_than_a_block():
    with pytest.raises(DataError, match="25 frames, the movie has 20"):
        gabor_blocks(np.zeros((20, 36, 64)))
