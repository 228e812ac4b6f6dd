"""Noise on the synthetic truth."""

import numpy as np
import pytest

from viv1t.data.synthetic.noisy import NoisyResponder
from viv1t.insilico.responder import Responder


class Steady:
    """Answers 1 throughout."""

    mouse_ids = ("S1",)
    video_shape = (2, 3)
    fps = 30.0

    def num_neurons(self, mouse_id):
        return 50

    def neuron_coordinates(self, mouse_id):
        return None

    def predict(self, video, mouse_id, *, frames=None, neurons=None, **given):
        video = np.asarray(video)
        rates = np.ones((*video.shape[:-3], 50, video.shape[-3]), np.float32)
        rows = slice(None) if neurons is None else np.asarray(neurons)
        return rates[..., rows, :][..., slice(None) if frames is None else frames]


def movies(num=20):
    return np.random.default_rng(0).uniform(0, 255, (num, 300, 2, 3)).astype(np.float32)


@pytest.mark.parametrize(("gain_shape", "cv"), [(60.0, 0.129), (4.0, 0.5)])
def test_noise_has_unit_mean_and_the_asked_variation(gain_shape, cv):
    noisy = NoisyResponder(Steady(), seed=1, gain_shape=gain_shape)
    assert isinstance(noisy, Responder)
    found = noisy.predict(movies(), "S1").reshape(20, 50, 5, 60)
    assert found.mean() == pytest.approx(1, abs=0.02)
    gains = found.mean(axis=3)
    frames = (found / gains[..., None]).std()
    assert frames == pytest.approx(0.5, abs=0.02)
    assert gains.std() == pytest.approx(np.hypot(cv, 0.5 / 60**0.5), rel=0.05)
    blocks = gains.reshape(-1, 5).T
    assert np.abs(np.corrcoef(blocks) - np.eye(5)).max() < 0.15


def test_noise_does_not_depend_on_what_is_asked():
    shown = movies(3)
    whole = NoisyResponder(Steady(), seed=1).predict(shown, "S1")
    other = NoisyResponder(Steady(), seed=1)
    part = other.predict(shown[2], "S1", frames=slice(70, 130), neurons=[4, 7])
    np.testing.assert_array_equal(part, whole[2][[4, 7], 70:130])
    assert not np.array_equal(other.predict(shown[2], "S1"), whole[2])  # shown again
    assert not np.array_equal(NoisyResponder(Steady(), seed=2).predict(shown, "S1"), whole)
