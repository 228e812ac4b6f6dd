"""tuning_feedbackRF/ from the stimuli to tables and figures, on a synthetic mouse."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scripts import run_script
from tables_of_truth import write_mouse, write_truth

from viv1t.results.store import read_result

FOLDER = "tuning_feedbackRF"
NUM_NEURONS = 3
SIZES = ("--sizes_deg", "0", "20", "40", "60", "80", "--num_repeats", "2")


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> tuple[Path, Path]:
    """A data folder with one synthetic mouse, and results with its receptive fields."""
    folder = tmp_path_factory.mktemp("feedback")
    truth = write_mouse(folder / "data", num_neurons=NUM_NEURONS)
    (folder / "truth").mkdir()
    write_truth(folder / "truth", truth)
    assert show("predict_grating", folder / "data", folder / "truth", *SIZES) == 0
    assert show("predict_onset", folder / "data", folder / "truth", "--num_repeats", "5") == 0
    assert call("estimate_size_tuning_curve", folder / "truth") == 0
    assert call("estimate_response_onset", folder / "truth") == 0
    return folder / "data", folder / "truth"


def call(script: str, output_dir: Path, *flags: object) -> int:
    return run_script(f"{FOLDER}/{script}.py", "--output_dir", output_dir, "--verbose", "0", *flags)


def show(script: str, data_dir: Path, output_dir: Path, *flags: object) -> int:
    given = ("--data_dir", data_dir, "--responder", "truth", "--batch_size", "4")
    return call(script, output_dir, *given, *flags)


def test_tables_of_all_neurons(places):
    data_dir, results = places
    truth = pd.read_parquet(data_dir / "S1/meta/truth.parquet")
    tuning = read_result(results, "size_tuning")
    assert tuning["neuron"].tolist() == list(range(NUM_NEURONS))
    assert tuning["classical_tuned"].all()
    assert tuning["classical_deg"].between(15, 50).all()
    has_feedback = (truth["w_feedback"] > 0).to_numpy()
    assert (tuning["inverse_tuned"] == has_feedback).all()
    curves = read_result(results, "size_curves")
    assert len(curves) == NUM_NEURONS * 2 * 5
    assert curves["visible"].between(0.2, 1).all()
    onsets = read_result(results, "response_onset")
    assert onsets["isolated"].all()
    assert onsets["disc_ratio"].between(2.5, 2.9).all()
    assert onsets["classical_onset_s"].between(0.05, 0.2).all()
    assert read_result(results, "onset_traces")["time_s"].min() == -0.5
    assert tuning.attrs["as_published"] is False


def test_seen_again_the_stimuli_are_only_read(places, monkeypatch):
    data_dir, results = places
    monkeypatch.setattr("viv1t.data.synthetic.responder.SyntheticMouse.predict", None)
    assert show("predict_grating", data_dir, results, *SIZES) == 0
    assert show("predict_grating", data_dir, results, "--num_repeats", "3") == 2


@pytest.mark.slow
def test_figures(places, tmp_path):
    _, results = places
    other = tmp_path / "other"
    shutil.copytree(results, other)
    compare = ("--compare", results, f"copy={other}")
    assert call("visualize_size_tuning_curve", other, *compare) == 0
    assert call("visualize_response_onset", other, *compare) == 0
    assert call("visualize_response", other, "--num_neurons", "1") == 0
    assert call("visualize_stimuli", other) == 0
    figures = other / "figures"
    stems = ("size_tuning", "response_onset", "size_responses_S1", "feedback_stimuli_S1")
    assert all((figures / f"{stem}.{kind}").is_file() for stem in stems for kind in ("pdf", "png"))
    numbers = pd.read_csv(figures / "size_tuning_tests.csv")
    assert numbers["label"].unique().tolist() == ["truth", "copy"]
    assert (numbers["n"] <= NUM_NEURONS).all()
    with Image.open(figures / "feedback_stimuli_S1.gif") as animation:
        assert animation.n_frames == 30


def test_some_neurons_as_published(places, tmp_path):
    data_dir, _ = places
    published = ("--as_published", "--neurons", "0", "2", "--seed", "1234")
    assert show("predict_grating", data_dir, tmp_path, *published) == 0
    onset = ("--num_repeats", "5", "--stimulus_size", "30")
    assert show("predict_onset", data_dir, tmp_path, *published, *onset) == 0
    for script in ("estimate_size_tuning_curve", "estimate_response_onset"):
        assert call(script, tmp_path, "--as_published") == 0
    parameters = np.load(tmp_path / "feedbackRF/parameters.npy")
    assert parameters.shape == (120, 4, 3)
    assert np.load(tmp_path / "feedbackRF_onset/parameters.npy").shape == (4, 5, 3)
    preference = pd.read_parquet(tmp_path / "size_tuning_preference.parquet")
    assert preference["neuron"].tolist() == [0, 2]
    assert preference["classic_tuning_curve"].map(len).tolist() == [10, 10]
    onsets = pd.read_parquet(tmp_path / "response_onsets.parquet")
    assert list(onsets) == ["mouse", "neuron", "classical_onset", "inverse_onset", "model_name"]
    assert read_result(tmp_path, "response_onset")["size_deg"].round(3).tolist() == [30, 30]
    assert read_result(tmp_path, "size_tuning").attrs["as_published"] is True


def test_a_missing_step_is_named(tmp_path, capsys):
    (tmp_path / "run").mkdir()
    assert call("estimate_size_tuning_curve", tmp_path / "run") == 2
    assert "python tuning_feedbackRF/predict_grating.py" in capsys.readouterr().err
    assert call("visualize_response_onset", tmp_path / "run") == 2
    assert "python tuning_feedbackRF/estimate_size_tuning_curve.py" in capsys.readouterr().err
