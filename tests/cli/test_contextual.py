"""tuning_contextual_modulation/ from the stimuli to tables and figures, on a synthetic mouse."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scripts import run_script
from tables_of_truth import write_mouse, write_truth

from viv1t.data.synthetic import SyntheticMouse
from viv1t.experiments.saved import load_experiment
from viv1t.results.store import read_result, spec_of, write_result

FOLDER = "tuning_contextual_modulation"
NUM_NEURONS = 4
QUICK = ("--num_repeats", "2", "--batch_size", "4")


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> tuple[Path, Path]:
    """A data folder with one synthetic mouse, and results with its receptive fields."""
    folder = tmp_path_factory.mktemp("contextual")
    truth = write_mouse(folder / "data", num_neurons=NUM_NEURONS)
    (folder / "truth").mkdir()
    write_truth(folder / "truth", truth)
    assert predict(folder / "data", folder / "truth") == 0
    assert call("estimate_contextual_modulation", folder / "truth") == 0
    return folder / "data", folder / "truth"


def call(script: str, output_dir: Path, *flags: object) -> int:
    return run_script(f"{FOLDER}/{script}.py", "--output_dir", output_dir, "--verbose", "0", *flags)


def predict(data_dir: Path, output_dir: Path, *flags: object) -> int:
    given = ("--data_dir", data_dir, "--responder", "truth", *QUICK)
    return call("predict_grating", output_dir, *given, *flags)


def test_tables_of_all_neurons(places):
    _, results = places
    table = read_result(results, "contextual_modulation")
    assert len(table) == 2 * NUM_NEURONS
    assert table["num_presentations"].eq(4).all()
    assert table["disc_ratio"].between(3.0, 3.5).all()
    assert table["visible"].between(0.3, 1).all()
    high = table[table["contrast"] == 1.0]
    assert high["responsive"].all()
    assert (high["cmi"] > 0).mean() >= 0.8
    flips = read_result(results, "contrast_flips")
    assert flips["neuron"].tolist() == list(range(NUM_NEURONS))
    np.testing.assert_allclose(flips["cmi_high"], high.sort_values("neuron")["cmi"], rtol=1e-5)
    assert table.attrs["method"]["baseline"] is True


def test_seen_again_the_stimuli_are_only_read(places, monkeypatch):
    data_dir, results = places
    monkeypatch.setattr("viv1t.data.synthetic.responder.SyntheticMouse.predict", None)
    assert predict(data_dir, results) == 0


def test_some_neurons(places, tmp_path):
    data_dir, results = places
    write_truth(tmp_path, pd.read_parquet(data_dir / "S1/meta/truth.parquet"))
    assert predict(data_dir, tmp_path, "--neurons", "0", "2", "3", "--max_neurons", "2") == 0
    assert call("estimate_contextual_modulation", tmp_path, "--no-baseline") == 0
    some = read_result(tmp_path, "contextual_modulation")
    assert some["neuron"].nunique() == 2
    assert set(some["neuron"]) < {0, 2, 3}
    every = read_result(results, "contextual_modulation")
    both = some.merge(every, on=["mouse", "neuron", "contrast", "size_deg"])
    np.testing.assert_allclose(both["centre_x"], both["centre_y"], rtol=1e-6)
    assert some["baseline"].eq(0).all()
    assert predict(data_dir, tmp_path, "--neurons", "99") == 2


def test_population_centre_and_sizes(places, tmp_path):
    data_dir, _ = places
    write_truth(tmp_path, pd.read_parquet(data_dir / "S1/meta/truth.parquet"))
    shown = ("--centre", "population", "--sizes_deg", "20", "40", "--directions_deg", "90")
    assert predict(data_dir, tmp_path, *shown) == 0
    assert call("estimate_contextual_modulation", tmp_path, "--centre", "population") == 0
    table = read_result(tmp_path, "contextual_modulation_population")
    assert sorted(table["size_deg"].unique()) == [20, 40]
    iso = table.pivot(index=["neuron", "contrast"], columns="size_deg", values="iso")
    np.testing.assert_array_equal(iso[20], iso[40])
    responses = load_experiment(tmp_path, "contextual_modulation_population", command="")["S1"]
    assert responses.neurons["centre_x_px"].nunique() == 1
    assert (responses.conditions["kind"] == "iso").sum() == 2


@pytest.mark.slow
def test_figures(places):
    _, results = places
    for script in ("contextual_modulation", "response_onset", "stimuli"):
        assert call(f"visualize_{script}", results) == 0
    assert call("visualize_contrast_difference", results, "--num_examples", "1") == 0
    assert call("visualize_response", results, "--neurons", "1", "2") == 0
    drawn = {path.name for path in (results / "figures").glob("*.png")}
    names = ("contextual_modulation", "contextual_modulation_comparison", "contrast_difference")
    names += ("surround_onsets", "surround_stimuli", "surround_responses")
    assert {f"{name}.png" for name in names} <= drawn
    assert (results / "figures/surround_stimuli.gif").stat().st_size > 1000
    assert call("visualize_contextual_modulation", results, "--size_deg", "1") == 2


def test_interrupted_and_continued_is_the_same(places, tmp_path, monkeypatch):
    data_dir, results = places
    write_truth(tmp_path, pd.read_parquet(data_dir / "S1/meta/truth.parquet"))
    predict_once, calls = SyntheticMouse.predict, []

    def stops(self, *args, **given):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return predict_once(self, *args, **given)

    monkeypatch.setattr(SyntheticMouse, "predict", stops)
    assert predict(data_dir, tmp_path) == 130
    assert predict(data_dir, tmp_path) == 0
    assert call("estimate_contextual_modulation", tmp_path) == 0
    for name in ("contextual_modulation", "contrast_flips"):
        found, expected = (read_result(folder, name) for folder in (tmp_path, results))
        pd.testing.assert_frame_equal(found, expected)


@pytest.mark.slow
def test_as_published(places, tmp_path):
    data_dir, _ = places
    truth = pd.read_parquet(data_dir / "S1/meta/truth.parquet").iloc[:2]
    write_truth(tmp_path, truth)
    flags = ("--as_published", "--centre", "population", "--neurons", "0", "1")
    assert predict(data_dir, tmp_path, *flags) == 0
    stored = np.load(tmp_path / "contextual_modulation_population/parameters.npy")
    assert stored.shape == (240, 4, 4)
    sizes = dict.fromkeys(spec_of("size_tuning").columns, np.nan)
    sizes |= {"mouse": "S1", "neuron": [0, 1], "classical_deg": [20.0, 40.0]}
    write_result(tmp_path, "size_tuning", pd.DataFrame(sizes), method={})
    command = ("--as_published", "--centre", "population")
    assert call("estimate_contextual_modulation", tmp_path, *command) == 0
    published = pd.read_parquet(tmp_path / "contextual_modulation.parquet")
    assert published["neuron"].isin([0]).all()
    table = read_result(tmp_path, "contextual_modulation_population")
    assert table["num_presentations"].eq(24).all()
    assert table.attrs["as_published"] is True


def test_missing_steps_name_the_command(places, tmp_path, capsys):
    data_dir, _ = places
    assert predict(data_dir, tmp_path) == 2
    assert "python tuning_retinotopy/fit_aRFs.py" in capsys.readouterr().err
    assert call("estimate_contextual_modulation", tmp_path) == 2
    said = capsys.readouterr().err
    assert f"python {FOLDER}/predict_grating.py --centre neuron --output_dir {tmp_path}" in said
