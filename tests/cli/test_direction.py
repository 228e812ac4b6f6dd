"""tuning_direction/ from recordings and stimuli to tables and figures."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scripts import run_script
from sessions import edit, write_mice_yaml, write_session
from tables_of_truth import write_mouse, write_truth

from viv1t.analysis.tuning_curves import circular_distance
from viv1t.data.synthetic.stimuli import Request, drifting_gabors
from viv1t.names import STIMULUS_TYPES
from viv1t.results.store import read_result

FOLDER = "tuning_direction"
NUM_NEURONS, NUM_TRAIN, NUM_MOVIES, NUM_FRAMES = 12, 2, 6, 150
PREFERRED = np.arange(NUM_NEURONS) * 30.0
FIGURES = (
    *("tuning_curve", "tuning_curve_correlation", "tuning_width", "preference_differences"),
    *("selectivity_distributions", "tuning_similarity_by_plane", "microcolumns"),
)


def call(script: str, *flags: object) -> int:
    return run_script(f"{FOLDER}/{script}.py", "--verbose", "0", *flags)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> Path:
    """A mouse with planted direction tuning that saw six movies of Gabors twice."""
    folder = tmp_path_factory.mktemp("direction")
    tiers = ("train",) * NUM_TRAIN + ("live_test_bonus",) * 2 * NUM_MOVIES
    options = {"num_frames": NUM_FRAMES, "pad_to": NUM_FRAMES, "frame": (24, 44)}
    session = write_session(folder / "S", tiers=tiers, num_neurons=NUM_NEURONS, **options)
    rng, noise = np.random.default_rng(1), np.random.default_rng(2)
    for number in range(NUM_MOVIES):
        shared = np.random.default_rng(99)
        request = Request(number=number, num_frames=150, frame=(24, 44), own=rng, shared=shared)
        shown = drifting_gabors(request)
        angle = np.radians(shown.parameters["direction_deg"] - PREFERRED[:, None])
        rate = np.exp(1.5 * (np.cos(2 * angle) - 1)) * (1 + 0.5 * np.cos(angle))
        for repeat in range(2):
            trial = NUM_TRAIN + 2 * number + repeat
            video = np.moveaxis(shown.frames, 0, -1).astype(np.float32)
            edit(session / f"data/videos/{trial}.npy", lambda _, video=video: video)
            response = rate * noise.gamma(20, 1 / 20, rate.shape)
            edit(session / f"data/responses/{trial}.npy", lambda _, r=response: r)
    stimuli = np.where(np.array(tiers) == "train", 0, STIMULUS_TYPES.index("drifting_gabor"))
    np.save(session / "meta/trials/stimulus_ids.npy", stimuli)
    rows = np.arange(NUM_NEURONS)
    places = np.column_stack([40 * (rows % 4), 40 * (rows // 4), np.full(NUM_NEURONS, 200)])
    edit(session / "meta/neurons/cell_motor_coordinates.npy", lambda _: places)
    write_mice_yaml(folder, {"S": {"folder": "S", "video_px": [24, 44]}})
    assert call("extract_gabor_features", "--data_dir", folder) == 0
    assert run_script("data/save_response.py", "--data_dir", folder, "--verbose", "0") == 0
    return folder


def estimate(folder: Path, data_dir: Path, *flags: object) -> int:
    where = ("--output_dir", folder, "--data_dir", data_dir)
    return call("estimate_selectivity_indexes", *where, *flags)


@pytest.fixture(scope="module")
def run_dir(data_dir, tmp_path_factory) -> Path:
    """A folder with the same responses, as if a perfect model had predicted them."""
    folder = tmp_path_factory.mktemp("perfect")
    shutil.copytree(data_dir / "responses", folder / "responses")
    assert estimate(data_dir, data_dir) == estimate(folder, data_dir) == 0
    return folder


def test_planted_directions_are_found(data_dir, run_dir):
    blocks = read_result(data_dir, "gabor_blocks")
    assert len(blocks) == 2 * NUM_MOVIES * NUM_FRAMES // 25
    assert blocks["r2"].min() > 0.9
    table = read_result(data_dir, "gabor_selectivity").sort_values("neuron")
    error = circular_distance(table["preferred_direction_deg"], PREFERRED, 360)
    assert np.median(error) < 8
    assert (table["p_orientation"] <= 0.05).mean() >= 0.9
    assert table["x_um"].max() == 120
    curves = read_result(run_dir, "gabor_curves")
    assert len(curves) == 8 * NUM_NEURONS
    assert table.attrs["as_published"] is False


def test_figures_of_recorded_and_predicted(data_dir, run_dir):
    where = ("--output_dir", run_dir, "--data_dir", data_dir)
    for folder in (run_dir, data_dir):
        assert call("estimate_tuning_similarity", "--output_dir", folder) == 0
    compared = ("--compare", f"perfect={run_dir}", "recorded")
    for name in ("preference_differences", "tuning_similarity"):
        assert call(f"visualize_{name}", *where, *compared) == 0
    figures = run_dir / "figures"
    for name in ("preference_differences", "tuning_similarity"):
        assert (figures / f"direction_{name}_gabor.pdf").is_file()
    shares = pd.read_csv(
        figures / "direction_preference_differences_gabor_orientation_differences.csv"
    )
    assert shares.loc[shares["difference_deg"] == 0, "share"].item() == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_written(data_dir, run_dir, name):
    where = ("--output_dir", run_dir, "--data_dir", data_dir)
    assert call(f"visualize_{name}", *where, "--compare", f"perfect={run_dir}", "recorded") == 0
    assert (run_dir / f"figures/direction_{name}_gabor.png").is_file()


def test_as_published(data_dir, run_dir, tmp_path):
    shutil.copytree(run_dir / "responses", tmp_path / "responses")
    assert estimate(tmp_path, data_dir, "--as_published") == 0
    table = read_result(tmp_path, "gabor_selectivity")
    assert table.attrs["as_published"] is True
    stored = tmp_path / "tuning/mouseS"
    np.testing.assert_allclose(np.load(stored / "OSI.npy"), table["osi"], rtol=1e-6)
    assert np.load(stored / "tuning_curve.npy").shape == (NUM_NEURONS, 8)
    assert np.load(stored / "direction_selective.npy").dtype == bool
    similar = ("--output_dir", tmp_path, "--as_published")
    assert call("estimate_tuning_similarity", *similar) == 0
    pairs = pd.read_parquet(tmp_path / "tuning/tuning_similarity.parquet")
    assert set(pairs) == {"mouse", "tuning_type", "d", "v", "tuning_similarity"}


def test_published_features(data_dir, tmp_path):
    shutil.copytree(data_dir / "S", tmp_path / "S")
    shutil.copy(data_dir / "mice.yaml", tmp_path)
    assert call("extract_gabor_features", "--data_dir", tmp_path, "--as_published") == 0
    (features, *_) = sorted((tmp_path / "ood_features/drifting_gabor/mouseS").glob("*.npy"))
    values = np.load(features)
    assert values.shape == (NUM_FRAMES, 3)
    assert values.dtype == np.float32
    bank = np.array([0.008, 0.022, 0.055])
    assert np.abs(values[:, 2:] - bank).min(axis=1).max() < 1e-6


def test_gratings_on_the_truth(tmp_path):
    data, results = tmp_path / "data", tmp_path / "truth"
    truth = write_mouse(data, num_neurons=4)
    results.mkdir()
    write_truth(results, truth)
    (results / "tables/selectivity.parquet").unlink()
    shown = ("--output_dir", results, "--data_dir", data, "--responder", "truth")
    quick = ("--num_directions", "8", "--num_repeats", "2", "--batch_size", "4")
    assert call("predict_grating", *shown, *quick) == 0
    assert estimate(results, data, "--stimulus", "grating") == 0
    table = read_result(results, "selectivity")
    error = circular_distance(table["preferred_orientation_deg"], truth["direction_deg"], 180)
    assert np.median(error) < 10
    assert estimate(results, data, "--stimulus", "grating", "--as_published") == 2


def test_missing_steps_name_the_command(data_dir, tmp_path, capsys):
    assert estimate(tmp_path, data_dir) == 2
    assert "predict.py writes predicted responses" in capsys.readouterr().err
    assert estimate(tmp_path, data_dir, "--stimulus", "grating") == 2
    assert f"python {FOLDER}/predict_grating.py --output_dir" in capsys.readouterr().err
    assert call("visualize_tuning_width", "--output_dir", tmp_path, "--data_dir", data_dir) == 2
    assert f"python {FOLDER}/estimate_selectivity_indexes.py" in capsys.readouterr().err
    assert call("estimate_tuning_similarity", "--output_dir", tmp_path) == 2
