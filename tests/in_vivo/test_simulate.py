"""A simulated day: same arguments, same bytes; what is lost, drifts and fades."""

from dataclasses import replace

import numpy as np
import pytest

from viv1t.data.synthetic import load_truth
from viv1t.errors import ConfigError, DataError
from viv1t.in_vivo.simulate import Animal, SimulateConfig, simulate_session, without_surround

QUIET = SimulateConfig(lost=0.0, drift=0.0, fading=0.0, eye_movements=0.0)
GREY_MOVIE = np.full((300, 16, 28), 127.0, np.float32)


@pytest.fixture(scope="module")
def truth(seen):
    return load_truth(seen.mouse.folder)


def animal(truth, seed=0, **changes):
    return Animal(truth, replace(QUIET, **changes), seed=seed, mouse_id="S1")


def test_the_same_day_is_kept_and_another_refused(seen):
    path = seen.folder / "artificial_movies/data/responses/0.npy"
    before = path.stat().st_mtime_ns
    again = simulate_session(seen.mouse, seen.export, seen.config, seed=3)
    assert again == seen.folder
    assert path.stat().st_mtime_ns == before
    with pytest.raises(DataError, match="S1_day2 holds another recording; give another --day"):
        simulate_session(seen.mouse, seen.export, seen.config, seed=4)


def test_the_same_arguments_give_the_same_bytes(seen):
    config = replace(seen.config, day=3, num_repeats=1)
    read = []
    for seed in (5, 6, 5):
        folder = simulate_session(seen.mouse, seen.export, config, seed=seed, overwrite=True)
        read.append(np.load(folder / "artificial_movies/data/responses/0.npy"))
    np.testing.assert_array_equal(read[0], read[2])
    assert not np.allclose(read[0], read[1], equal_nan=True)
    assert not list(seen.folder.parent.glob(".*partial"))


def test_stimuli_of_another_mouse(seen):
    with pytest.raises(DataError, match="is made for mouse S1"):
        simulate_session(replace(seen.mouse, id="S2"), seen.export, seen.config, seed=0)


def test_neurons_are_lost_and_gains_drift(truth):
    later = animal(truth, lost=0.25, drift=0.3)
    assert later.lost.sum() == 3
    assert np.isnan(later.watch(GREY_MOVIE, 0)["responses"]).all(axis=1).sum() == 3
    assert np.log(later.gain).std() == pytest.approx(0.3, abs=0.15)
    assert (animal(truth).gain == 1).all()
    drawn = [animal(truth, seed, drift=0.3).gain for seed in range(100)]
    assert np.mean(drawn) == pytest.approx(1.0, abs=0.03)


def test_responses_fade_over_the_day(truth):
    later = animal(truth, fading=0.5)
    first, last = (later.watch(GREY_MOVIE, 0, progress=p)["responses"] for p in (0.0, 1.0))
    np.testing.assert_allclose(last, first / 2, rtol=1e-5)


def test_the_eye_stands_still_when_it_should(truth):
    still = animal(truth).watch(GREY_MOVIE, 0)["pupil_center"]
    assert np.ptp(still, axis=1).max() == 0
    assert still[:, 0] == pytest.approx(truth[["pupil_x", "pupil_y"]].iloc[0].to_numpy(float))
    moving = animal(truth, eye_movements=1.0).watch(GREY_MOVIE, 0)["pupil_center"]
    assert moving.std(axis=1).min() > 0.1


def test_a_null_session_has_no_surround(truth):
    null = animal(truth, surround=False).population.truth
    weights = ["w_iso", "w_cross", "w_untuned", "w_feedback", "w_facilitation"]
    assert not null[weights].to_numpy().any()
    assert null["rf_x_px"].equals(truth["rf_x_px"])
    assert without_surround(truth)["scale"].equals(truth["scale"])


@pytest.mark.parametrize(
    "flags", [{"day": 1}, {"lost": 1.0}, {"fading": -0.1}, {"num_repeats": 0}, {"drift": -1.0}]
)
def test_settings_that_cannot_be(flags):
    with pytest.raises(ConfigError, match="--"):
        SimulateConfig(**flags)
