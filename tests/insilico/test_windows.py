"""Responses from overlapping windows."""

import numpy as np
import pytest

from viv1t.errors import ConfigError
from viv1t.insilico.windows import Windows, predict_windows

SHAPE = (4, 6)


class Watcher:
    """Two neurons: the mean of a frame, and the frame's number in what it is shown."""

    def __init__(self, missing: int = 0):
        self.missing = missing
        self.shown = []

    def predict(self, video, mouse_id, *, behavior=None, pupil_center=None, **asked):
        self.shown.append((video.shape, None if behavior is None else behavior.shape))
        mean = np.asarray(video).reshape(*video.shape[:-2], -1).mean(axis=-1)
        place = np.broadcast_to(np.arange(mean.shape[-1]), mean.shape)
        return np.stack([mean, place], axis=-2)[..., self.missing :].astype(np.float32)


def movie(num_frames, num_movies=2):
    return np.random.default_rng(0).uniform(0, 255, (num_movies, num_frames, *SHAPE))


@pytest.mark.parametrize("num_frames", [5, 20, 21, 33])
@pytest.mark.parametrize("stride", [1, 7, 20])
def test_what_depends_on_the_frame_alone_is_the_same_in_windows(num_frames, stride):
    video = movie(num_frames)
    windows = Windows(num_frames=20, stride_frames=stride)
    watcher = Watcher()
    found = predict_windows(watcher, video, "R1", windows=windows)
    assert found.shape == (2, 2, num_frames)
    np.testing.assert_allclose(found[:, 0], video.mean(axis=(-1, -2)), rtol=1e-5)
    assert all(shape[1] <= 20 for shape, _ in watcher.shown)


def test_windows_weigh_by_the_distance_from_their_ends():
    found = predict_windows(
        Watcher(), movie(30), "R1", windows=Windows(num_frames=20, stride_frames=10)
    )
    # Frame 12 is the 12th of the first window (8 from its end) and the 2nd of the second one.
    assert found[0, 1, 12] == pytest.approx((8 * 12 + 3 * 2) / (8 + 3))
    np.testing.assert_allclose(found[0, 1, :10], np.arange(10))
    np.testing.assert_allclose(found[0, 1, 20:], np.arange(10, 20))


def test_models_that_answer_fewer_frames_align_at_the_end():
    video = movie(30)
    found = predict_windows(
        Watcher(missing=4), video, "R1", windows=Windows(num_frames=20, stride_frames=5)
    )
    np.testing.assert_allclose(found[:, 0], video.mean(axis=(-1, -2))[:, 4:], rtol=1e-5)


def test_behaviour_is_cut_with_the_movie():
    watcher, behavior = Watcher(), np.zeros((2, 3, 30))
    windows = Windows(num_frames=20, stride_frames=10)
    predict_windows(watcher, movie(30), "R1", windows=windows, behavior=behavior)
    assert [state for _, state in watcher.shown] == [(2, 3, 20)] * 2


@pytest.mark.parametrize(("frames", "stride"), [(0, 1), (10, 0), (10, 11), (None, 3)])
def test_windows_that_cannot_be_are_refused(frames, stride):
    with pytest.raises(ConfigError, match="--window"):
        Windows.of(frames, stride)


def test_no_flags_no_windows_and_half_a_window_is_the_default_stride():
    assert Windows.of(None, None) is None
    assert Windows.of(30, None) == Windows(num_frames=30, stride_frames=15)
