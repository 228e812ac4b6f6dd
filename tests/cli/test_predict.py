"""train.py, predict.py and data/save_response.py in a row, on random recordings."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from scripts import run_script
from sessions import write_mice_yaml, write_session
from tiny_runs import SMALL

import viv1t
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.results.responses import ResponseFile

TIERS = ("train",) * 4 + ("oracle",) * 4 + ("live_test_main",) * 2
HIDDEN = ("final_test_main",) * 2
SKIP = 50


def hide(folder: Path, trials) -> None:
    for trial in trials:
        path = folder / f"data/responses/{trial}.npy"
        np.save(path, np.load(path) * 0)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two mice; R1 has a tier whose responses are hidden, and trials of two lengths."""
    data_dir = tmp_path_factory.mktemp("recordings")
    lengths = [70, 60] * 6
    write_session(data_dir / "R1", tiers=TIERS + HIDDEN, num_frames=lengths)
    write_session(data_dir / "R2", tiers=TIERS, num_neurons=7, seed=1)
    hide(data_dir / "R1", range(len(TIERS), len(TIERS + HIDDEN)))
    write_mice_yaml(data_dir, {"R1": {"folder": "R1"}, "R2": {"folder": "R2"}})
    return data_dir


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A run that train.py wrote (read only)."""
    run = tmp_path_factory.mktemp("runs") / "trained"
    flags = (*SMALL, "--epochs", "1", "--limit_neurons", "5", "--verbose", "0")
    assert run_script("train.py", "--data_dir", data, "--output_dir", run, *flags) == 0
    return run


@pytest.fixture
def run(trained, tmp_path):
    """A copy of the run, in another place."""
    return shutil.copytree(trained, tmp_path / "moved")


@pytest.fixture
def predict(data, run):
    """A function that calls predict.py on the run and gives its exit status."""

    def with_flags(*flags, data_dir=data):
        return run_script("predict.py", "--data_dir", data_dir, "--output_dir", run, *flags)

    return with_flags


def response_file(folder, mouse_id="R1"):
    return ResponseFile(folder / "responses" / f"mouse{mouse_id}.h5")


def test_all_tiers_of_all_mice_are_predicted(predict, run, capsys):
    assert predict() == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "wrote 22 trials (tiers: train, validation, live_main, final_main; mice: R1, R2) in "
        f"recorded units to {run}/responses/mouse*.h5"
    )
    first, second = response_file(run), response_file(run, "R2")
    assert first.tiers() == ("train", "validation", "live_main", "final_main")
    assert second.tiers() == ("train", "validation", "live_main")
    assert first.trial_ids() == tuple(range(12))
    attrs = first.attrs
    assert (attrs["mouse"], attrs["units"], attrs["source"]) == ("R1", "recorded", "predicted")
    assert (attrs["skip_frames"], attrs["fps"], attrs["schema"]) == (SKIP, 30.0, 1)
    np.testing.assert_array_equal(attrs["unit_ids"], 100 + attrs["neuron_idx"])
    assert len(attrs["neuron_idx"]) == 5
    provenance = attrs["provenance"]
    assert (provenance["run"], provenance["epoch"]) == (str(run), 1)
    assert provenance["viv1t"] == viv1t.__version__


def test_a_prediction_is_that_of_the_twin(predict, run, data):
    assert predict("--ds_tier", "live_main", "--mouse_ids", "R1") == 0
    twin, file = viv1t.load(run, device="cpu"), response_file(run)
    recording = Recording(choose_mice(data, ["R1"])[0])
    assert file.trial_ids() == (8, 9)
    for trial_id, num_frames in ((8, 70), (9, 60)):
        trial = recording.load(trial_id)
        expected = twin.predict(
            trial.video[0], "R1", behavior=trial.behavior, pupil_center=trial.pupil_center
        )
        found = file.read(trial_id)
        assert found.shape == (5, num_frames - SKIP)
        np.testing.assert_array_equal(found, expected[:, SKIP:])
        labels = file.labels(trial_id)
        assert labels.tier == "live_main"
        assert labels.video_id == recording.video_ids[trial_id]
    assert not response_file(run, "R2").exists()


def test_threads_and_batches_change_nothing(predict, run):
    assert predict("--num_workers", "0") == 0
    before = {i: response_file(run).read(i) for i in range(12)}
    assert predict("--num_workers", "3", "--batch_size", "4", "--verbose", "0") == 0
    for trial_id, response in before.items():
        np.testing.assert_allclose(response_file(run).read(trial_id), response, rtol=1e-5)


def test_model_units_stand_alone(predict, run, capsys):
    assert predict("--ds_tier", "validation", "--units", "model") == 0
    file, twin = response_file(run), viv1t.load(run, device="cpu")
    spread = twin.mouse("R1").statistics.response.std[:, None]
    in_model_units = file.read(4)
    assert file.attrs["units"] == "model"
    assert predict("--ds_tier", "live_main") == 2
    assert "(tiers: validation) that differ in units" in capsys.readouterr().err
    assert predict("--ds_tier", "validation") == 0
    np.testing.assert_allclose(response_file(run).read(4), in_model_units * spread, rtol=1e-5)


def test_several_tiers_are_one_choice(predict, run):
    assert predict("--ds_tier", "live_main", "validation") == 0
    assert response_file(run).tiers() == ("validation", "live_main")


def test_one_tier_again_keeps_the_others(predict, run):
    assert predict() == 0
    before = response_file(run).read(0)
    assert predict("--ds_tier", "final_main") == 0
    assert response_file(run).trial_ids() == tuple(range(12))
    np.testing.assert_array_equal(response_file(run).read(0), before)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--ds_tier", "final_bonus"), "there are: train, validation, live_main, final_main"),
        (("--mouse_ids", "R3"), "unknown mouse 'R3' (known: R1, R2)"),
        (("--device", "abacus"), "--device should be one of"),
        (("--data_dir", "/nowhere"), "the data folder /nowhere does not exist"),
        (("--output_dir", "/nowhere"), "/nowhere/args.yaml does not exist"),
        (("--batch_size", "0"), "--batch_size must be at least 1, got 0"),
        (("--num_workers", "-1"), "--num_workers must be 0 or more, got -1"),
    ],
)
def test_what_cannot_work_gives_one_line_and_status_2(predict, capsys, flags, message):
    assert predict(*flags) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert message in error


@pytest.mark.parametrize(
    ("session", "message"),
    [
        ({"num_neurons": 9}, "the run was trained on 6 neurons, the recording in"),
        ({"frame": (16, 24)}, "trained on (1, 16, 28) video (channels, rows, columns)"),
        ({"num_behaviors": 1}, "trained on 2 behaviour rows"),
        ({"num_pupils": 0}, "trained on 2 pupil rows"),
        ({"num_frames": 50}, "trial 0 of mouse R1 has 50 frames, more than 50 (skip_frames)"),
    ],
)
def test_other_recordings_are_refused(predict, run, tmp_path, capsys, session, message):
    data_dir = tmp_path / "other"
    write_session(data_dir / "R1", tiers=TIERS, **session)
    frame = list(session.get("frame", (16, 28)))
    write_mice_yaml(data_dir, {"R1": {"folder": "R1", "video_px": frame}})
    assert predict("--mouse_ids", "R1", data_dir=data_dir) == 2
    assert message in capsys.readouterr().err
    assert not response_file(run).exists()


def test_other_neurons_of_the_same_number_are_refused(predict, tmp_path, capsys):
    write_session(tmp_path / "other/R1", tiers=TIERS)
    np.save(tmp_path / "other/R1/meta/neurons/unit_ids.npy", np.arange(6))
    write_mice_yaml(tmp_path / "other", {"R1": {"folder": "R1"}})
    assert predict("--mouse_ids", "R1", data_dir=tmp_path / "other") == 2
    assert "names other neurons than the run was trained on" in capsys.readouterr().err


def test_recorded_responses_have_the_same_form(data, tmp_path, capsys):
    data_dir = shutil.copytree(data, tmp_path / "copy")
    assert run_script("data/save_response.py", "--data_dir", data_dir) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "mouse R1: left out final_main, hidden responses" in lines
    file = response_file(data_dir)
    assert lines[-1] == f"wrote 10 trials to {response_file(data_dir, 'R2').path}"
    assert file.tiers() == ("train", "validation", "live_main")
    assert (file.attrs["source"], file.attrs["units"]) == ("recorded", "recorded")
    raw = np.load(data_dir / "R1/data/responses/1.npy")
    np.testing.assert_array_equal(file.read(1), raw[:, SKIP:60].astype(np.float32))
    assert file.labels(4).tier == "validation"


def as_published(run):
    """Turn a run folder into one of the published system: no schema, facts in args.yaml."""
    args = yaml.safe_load((run / "args.yaml").read_text())
    facts = json.loads((run / "provenance.json").read_text())["facts"]
    names = ("input_shapes", "output_shapes", "neuron_idx", "max_frame")
    args |= {name: facts[name] for name in names}
    del args["schema"]
    (run / "args.yaml").write_text(yaml.safe_dump(args))
    shutil.rmtree(run / "data")


def test_a_published_run_takes_its_statistics_from_the_data_folder(predict, run):
    assert predict("--ds_tier", "validation") == 0
    expected = response_file(run).read(5)
    shutil.rmtree(run / "responses")
    as_published(run)
    assert predict("--ds_tier", "validation") == 0
    np.testing.assert_allclose(response_file(run).read(5), expected, rtol=1e-5)
