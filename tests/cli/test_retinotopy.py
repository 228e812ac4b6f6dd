"""tuning_retinotopy/ from noise and dots to tables and figures, on synthetic mice."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scripts import run_script
from tables_of_truth import write_mouse

from viv1t.data.synthetic import write_recordings
from viv1t.experiments.noise import noise_path
from viv1t.results.store import read_result

FOLDER = "tuning_retinotopy"
NUM_NEURONS = 6


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> tuple[Path, Path]:
    """A data folder with one synthetic mouse, and results with its responses to noise."""
    folder = tmp_path_factory.mktemp("retinotopy")
    write_mouse(folder / "data", num_neurons=NUM_NEURONS)
    assert show(folder / "data", folder / "truth", "--num_samples", 400) == 0
    return folder / "data", folder / "truth"


def call(script: str, output_dir: Path, *flags: object) -> int:
    return run_script(f"{FOLDER}/{script}.py", "--output_dir", output_dir, "--verbose", 0, *flags)


def show(data_dir: Path, output_dir: Path, *flags: object) -> int:
    given = ("--data_dir", data_dir, "--responder", "truth", "--batch_size", 20)
    return call("predict_noise", output_dir, *given, *flags)


def assert_true(fields: pd.DataFrame, data_dir: Path) -> None:
    truth = pd.read_parquet(data_dir / "S1/meta/truth.parquet")
    assert fields["neuron"].tolist() == list(range(NUM_NEURONS))
    assert (~fields["bad_fit"]).mean() >= 0.8
    errors = np.hypot(fields["x_px"] - truth["rf_x_px"], fields["y_px"] - truth["rf_y_px"])
    assert np.nanmedian(errors) < 1


def test_receptive_fields_from_noise(places):
    data_dir, results = places
    assert call("fit_aRFs", results) == 0
    fields = read_result(results, "aRF")
    assert fields.attrs["as_published"] is False
    assert_true(fields, data_dir)


@pytest.mark.slow
def test_figures(places):
    data_dir, results = places
    assert call("fit_aRFs", results) == 0
    fields = read_result(results, "aRF")
    assert call("visualize_aRFs", results, "--data_dir", data_dir) == 0
    for name in ("aRF_examples_mouseS1", "aRF_centres", "aRF_recovered"):
        assert (results / "figures" / f"{name}.pdf").stat().st_size > 1000
        picture = np.asarray(Image.open(results / "figures" / f"{name}.png"))
        assert picture[..., :3].std() > 5
    errors = pd.read_csv(results / "figures/aRF_recovered_errors.csv")
    assert len(errors) == (~fields["bad_fit"]).sum()


def test_two_runs_with_one_seed_are_identical(places, tmp_path):
    data_dir, results = places
    assert show(data_dir, tmp_path, "--num_samples", 400) == 0
    assert call("fit_aRFs", tmp_path) == 0
    assert call("fit_aRFs", results) == 0
    found, again = (read_result(folder, "aRF") for folder in (results, tmp_path))
    pd.testing.assert_frame_equal(found, again)


def test_as_published_writes_the_published_files(places, tmp_path):
    data_dir, _ = places
    assert show(data_dir, tmp_path, "--num_samples", 4, "--as_published") == 0
    assert call("fit_aRFs", tmp_path, "--as_published") == 0
    with np.load(tmp_path / "aRFs/mouseS1.npz") as file:
        assert file["data"].shape == (NUM_NEURONS, 1, 16, 28)
    published = pd.read_parquet(tmp_path / "aRF.parquet")
    columns = ["mouse", "neuron", "bad_fit", "amplitude", "center_x", "center_y"]
    assert list(published) == [*columns, "sigma_x", "sigma_y", "theta", "offset"]
    assert published["bad_fit"].all()  # fewer than 20 neurons
    assert read_result(tmp_path, "aRF").attrs["as_published"] is True
    assert not noise_path(tmp_path, "S1").exists()
    assert call("fit_aRFs", tmp_path) == 2


def test_receptive_fields_from_gradients(places, tmp_path):
    data_dir, _ = places
    assert call("fit_aRFs", tmp_path, "--method", "gradient") == 2
    few = ("--method", "gradient", "--num_images", 6, "--num_frames", 8)
    assert show(data_dir, tmp_path, *few) == 0
    assert call("fit_aRFs", tmp_path, "--method", "gradient") == 0
    fields = read_result(tmp_path, "aRF")
    assert fields["method"].eq("gradient").all()
    assert_true(fields, data_dir)
    assert call("fit_aRFs", tmp_path, "--method", "gradient", "--as_published") == 2


@pytest.mark.slow
def test_dots_and_flashed_images_of_recordings(tmp_path):
    write_recordings(tmp_path, preset="test", seed=7)
    given = ("--data_dir", tmp_path, "--verbose", 0)
    assert run_script(f"{FOLDER}/extract_gaussian_dot_features.py", *given, "--as_published") == 0
    dots = read_result(tmp_path, "gaussian_dots")
    mouse, trial = dots.loc[0, ["mouse", "trial"]]
    folder = tmp_path / "synthetic" / mouse
    with np.load(folder / "meta/stimuli" / f"{trial}.npz") as shown:
        rows = dots[(dots["mouse"] == mouse) & (dots["trial"] == trial)]
        first = rows["frame"].to_numpy()
        assert np.abs(rows["x_px"] - shown["x_px"][first]).max() < 0.75
        np.testing.assert_array_equal(rows["is_black"], shown["black"][first])
    published = tmp_path / "ood_features/gaussian_dots" / f"mouse{mouse}" / f"{trial}.npy"
    assert np.load(published).shape == (70, 4)
    assert run_script("data/save_response.py", *given) == 0
    assert call("estimate_spatial_tuning", tmp_path, "--data_dir", tmp_path) == 0
    tuning = read_result(tmp_path, "spatial_tuning")
    assert tuning["peak_z"].gt(0).all()
    other = tmp_path / "other"
    for path in (tmp_path / "responses").iterdir():
        (other / "responses").mkdir(parents=True, exist_ok=True)
        (other / "responses" / path.name).write_bytes(path.read_bytes())
    as_published = ("--data_dir", tmp_path, "--as_published")
    assert call("estimate_spatial_tuning", other, *as_published) == 0
    assert np.load(other / "tuning" / f"mouse{mouse}" / "SSI.npy").shape == (12,)
    assert call("visualize_spatial_tuning", other, "--data_dir", tmp_path) == 0
    assert (other / "figures/spatial_selectivity.pdf").is_file()
    # the same movies, called images: each dot is one
    stimuli = folder / "meta/trials/stimulus_ids.npy"
    numbers = np.load(stimuli)
    np.save(stimuli, np.where(numbers == 2, 5, numbers))
    assert run_script("misc/extract_flashing_images.py", *given, "--as_published") == 0
    images = read_result(tmp_path, "flashed_images", mouse_ids=[mouse])
    assert set(images["trial"]) == set(dots.loc[dots["mouse"] == mouse, "trial"])
