"""The best of what was recorded: windows, agreement, and a planted best one."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import GOLDEN
from scripts import run_script
from sessions import edit, open_mouse, write_session

from viv1t.errors import ConfigError, MissingResultError
from viv1t.insilico.recorded import copy_recorded
from viv1t.most_exciting_stimulus.library import library_folder, read_library
from viv1t.most_exciting_stimulus.recorded import (
    RecordedConfig,
    agreement,
    best_recorded,
    window_sums,
)
from viv1t.results.responses import ResponseFile
from viv1t.results.run import RunDir
from viv1t.results.store import read_result, write_result

NUM_NEURONS = 5
ONSET = 53
# Trials of the tests that show one of the two movies.
SHOWN = (7, 9, 11, 13)


def test_the_published_window():
    first, last = json.loads((GOLDEN / "mei/values.json").read_text())["best_window15"]
    with np.load(GOLDEN / "mei/arrays.npz") as arrays:
        sums = window_sums(arrays["best_window15|response"], 15)
    assert (sums.argmax(), sums.argmax() + 14) == (first, last)


def test_sums_over_windows():
    values = np.random.default_rng(0).normal(size=(2, 9))
    found = window_sums(values, 4)
    assert found.shape == (2, 6)
    np.testing.assert_allclose(found[1, 2], values[1, 2:6].sum())
    np.testing.assert_allclose(window_sums(values, 1), values)


def windows(recorded, predicted):
    return pd.DataFrame(
        {"mouse": "S", "stimulus": "movie", "recorded": recorded, "predicted": predicted}
    )


def test_agreement_is_of_responses():
    rng = np.random.default_rng(1)
    values = rng.normal(size=300)
    same = agreement(windows(values, np.exp(values)))
    assert same[["kendall_tau", "top_overlap"]].to_numpy().tolist() == [[1.0, 1.0]]
    other = agreement(windows(values, rng.normal(size=300)))
    assert other["kendall_tau"].abs().max() < 0.1
    assert other["top_overlap"].max() <= 0.3


@pytest.fixture
def places(tmp_path):
    """A session one of whose movies drives all neurons for six frames, and its run."""
    data, run = tmp_path / "data", tmp_path / "run"
    write_session(data / "S", num_neurons=NUM_NEURONS)

    def plant(responses):
        responses[:, ONSET : ONSET + 6] += 50

    for trial in SHOWN:
        edit(data / f"S/data/responses/{trial}.npy", plant)
    recording = open_mouse(data)
    file = ResponseFile(RunDir.create(run, {"core": "linear"}).responses("S"))
    copy_recorded(recording, file)
    return data, run, recording


def rank(run):
    table = pd.DataFrame({"mouse": "S", "neuron": range(NUM_NEURONS), "rank": 1.0})
    scores = {"trial_reliability": 0.5, "correlation": [0.1, 0.4, 0.2, 0.3, -1.0]}
    write_result(run, "neuron_reliability", table.assign(**scores), method={})


def test_the_planted_window_is_the_best(places):
    data, run, recording = places
    with pytest.raises(MissingResultError, match="estimate_neuron_reliability"):
        best_recorded(run, data, RecordedConfig())
    rank(run)
    table, libraries = best_recorded(run, data, RecordedConfig(window_frames=6))
    assert table["stimulus"].eq("movie").all()
    assert table["frame"].min() == recording.mouse.skip_frames
    best = table.iloc[table["recorded"].argmax()]
    assert (best["trial"], best["frame"]) == (7, ONSET)
    frames = slice(ONSET, ONSET + 6)
    responses = [recording.load(trial).response[:, frames].sum(1) for trial in SHOWN]
    weights = [0.1, 0.4, 0.2, 0.3, 0]
    assert best["recorded"] == pytest.approx(np.mean(responses, axis=0) @ weights, rel=1e-5)
    library = read_library(libraries["S"].parent)
    assert library.table["centre"].eq("full_natural").all()
    assert library.table["source"][0] == f"trial 7 frame {ONSET}, best by recorded responses"
    np.testing.assert_array_equal(
        library.frames(0), recording.read_video(7, start=ONSET, stop=ONSET + 6)[0]
    )
    every, _ = best_recorded(run, data, RecordedConfig(window_frames=6), as_published=True)
    mean = np.mean(responses, axis=0).mean()
    assert every["recorded"].max() == pytest.approx(mean, rel=1e-5)


def test_the_script(places):
    data, run, _ = places
    rank(run)
    script = "most_exciting_stimulus/find_most_exciting_recorded.py"
    flags = ("--data_dir", data, "--output_dir", run, "--verbose", "0")
    assert run_script(script, *flags, "--window_frames", "6") == 0
    table = read_result(run, "recorded_windows")
    assert table.attrs["method"] == {"as_published": False, "window_frames": 6}
    assert len(read_library(library_folder(run, "recorded"))) == 2
    assert run_script(script, *flags, "--window_frames", "26") == 2
    with pytest.raises(ConfigError, match="26"):
        RecordedConfig(window_frames=26)


def test_reliability_script(places):
    data, run, _ = places
    script = "most_exciting_stimulus/estimate_neuron_reliability.py"
    flags = ("--data_dir", data, "--output_dir", run, "--verbose", "0")
    assert run_script(script, *flags) == 2
    columns = {"mouse": "S", "neuron": range(NUM_NEURONS), "bad_fit": False, "method": "sta"}
    numbers = dict.fromkeys(RECEPTIVE_FIELD, 1.0)
    write_result(run, "aRF", pd.DataFrame(columns | numbers), method={})
    assert run_script(script, *flags) == 0
    table = read_result(run, "neuron_reliability")
    assert sorted(table["rank"]) == [1, 2, 3, 4, 5]
    assert run_script(script, *flags, "--as_published") == 2


RECEPTIVE_FIELD = (
    *("x_px", "y_px", "sigma_x_px", "sigma_y_px", "theta_rad", "amplitude", "offset", "r2"),
    *("peak_z", "x_se_px", "y_se_px"),
)
