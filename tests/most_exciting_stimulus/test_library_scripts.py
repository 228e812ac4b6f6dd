"""The scripts on finished stimuli, with the synthetic truth as the one who answers."""

import numpy as np
import pandas as pd
import pytest
from scripts import run_script
from stimulus_sets import stimulus

from viv1t.data.synthetic import SyntheticMouse
from viv1t.most_exciting_stimulus.library import library_folder, write_library
from viv1t.most_exciting_stimulus.manifest import read_manifest
from viv1t.results.store import read_result
from viv1t.units import GREY

SCRIPTS = "most_exciting_stimulus"
FRAMES = 10


@pytest.fixture
def run(tmp_path, data_dir):
    """A folder of results with a library of three stimuli."""
    height, width = SyntheticMouse.open(data_dir).video_shape
    shape = (3, FRAMES, height, width)
    frames = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    frames[2] = GREY
    grating = {"centre": "grating", "centre_motion": "dynamic"}
    surround = {"surround": "generated", "surround_motion": "dynamic"}
    rows = [
        stimulus("noise", 3, **grating | surround, value=5.0),
        stimulus("more", 3, **grating | surround, value=4.0),
        stimulus("grey", 3, **grating),
    ]
    write_library(library_folder(tmp_path, "a"), "S1", pd.DataFrame(rows), frames, method={})
    return tmp_path


def call(name, run, data_dir, *flags):
    places = ("--output_dir", run, "--data_dir", data_dir)
    fixed = ("--responder", "truth", "--verbose", "0")
    return run_script(f"{SCRIPTS}/{name}.py", *places, *fixed, *flags)


def test_the_truth_answers_as_it_answers_movies(run, data_dir):
    assert call("predict_stimulus", run, data_dir, "--batch_size", "2") == 0
    table = read_result(run, "stimulus_responses").set_index("stimulus")
    truth = SyntheticMouse.open(data_dir)
    blank = np.full((100, *truth.video_shape), GREY, np.float32)
    grey = truth.predict(blank, "S1")[3, 60 : 60 + FRAMES]
    assert table.loc["grey", "value"] == pytest.approx(grey.sum(), rel=1e-3)
    assert table.loc["grey", "peak"] == pytest.approx(grey.max(), rel=1e-3)
    assert table.loc["noise", "value"] > 1.1 * table.loc["grey", "value"]
    assert set(table["responder"]) == {"truth"}


def test_scores_as_made_are_the_predicted_sums(run, data_dir):
    assert call("predict_stimulus", run, data_dir) == 0
    assert call("evaluate_stimuli", run, data_dir, "--num_scrambles", "1") == 0
    scores = read_result(run, "stimulus_scores")
    scores = scores[scores["version"] == "as made"].set_index("stimulus")["response"]
    sums = read_result(run, "stimulus_responses").set_index("stimulus")["value"]
    assert scores.to_dict() == pytest.approx(sums.to_dict(), rel=1e-4)


def test_the_best_are_chosen_and_nothing_else(run, data_dir):
    assert call("predict_optimal", run, data_dir) == 0
    table = read_result(run, "optimal_stimuli")
    assert set(table["stimulus"]) == {"noise", "grey"}
    assert call("predict_stimulus", run, data_dir) == 0
    fresh = read_result(run, "stimulus_responses").set_index("stimulus")["value"]
    found = table.set_index("stimulus")["value"]
    assert found.to_dict() == pytest.approx(fresh[["noise", "grey"]].to_dict())


def test_a_set_is_exported_checked_and_damage_is_refused(run, data_dir, capsys):
    folder = run / "export"
    assert call("export_stimuli", run, data_dir, "--export_dir", folder) == 0
    manifest = read_manifest(folder / "mouseS1")
    assert manifest.names == ("GCS000_N003", "GCS005_N003")
    assert manifest.timing.stimulus == FRAMES
    check = ("--check", "--export_dir", folder / "mouseS1")
    assert call("export_stimuli", run, data_dir, *check) == 0
    (folder / "mouseS1" / "GCS000_N003.npy").unlink()
    assert call("export_stimuli", run, data_dir, *check) == 2
    assert "GCS000_N003.npy" in capsys.readouterr().err
    assert call("export_stimuli", run, data_dir, "--check") == 2
    assert "--check needs --export_dir" in capsys.readouterr().err


def test_names_that_are_not_there_are_refused(run, data_dir, capsys):
    for name in ("predict_stimulus", "predict_optimal", "export_stimuli"):
        assert call(name, run, data_dir, "--stimuli", "b") == 2
        assert "holds no stimuli" in capsys.readouterr().err
