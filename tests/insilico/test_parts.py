"""Asking a twin for some frames, some neurons, and for gradients."""

import numpy as np
import pytest
import torch
from model_cases import relative_error
from small_twins import CAUSAL, assert_same, grey_values, small_twin

from viv1t.errors import ConfigError, DataError
from viv1t.units import GREY

MOVIES = grey_values(3, 20, 12, 16)
MOVIES[:, :10] = GREY
LATE = slice(12, 16)


@pytest.mark.parametrize("flags", [CAUSAL, CAUSAL | {"core_pad_frame": 0}, {}], ids=str)
@pytest.mark.parametrize("units", ["recorded", "model"])
def test_frames_and_neurons_are_those_of_the_whole(flags, units):
    twin = small_twin(**flags)
    expected = twin.predict(MOVIES, "A", units=units)
    late = expected[..., -8:-4]
    assert_same(twin.predict(MOVIES, "A", units=units, frames=LATE), late)
    assert_same(twin.predict(MOVIES, "A", units=units, frames=LATE, batch_size=3), late)
    assert_same(twin.predict(MOVIES[1], "A", units=units, frames=slice(-8, -4)), late[1])
    few = twin.predict(MOVIES, "A", units=units, frames=LATE, neurons=[4, 1])
    assert_same(few, late[:, [4, 1]])
    mask = np.arange(6) < 2
    assert_same(twin.predict(MOVIES[0], "A", units=units, neurons=mask), expected[0, :2])
    one = twin.predict(MOVIES[0], "A", units=units, frames=slice(12, None), neurons=3)
    assert_same(one, expected[0, 3:4, -8:])


def test_behaviour_that_changes_from_frame_to_frame():
    rng = np.random.default_rng(1)
    given = {name: rng.uniform(0, 3, (3, 2, 20)) for name in ("behavior", "pupil_center")}
    twin = small_twin(**CAUSAL)
    expected = twin.predict(MOVIES, "A", **given)
    found = twin.predict(MOVIES, "A", frames=LATE, neurons=[0, 5], **given)
    assert_same(found, expected[:, [0, 5], LATE])


def test_bfloat16_is_close_and_remembers_apart():
    exact, rounded = small_twin(**CAUSAL), small_twin(**CAUSAL, precision="bf16")
    expected = exact.predict(MOVIES[0], "A", frames=LATE)
    found = rounded.predict(MOVIES[0], "A", frames=LATE)
    whole = rounded.predict(MOVIES[0], "A")[:, LATE]
    error = np.abs(found - expected).max()
    assert 0 < error < 2 * np.abs(whole - expected).max()
    rounded.precision = "32"
    assert_same(rounded.predict(MOVIES[0], "A", frames=LATE), expected)


def test_frames_before_the_first_response_are_refused():
    twin = small_twin(**CAUSAL, core_pad_frame=0)
    with pytest.raises(DataError, match=r"frames 2 to 20 of the video.*slice\(0, 5"):
        twin.predict(MOVIES[0], "A", frames=slice(0, 5))
    assert twin.predict(MOVIES[0], "A", frames=slice(None, 5)).shape == (6, 3)


@pytest.mark.parametrize("flags", [CAUSAL, {}], ids=str)
@pytest.mark.parametrize("neurons", [None, [2, 0]])
def test_respond_is_predict_with_a_gradient(flags, neurons):
    twin = small_twin(**flags)
    state = {"behavior": np.array([1.0, 2.0]), "pupil_center": np.array([0.5, 2.5])}
    throughout = {name: np.repeat(values[:, None], 20, axis=1) for name, values in state.items()}
    video = torch.from_numpy(MOVIES[:, None, 10:]).requires_grad_()
    for _ in range(2):
        found = twin.respond(video, "A", start=10, neurons=neurons, **state)
        expected = twin.predict(MOVIES, "A", **throughout)[..., 10:]
        assert_same(found, expected if neurons is None else expected[:, neurons])
    step = torch.randn(video.shape, generator=torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad(found.mean(), video)
    with torch.no_grad():
        ahead, back = (
            twin.respond(video + h * step, "A", start=10, neurons=neurons, **state).double().mean()
            for h in (0.5, -0.5)
        )
    assert relative_error((gradient * step).sum().double(), ahead - back) < 0.05


def test_a_prediction_in_inference_mode_does_not_hinder_gradients():
    twin = small_twin(**CAUSAL)
    with torch.inference_mode():
        expected = twin.predict(MOVIES[0], "A", frames=slice(10, 20))
    video = torch.from_numpy(MOVIES[:1, None, 10:]).requires_grad_()
    found = twin.respond(video, "A", start=10)
    assert_same(found.detach()[0], expected)
    (gradient,) = torch.autograd.grad(found.mean(), video)
    assert gradient.abs().sum() > 0


def test_bad_movies_are_refused_by_respond():
    twin = small_twin(**CAUSAL, core_pad_frame=0)
    with pytest.raises(ConfigError, match=r"start must be at least 2.*got 1"):
        twin.respond(torch.zeros(1, 1, 5, 12, 16), "A", start=1)
    with pytest.raises(
        DataError, match=r"video must be \(b, c, t, h, w\), got shape \(5, 12, 16\)"
    ):
        twin.respond(torch.zeros(5, 12, 16), "A", start=4)
    with pytest.raises(DataError, match=r"the video has \(1, 12, 15\)"):
        twin.respond(torch.zeros(1, 1, 5, 12, 15), "A", start=4)
