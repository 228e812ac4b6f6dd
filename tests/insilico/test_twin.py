"""What the digital twin answers, against the parts that it is made of."""

import dataclasses
import warnings

import numpy as np
import pytest
import torch

import viv1t
from viv1t.data.dataset import TrialDataset
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.insilico.responder import Responder

MOUSE = "R1"
NUM_FRAMES = 12


@pytest.fixture(scope="module")
def movies():
    return np.random.default_rng(5).integers(0, 256, (3, NUM_FRAMES, 16, 28)).astype(np.uint8)


@pytest.fixture(scope="module")
def signals():
    rng = np.random.default_rng(6)
    return {name: rng.uniform(0, 3, (3, 2, NUM_FRAMES)) for name in ("behavior", "pupil_center")}


@pytest.fixture(scope="module")
def recording(random_data):
    return Recording(choose_mice(random_data, [MOUSE])[0])


def test_attributes(twin, recording):
    assert isinstance(twin, Responder)
    assert twin.mouse_ids == ("R1", "R2")
    assert [twin.num_neurons(m) for m in twin.mouse_ids] == [6, 7]
    np.testing.assert_array_equal(twin.neuron_coordinates(MOUSE), recording.coordinates)
    assert twin.neuron_coordinates(MOUSE).dtype == np.float32
    assert (twin.video_shape, twin.fps) == ((16, 28), 30.0)
    assert not twin.model.training
    with pytest.raises(dataclasses.FrozenInstanceError):
        twin.config.data = None


@pytest.mark.parametrize(
    "flags",
    [
        {},
        {"center_crop": 0.75},
        {"transform_input": 0, "transform_output": 0},
        {"transform_input": 2},
    ],
)
def test_predict_is_the_training_pipeline_with_its_inverse(
    copied_run, change_args, recording, flags
):
    change_args(copied_run, **flags)
    twin = viv1t.load(copied_run, device="cpu")
    mouse = twin.mouse(MOUSE)
    dataset = TrialDataset(
        recording, "validation", transforms=mouse.transforms, neurons=mouse.facts.neuron_idx
    )
    batch, trial = dataset.item(1), recording.load(int(dataset.trials[1]))
    with torch.no_grad():
        output = twin.model(
            batch.video,
            mouse_id=MOUSE,
            behaviors=batch.behavior,
            pupil_centers=batch.pupil_center,
        )[0]
    given = {"behavior": trial.behavior, "pupil_center": trial.pupil_center}
    found = twin.predict(trial.video[0], MOUSE, **given)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, mouse.transforms.invert_response(output), rtol=1e-5)
    in_model_units = twin.predict(trial.video[0], MOUSE, units="model", **given)
    np.testing.assert_allclose(in_model_units, output, rtol=1e-5)


def test_recorded_units_are_model_units_times_the_spread_of_each_neuron(twin, movies):
    recorded, model = (
        twin.predict(movies[0], MOUSE, units=units) for units in ("recorded", "model")
    )
    spread = twin.mouse(MOUSE).statistics.response.std[:, None]
    np.testing.assert_allclose(recorded, model * spread, rtol=1e-5)


def test_behavior_and_pupil_default_to_the_training_mean(twin, movies):
    statistics = twin.mouse(MOUSE).statistics
    means = {
        name: np.repeat(getattr(statistics, name).mean[:, None], NUM_FRAMES, axis=1)
        for name in ("behavior", "pupil_center")
    }
    np.testing.assert_array_equal(
        twin.predict(movies[0], MOUSE), twin.predict(movies[0], MOUSE, **means)
    )
    moved = means | {"pupil_center": means["pupil_center"] + 5}
    assert not np.allclose(twin.predict(movies[0], MOUSE), twin.predict(movies[0], MOUSE, **moved))


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_a_batch_equals_its_movies_one_by_one(twin, movies, signals, batch_size):
    together = twin.predict(movies, MOUSE, batch_size=batch_size, **signals)
    assert together.shape == (3, 6, NUM_FRAMES)
    for i, movie in enumerate(movies):
        alone = twin.predict(movie, MOUSE, **{k: v[i] for k, v in signals.items()})
        assert alone.shape == (6, NUM_FRAMES)
        np.testing.assert_allclose(together[i], alone, rtol=1e-5)


def test_one_behavior_serves_all_movies_of_a_batch(twin, movies, signals):
    first = {name: values[0] for name, values in signals.items()}
    same = {name: np.repeat(values[:1], 3, axis=0) for name, values in signals.items()}
    np.testing.assert_array_equal(
        twin.predict(movies, MOUSE, **first), twin.predict(movies, MOUSE, **same)
    )


def test_type_of_the_movie_does_not_matter(twin, movies):
    expected = twin.predict(movies[0], MOUSE)
    read_only = movies[0].astype(np.float64)
    read_only.flags.writeable = False
    tensor = torch.from_numpy(movies[0]).float().requires_grad_()
    for movie in (read_only, tensor, movies[0].tolist()):
        np.testing.assert_array_equal(twin.predict(movie, MOUSE), expected)


def test_float_movies_in_0_to_1_are_warned_of(twin, movies):
    with pytest.warns(UserWarning, match=r"largest value is 1: .* 0..255 are expected"):
        twin.predict(movies[0] / movies[0].max(), MOUSE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        twin.predict(np.zeros((NUM_FRAMES, 16, 28)), MOUSE)
        twin.predict(movies[0] // 255, MOUSE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"video": np.zeros((5, 16, 27))}, r"\(c, h, w\) = \(1, 16, 28\) .* has \(1, 16, 27\)"),
        ({"video": np.zeros((16, 28))}, r"one movie \(t, h, w\).* got shape \(16, 28\)"),
        ({"video": np.zeros((0, 16, 28))}, "too short"),
        ({"video": np.full((5, 16, 28), np.nan)}, r"video holds NaN .* index \(0, 0, 0\)"),
        ({"video": np.full((5, 16, 28), "a")}, "video must hold numbers"),
        ({"behavior": np.zeros((2, 4))}, r"behavior must have shape \(2, 5\) or \(1, 2, 5\)"),
        ({"behavior": np.full((2, 5), np.inf)}, "behavior holds NaN or infinity"),
        ({"pupil_center": np.zeros((3, 5))}, r"pupil_center .* got \(3, 5\)"),
        ({"mouse_id": "R3"}, r"unknown mouse 'R3' \(known: R1, R2\)"),
        ({"frames": slice(3, 3)}, r"slice of frames 0 to 5 of the video.*slice\(3, 3"),
        ({"frames": slice(0, 4, 2)}, "in steps of 1"),
        ({"neurons": [6]}, "neurons must be rows 0 to 5.*out of bounds"),
        ({"neurons": []}, "at least one row"),
        ({"units": "spikes"}, "units must be 'recorded' or 'model', got 'spikes'"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
    ],
)
def test_bad_questions_are_refused(twin, change, message):
    question = {"video": np.full((5, 16, 28), 100), "mouse_id": MOUSE} | change
    with pytest.raises(ValueError, match=message):
        twin.predict(**question)


def test_gradients_reach_the_movie_after_a_prediction(twin, movies):
    twin.predict(movies[0], MOUSE)
    inputs = torch.randn(1, 1, NUM_FRAMES, 16, 28, requires_grad=True)
    still = torch.zeros(1, 2, NUM_FRAMES)
    twin.model(inputs, mouse_id=MOUSE, behaviors=still, pupil_centers=still).sum().backward()
    assert inputs.grad.abs().sum() > 0
