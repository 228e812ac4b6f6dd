"""Who is asked, and in which state: twins, ensembles, and the truth behind synthetic data."""

import argparse
import shutil

import numpy as np
import pytest
from sessions import write_mice_yaml, write_session

from viv1t.config.scripts import PROBE_FLAGS, script_parser
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.data.statistics import load_statistics
from viv1t.data.synthetic import SyntheticMouse, write_recordings
from viv1t.errors import ConfigError, DataError, MissingResultError
from viv1t.insilico.probe import Probe
from viv1t.insilico.responder import Responder
from viv1t.insilico.responders import (
    Ensemble,
    monitor_of,
    open_probe,
    open_responder,
    probing_state,
)
from viv1t.insilico.twin import DigitalTwin
from viv1t.units import Monitor

MOVIE = np.random.default_rng(1).uniform(0, 255, (60, 16, 28))


@pytest.fixture(scope="session")
def synthetic_data(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("synthetic")
    write_recordings(data_dir, preset="test", seed=7)
    return data_dir


def flags(*given) -> argparse.Namespace:
    return script_parser("x", *PROBE_FLAGS).parse_args([str(value) for value in given])


def probe_of(run, data_dir, *more) -> Probe:
    return open_probe(flags("--output_dir", run, "--data_dir", data_dir, "--device", "cpu", *more))


def test_a_run_is_opened_with_its_screens(trained_run, random_data):
    probe = probe_of(trained_run, random_data, "--verbose", 1, "--batch_size", 3)
    assert isinstance(probe.responder, DigitalTwin)
    assert probe.mouse_ids == ("R1", "R2")
    assert probe.states == {"R1": (None, None), "R2": (None, None)}
    screen = {"width_cm": 56.5, "height_cm": 31.8, "distance_cm": 15.0}
    assert probe.monitors["R1"] == Monitor(**screen, width_px=28, height_px=16)
    assert (probe.seed, probe.batch_size, probe.progress) == (1234, 3, False)
    assert probe.provenance["run"] == str(trained_run)
    assert probe.provenance["behavior_state"] == "mean"
    assert len(probe.provenance["weights"]) == 16
    only = probe_of(trained_run, random_data, "--mouse_ids", "R2")
    assert only.mouse_ids == ("R2",)


def test_mistakes_are_named(trained_run, random_data, tmp_path):
    with pytest.raises(ConfigError, match="unknown mouse 'X'"):
        probe_of(trained_run, random_data, "--mouse_ids", "X")
    with pytest.raises(MissingResultError, match="is not a run"):
        probe_of(tmp_path, random_data)
    with pytest.raises(ConfigError, match="--batch_size must be at least 1"):
        probe_of(trained_run, random_data, "--batch_size", 0)
    with pytest.raises(DataError, match=r"make some with python data/make_synthetic.py"):
        probe_of(tmp_path, random_data, "--responder", "truth")
    with pytest.raises(ConfigError, match="--ensemble averages trained runs"):
        probe_of(tmp_path, random_data, "--responder", "truth", "--ensemble", trained_run)


def test_an_ensemble_answers_with_the_mean(trained_run, random_data, twin):
    alone = probe_of(trained_run, random_data)
    both = probe_of(trained_run, random_data, "--ensemble", trained_run)
    assert isinstance(both.responder, Ensemble)
    assert isinstance(both.responder, Responder)
    options = {"frames": slice(52, 58), "neurons": [0, 3]}
    expected = alone.responder.predict(MOVIE, "R1", **options)
    np.testing.assert_array_equal(both.responder.predict(MOVIE, "R1", **options), expected)
    assert both.provenance["weights"] == " + ".join([alone.provenance["weights"]] * 2)
    assert both.monitors == alone.monitors

    class Louder:
        def __getattr__(self, name):
            return getattr(twin, name)

        def predict(self, *args, **kwargs):
            return 3 * twin.predict(*args, **kwargs)[..., 5:]

    mean = Ensemble([twin, Louder()], ["a", "b"])
    assert mean.num_neurons("R2") == twin.num_neurons("R2")
    expected = 2 * twin.predict(MOVIE, "R2")[:, 5:]
    np.testing.assert_allclose(mean.predict(MOVIE, "R2"), expected, rtol=1e-5)


def test_an_ensemble_needs_the_same_mice(trained_run, random_data, twin, synthetic_data):
    truth = SyntheticMouse.open(synthetic_data)
    with pytest.raises(ConfigError, match=r"--ensemble: b should answer for the mice and neurons"):
        Ensemble([twin, truth], ["a", "b"])


def test_the_truth_answers_without_a_run(synthetic_data, tmp_path):
    probe = probe_of(tmp_path / "truth", synthetic_data, "--responder", "truth")
    assert isinstance(probe.responder, SyntheticMouse)
    assert probe.responder.video_shape == (16, 28)
    monitor = probe.monitors[probe.mouse_ids[0]]
    assert (monitor.height_px, monitor.width_px) == (16, 28)
    assert "truth" in probe.provenance["run"]
    assert not (tmp_path / "truth").exists()


@pytest.mark.parametrize("kind", ["twin", "truth"])
def test_states(kind, trained_run, random_data, synthetic_data):
    if kind == "twin":
        data_dir = random_data
        responder = open_responder(trained_run, data_dir=data_dir, device="cpu")
    else:
        data_dir = synthetic_data
        responder = open_responder(trained_run, data_dir=data_dir, responder="truth")
    mouse_id = responder.mouse_ids[0]
    recording = Recording(choose_mice(data_dir, [mouse_id])[0])
    statistics = load_statistics(recording)
    assert probing_state(responder, data_dir, mouse_id, "mean") == (None, None)
    median = probing_state(responder, data_dir, mouse_id, "median")
    np.testing.assert_array_equal(median[0], statistics.behavior.median)
    np.testing.assert_array_equal(median[1], statistics.pupil_center.median)

    trials = [recording.load(int(t)) for t in recording.trials("train")]
    dilation, speed = np.concatenate([trial.behavior for trial in trials], axis=1)
    centre = np.concatenate([trial.pupil_center for trial in trials], axis=1)
    for state, share in (("still", 0.1), ("running", 0.9)):
        behavior, pupil = probing_state(responder, data_dir, mouse_id, state)
        assert behavior.dtype == pupil.dtype == np.float32
        limit = np.quantile(speed, share)
        frames = speed <= limit if state == "still" else speed >= limit
        assert behavior[1] == pytest.approx(limit)
        assert behavior[0] == pytest.approx(dilation[frames].mean(), rel=1e-4)
        np.testing.assert_allclose(pupil, centre[:, frames].mean(axis=1), rtol=1e-3)
        answer = responder.predict(
            MOVIE,
            mouse_id,
            behavior=np.repeat(behavior[:, None], 60, axis=1),
            pupil_center=np.repeat(pupil[:, None], 60, axis=1),
        )
        assert np.isfinite(answer).all()
    still, running = (
        probing_state(responder, data_dir, mouse_id, s)[0] for s in ("still", "running")
    )
    assert running[1] > still[1]


def test_no_running_speed_no_running_state(tmp_path):
    write_session(tmp_path / "S", num_behaviors=1)
    write_mice_yaml(tmp_path, {"S": {"folder": "S"}})
    with pytest.raises(ConfigError, match=r"--behavior_state running needs the running speed"):
        probing_state(SyntheticMouse({}), tmp_path, "S", "running")


def test_published_runs_take_statistics_and_screens_from_the_data(published_run, monkeypatch):
    with pytest.raises(DataError, match="data folder"):
        probe_of(published_run, published_run / "nowhere")


def test_a_screen_comes_from_the_table_of_mice(synthetic_data, tmp_path):
    truth = SyntheticMouse.open(synthetic_data)
    shutil.copy(synthetic_data / "mice.yaml", tmp_path)  # no recordings
    monitor = monitor_of(truth, tmp_path, truth.mouse_ids[0])
    assert (monitor.width_px, monitor.height_px) == (28, 16)
    with pytest.raises(ConfigError, match="unknown mouse 'X'"):
        monitor_of(truth, tmp_path, "X")
