"""What is written: the published format, the same bytes for a seed, and nothing lost."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from scipy.stats import spearmanr

from viv1t.data.mice import find_mice
from viv1t.data.recording import Recording
from viv1t.data.synthetic import (
    PRESETS,
    Population,
    SyntheticMouse,
    load_population,
    load_truth,
    noise_ceiling,
    write_recordings,
)
from viv1t.data.synthetic.presets import preset_table
from viv1t.data.synthetic.truth import TruthConfig, sample_truth
from viv1t.errors import ConfigError, DataError
from viv1t.names import STIMULUS_TYPES, TIERS

ROOT = Path(__file__).parents[2]
SIZES = {"train": 16, "validation": 12, "live_main": 12, "final_main": 12}
MICE = ("S1", "S2")


@pytest.fixture(params=MICE)
def recording(request, synthetic_data):
    return Recording(find_mice(synthetic_data)[request.param])


def files(folder):
    """All that is written but what is derived from it."""
    paths = [p for p in folder.rglob("*") if p.is_file() and p.parent.name != "viv1t"]
    return {str(p.relative_to(folder)): p.read_bytes() for p in paths}


def stored(recording, trial):
    return np.load(recording.mouse.folder / "meta" / "stimuli" / f"{trial}.npz")


def test_the_format_is_that_of_the_recordings(recording):
    sizes = {tier: len(recording.trials(tier)) for tier in TIERS}
    assert sizes == SIZES | {"live_bonus": 8, "final_bonus": 8}
    assert recording.num_neurons == 12
    trial = recording.load(0)
    assert {a.dtype for a in (trial.video, trial.response, trial.behavior)} == {np.dtype("f4")}
    assert trial.video.shape == (1, 70, 16, 28)
    assert trial.response.shape == (12, 70)
    assert trial.behavior.shape == trial.pupil_center.shape == (2, 70)
    assert (trial.video == np.rint(trial.video)).all()
    raw = np.load(recording.mouse.folder / "data" / "videos" / "0.npy")
    assert raw.shape == (16, 28, 75)
    assert np.isnan(raw[..., 70:]).all()


def test_derived_ids_are_the_true_ones(recording):
    trials = range(recording.num_trials)
    video_ids = [int(stored(recording, t)["video_id"]) for t in trials]
    kinds = [STIMULUS_TYPES.index(str(stored(recording, t)["kind"])) for t in trials]
    np.testing.assert_array_equal(recording.video_ids, video_ids)
    np.testing.assert_array_equal(recording.stimulus_ids, kinds)


def test_repeats_show_the_same_movie_and_get_other_responses(recording):
    first, second = recording.trials("live_main")[
        recording.video_ids[recording.trials("live_main")]
        == recording.video_ids[recording.trials("live_main")[0]]
    ][:2]
    a, b = recording.load(int(first)), recording.load(int(second))
    np.testing.assert_array_equal(a.video, b.video)
    assert not np.array_equal(a.response, b.response)
    assert not np.array_equal(a.behavior, b.behavior)


def test_stored_parameters_have_a_value_for_each_frame(recording):
    for tier, names in (
        ("live_bonus", {"direction_deg", "wavelength", "frequency", "phase_deg"}),
        ("final_bonus", {"x_px", "y_px", "radius_px", "black"}),
        ("train", set()),
    ):
        shown = stored(recording, int(recording.trials(tier)[0]))
        assert set(shown.files) == names | {"kind", "video_id"}
        assert all(shown[name].shape == (70,) for name in names)


def test_a_seed_gives_the_same_bytes_and_another_seed_others(synthetic_data, tmp_path):
    write_recordings(tmp_path / "again", preset="test", seed=7)
    assert files(tmp_path / "again") == {
        name: content for name, content in files(synthetic_data).items() if "/viv1t/" not in name
    }
    write_recordings(tmp_path / "other", preset="test", seed=8)
    other = files(tmp_path / "other" / "synthetic/S1/data/responses")
    assert not set(other.values()) & set(
        files(synthetic_data / "synthetic/S1/data/responses").values()
    )


@pytest.mark.slow
def test_worker_processes_write_the_same_bytes(synthetic_data, tmp_path):
    write_recordings(tmp_path, preset="test", seed=7, num_workers=2)
    responses = "synthetic/S2/data/responses"
    assert files(tmp_path / responses) == files(synthetic_data / responses)


def test_mice_differ(synthetic_data):
    one, two = (files(synthetic_data / "synthetic" / m / "data") for m in MICE)
    assert not set(one.values()) & set(two.values())


def test_what_is_there_is_kept_and_something_else_is_refused(synthetic_data, tmp_path):
    write_recordings(tmp_path, preset="test", seed=7)
    responses = tmp_path / "synthetic/S1/data/responses/0.npy"
    before = responses.stat().st_mtime_ns
    extra = {"folder": "lab/L1", "fps": 30}
    mice = yaml.safe_load((tmp_path / "mice.yaml").read_text())
    mice["mice"]["L1"] = extra
    (tmp_path / "mice.yaml").write_text(yaml.safe_dump(mice))
    assert write_recordings(tmp_path, preset="test", seed=7) == MICE
    assert responses.stat().st_mtime_ns == before
    with pytest.raises(DataError, match=r"synthetic/S1 holds another .*seed 7.*--overwrite"):
        write_recordings(tmp_path, preset="test", seed=8)
    assert responses.stat().st_mtime_ns == before
    write_recordings(tmp_path, preset="test", seed=8, overwrite=True)
    assert responses.stat().st_mtime_ns != before
    assert yaml.safe_load((tmp_path / "mice.yaml").read_text())["mice"]["L1"] == extra


def test_a_mouse_of_that_name_elsewhere_is_refused(tmp_path):
    (tmp_path / "mice.yaml").write_text("schema: 1\nmice:\n  S2: {folder: lab/S2}\n")
    with pytest.raises(DataError, match=r"mice.yaml describes another mouse S2.*--overwrite"):
        write_recordings(tmp_path, preset="test")
    assert not (tmp_path / "synthetic").exists()


def test_an_interrupted_mouse_is_written_again(synthetic_data, tmp_path, monkeypatch):
    def interrupt(*_args, **_kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Population, "observe", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_recordings(tmp_path, preset="test", seed=7)
    assert not (tmp_path / "synthetic/S1").exists()
    assert not (tmp_path / "mice.yaml").exists()
    write_recordings(tmp_path, preset="test", seed=7)
    name = "synthetic/S1/data/responses/3.npy"
    assert (tmp_path / name).read_bytes() == (synthetic_data / name).read_bytes()


def test_unknown_preset_suggests_the_nearest(tmp_path):
    with pytest.raises(ConfigError, match="did you mean 'demo'"):
        write_recordings(tmp_path, preset="dmeo")


def test_the_script_says_what_is_there(synthetic_data):
    command = [sys.executable, "data/make_synthetic.py", "--data_dir", str(synthetic_data)]
    options = ["--preset", "test", "--seed", "7"]
    done = subprocess.run(
        [*command, *options], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.count("\n") == 1
    assert "test recordings are there" in done.stdout
    failed = subprocess.run(
        [*command, "--preset", "demo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert failed.returncode == 2
    assert failed.stderr.count("\n") == 1
    assert "--overwrite" in failed.stderr


def test_a_stored_population_repeats_its_responses(synthetic_data, recording):
    """Acceptance 7: the ceiling is the correlation of the population with its own noisy responses.

    Fresh noise on the rebuilt rates gives the same ceiling, within sampling error.
    """
    mouse_id = recording.mouse.id
    population = load_population(synthetic_data, mouse_id)
    rng = np.random.default_rng(0)
    rates, fresh = [], []
    for index in recording.trials("train"):
        trial = recording.load(int(index))
        with torch.inference_mode():
            rate = population(
                torch.from_numpy(trial.video)[None],
                behaviors=torch.from_numpy(trial.behavior)[None],
                pupil_centers=torch.from_numpy(trial.pupil_center)[None],
            )[0].numpy()
        rates.append(rate)
        fresh.append(population.observe(rate, rng))
        ratio = trial.response / rate
        assert 0.8 < ratio.mean() < 1.2
    rates, fresh = (np.concatenate([r[:, 50:] for r in x], axis=1) for x in (rates, fresh))
    again = [np.corrcoef(a, b)[0, 1] for a, b in zip(rates, fresh, strict=True)]
    ceiling = noise_ceiling(synthetic_data, mouse_id, "train")
    assert ceiling.shape == (12,)
    assert np.mean(ceiling) == pytest.approx(np.mean(again), abs=0.04)
    assert np.abs(ceiling - again).max() < 0.2
    assert 0.3 < ceiling.mean() < 0.95


def test_ceilings_are_kept_while_writing_and_until_something_changes(synthetic_data, tmp_path):
    data_copy = shutil.copytree(synthetic_data, tmp_path / "data")
    kept = {tier: noise_ceiling(data_copy, "S1", tier) for tier in ("validation", "live_bonus")}
    for path in (data_copy / "synthetic/S1/viv1t").glob("ceiling_*"):
        path.unlink()
    for tier, ceiling in kept.items():
        np.testing.assert_allclose(noise_ceiling(data_copy, "S1", tier), ceiling, rtol=1e-6)
    path = data_copy / "synthetic/S1/data/responses"
    for trial in path.iterdir():
        np.save(trial, np.load(trial)[::-1])
    assert np.abs(noise_ceiling(data_copy, "S1", "validation") - kept["validation"]).max() > 0.1


def test_truth_survives_the_file(recording):
    table = load_truth(recording.mouse.folder)
    np.testing.assert_array_equal(table["unit_id"], recording.unit_ids)
    np.testing.assert_array_equal(
        table[["x_um", "y_um", "z_um"]].to_numpy(np.float32), recording.coordinates
    )
    assert not table.isna().any(axis=None)
    trials = [recording.load(int(t)) for t in recording.trials("train")]
    dilation, speed = np.concatenate([t.behavior for t in trials], 1).mean(1)
    assert table["dilation"].iloc[0] == pytest.approx(dilation, rel=1e-4)
    assert table["speed"].iloc[0] == pytest.approx(speed, rel=1e-4)
    response = np.concatenate([t.response for t in trials], 1)
    assert 1.5 < response.mean() < 8


def test_responder_has_the_interface_of_a_twin(synthetic_data):
    mice = SyntheticMouse.open(synthetic_data)
    assert mice.mouse_ids == MICE
    assert (mice.num_neurons("S1"), mice.video_shape, mice.fps) == (12, (16, 28), 30.0)
    assert mice.neuron_coordinates("S2").shape == (12, 3)
    movies = np.random.default_rng(0).integers(0, 255, (3, 20, 16, 28)).astype(np.uint8)
    both = mice.predict(movies, "S1", batch_size=2)
    assert both.shape == (3, 12, 20)
    assert both.dtype == np.float32
    np.testing.assert_allclose(mice.predict(movies[1], "S1"), both[1], rtol=1e-4, atol=1e-5)
    state = {"behavior": np.array([[30.0] * 20, [10.0] * 20])}
    running = mice.predict(movies, "S1", **state)
    assert running.sum() != both.sum()
    inputs = torch.from_numpy(movies[:1]).float()[:, None].requires_grad_()
    rate = mice.model(inputs, mouse_id="S1")
    np.testing.assert_allclose(rate.detach()[0], both[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(mice.model(inputs, mouse_id="S1", activate=False).exp(), rate)
    rate.sum().backward()
    assert inputs.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mouse_id": "S9"}, "unknown mouse 'S9'"),
        ({"units": "spikes"}, "'recorded' or 'model', got 'spikes'"),
        ({"video": np.zeros((5, 9, 9))}, r"\(t, 16, 28\).*got \(5, 9, 9\)"),
        ({"behavior": np.zeros((2, 4))}, r"behavior should be .*got \(2, 4\)"),
    ],
)
def test_responder_refuses_what_does_not_fit(synthetic_data, arguments, message):
    mice = SyntheticMouse.open(synthetic_data)
    given = {"video": np.zeros((5, 16, 28)), "mouse_id": "S1"} | arguments
    with pytest.raises(ValueError, match=message):
        mice.predict(given.pop("video"), given.pop("mouse_id"), **given)


def test_a_mouse_without_truth_is_named(random_data):
    with pytest.raises(DataError, match=r"truth.parquet does not exist.*make_synthetic"):
        load_population(random_data, "R1")
    with pytest.raises(DataError, match="no synthetic mouse in"):
        SyntheticMouse.open(random_data)


@pytest.mark.parametrize("clustered", [True, False])
def test_retinotopy_is_smooth_and_directions_cluster_where_planned(clustered):
    config = TruthConfig(num_neurons=600, monitor=PRESETS["full"].monitor, clustered=clustered)
    truth = sample_truth(config, np.random.default_rng(0))
    place = truth[["x_um", "y_um"]].to_numpy(float)
    design = np.column_stack([place, np.ones(len(place))])
    for axis in ("rf_x_px", "rf_y_px"):
        weights = np.linalg.lstsq(design, truth[axis], rcond=None)[0]
        assert np.corrcoef(design @ weights, truth[axis])[0, 1] > 0.9
    assert set(truth["z_um"]) <= set(range(200, 426, 25))
    distance = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1))
    alike = np.cos(np.radians(np.subtract.outer(*[truth["direction_deg"].to_numpy()] * 2)))
    near = alike[(distance > 0) & (distance < 20)].mean()
    far = alike[distance > 200].mean()
    assert (near - far > 0.35) == clustered
    assert abs(far) < 0.15


def test_the_table_of_presets_is_in_the_documentation():
    assert preset_table() in (ROOT / "data" / "README.md").read_text()


def test_parameters_keep_their_ranges():
    config = TruthConfig(num_neurons=2000, monitor=PRESETS["full"].monitor, clustered=True)
    truth = sample_truth(config, np.random.default_rng(1))
    flips, feedback = truth["w_facilitation"] > 0, truth["w_feedback"] > 0
    assert 0.25 < flips.mean() < 0.35
    assert truth["w_facilitation"][flips].between(1.5, 3).all()
    assert 0.35 < feedback.mean() < 0.55
    assert truth["sf_cpd"].between(0.02, 0.08).all()
    assert truth["rf_sigma_px"].between(1.8, 3).all()
    assert abs(spearmanr(truth["w_iso"], truth["sf_cpd"]).statistic) < 0.1
    assert json.loads(truth.to_json())
