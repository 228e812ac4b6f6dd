"""Helper scripts that look at recordings: ids, example frames, one trial."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scripts import run_script
from sessions import DEFAULT_TIERS, write_mice_yaml, write_session

from viv1t.plot.style import CAPTION_KEY
from viv1t.results.store import read_result


@pytest.fixture
def data(tmp_path):
    write_session(tmp_path / "data/R", num_behaviors=3)
    write_mice_yaml(tmp_path / "data", {"R": {"folder": "R"}})
    return tmp_path / "data"


def test_repeats_get_one_id_and_the_session_is_only_written_to_on_request(data):
    folder = data / "R/meta/trials"
    args = ("misc/assign_ids.py", "--data_dir", data, "--verbose", "0")
    assert run_script(*args) == 0
    table = read_result(data, "trial_ids").set_index("trial")
    assert len(table) == len(DEFAULT_TIERS)
    tested = table[table["tier"] != "train"]
    same = tested.groupby(tested.index % 2)["video_id"].nunique()
    assert same.tolist() == [1, 1]
    assert tested["video_id"].nunique() == 2
    assert table.loc[table["tier"] == "train", "video_id"].is_unique
    assert set(table["stimulus"]) == {"movie"}
    assert not (folder / "video_ids.npy").exists()

    assert run_script(*args, "--write") == 0
    ids = np.load(folder / "video_ids.npy")
    np.testing.assert_array_equal(ids, table["video_id"])
    np.save(folder / "video_ids.npy", ids + 50)
    assert run_script(*args, "--write") == 0
    np.testing.assert_array_equal(np.load(folder / "video_ids.npy"), ids + 50)
    assert read_result(data, "trial_ids")["video_id"].min() == 50


def test_frames_of_each_stimulus_are_drawn(data, tmp_path):
    args = ("--data_dir", data, "--output_dir", tmp_path, "--verbose", "0")
    np.save(data / "R/meta/trials/stimulus_ids.npy", np.array([0] * 10 + [5] * 3 + [-1]))
    assert run_script("misc/visualize_stimuli.py", *args, "--num_frames", "4") == 0
    frames = pd.read_csv(tmp_path / "figures/stimuli_mouseR_frames.csv")
    assert frames.groupby("stimulus").size().to_dict() == {"movie": 4, "image": 4, "unknown": 4}
    assert frames.loc[frames["stimulus"] == "image", "trial"].eq(10).all()
    movie = np.load(data / "R/data/videos/10.npy")
    row = frames[frames["stimulus"] == "image"].iloc[1]
    assert row["mean_grey"] == pytest.approx(movie[..., row["frame"]].mean(), rel=1e-5)
    assert frames["frame"].min() >= 0
    assert frames["frame"].max() < 70
    with Image.open(tmp_path / "figures/stimuli_mouseR.png") as image:
        assert "mouse R" in image.info[CAPTION_KEY]


def test_neurons_that_were_lost_are_drawn_white(data, tmp_path):
    for path in (data / "R/data/responses").glob("*.npy"):
        responses = np.load(path)
        responses[2] = np.nan
        np.save(path, responses)
    args = ("--data_dir", data, "--output_dir", tmp_path, "--verbose", "0")
    assert run_script("misc/visualize_dataset.py", *args) == 0
    table = pd.read_csv(tmp_path / "figures/trial_mouseR_6_responses.csv").set_index("neuron")
    assert table["sd"].isna().to_dict() == {n: n == 2 for n in table.index}


def test_one_trial_is_drawn_as_it_was_recorded(data, tmp_path, capsys):
    args = ("misc/visualize_dataset.py", "--data_dir", data, "--output_dir", tmp_path)
    assert run_script(*args, "--trial", "8", "--verbose", "0") == 0
    signals = pd.read_csv(tmp_path / "figures/trial_mouseR_8_signals.csv")
    assert len(signals) == 70
    pupil = np.load(data / "R/data/pupil_center/8.npy")
    np.testing.assert_allclose(signals["pupil_y_px"], pupil[1, :70], rtol=1e-5)
    behavior = np.load(data / "R/data/behavior/8.npy")
    np.testing.assert_allclose(signals["Behaviour 2"], behavior[2, :70], rtol=1e-5)
    responses = pd.read_csv(tmp_path / "figures/trial_mouseR_8_responses.csv")
    recorded = np.load(data / "R/data/responses/8.npy")[:, :70]
    assert responses["peak_s"].is_monotonic_increasing
    row = responses.iloc[0]
    assert recorded[int(row["neuron"])].argmax() / 30 == pytest.approx(row["peak_s"])
    assert run_script(*args, "--trial", "99") == 2
    assert "has trials 0 to 13" in capsys.readouterr().err
    assert run_script(*args, "--ds_tier", "final_main") == 2
    assert "it has train, validation, live_main" in capsys.readouterr().err
