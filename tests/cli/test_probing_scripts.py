"""Scripts that show stimuli: one seed gives one result, and what is missing names its command."""

import h5py
import numpy as np
import pytest
from scripts import ROOT, run_script

from viv1t.data.synthetic import write_recordings
from viv1t.experiments import run as running

SCRIPT = "tuning_direction/predict_grating.py"
FEW = ("--num_directions", 8, "--num_repeats", 2, "--verbose", 0)
PREDICT = sorted(
    str(path.relative_to(ROOT))
    for folder in ("retinotopy", "direction", "contextual_modulation", "feedbackRF")
    for path in (ROOT / f"tuning_{folder}").glob("predict_*.py")
)


@pytest.fixture(scope="module")
def truth_data(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("synthetic")
    write_recordings(data_dir, preset="test", seed=7)
    return data_dir


def show(data_dir, output_dir, *more):
    places = ("--data_dir", data_dir, "--output_dir", output_dir, "--responder", "truth")
    return run_script(SCRIPT, *places, *FEW, *more)


def arrays(path):
    """All numbers of a file by name."""
    found = {}
    with h5py.File(path, "r") as file:
        names = []
        file.visit(names.append)
        found |= {name: file[name][()] for name in names if isinstance(file[name], h5py.Dataset)}
    return found


def same_to_the_bit(first, second):
    return np.asarray(first).tobytes() == np.asarray(second).tobytes()


def test_one_seed_one_result_interrupted_or_not(truth_data, tmp_path, monkeypatch, capsys):
    options = ("--centre", "screen")
    for name in ("first", "second"):
        assert show(truth_data, tmp_path / name, *options) == 0
    assert show(truth_data, tmp_path / "other", *options, "--seed", 5) == 0

    add_trial, taken = running.add_trial, []

    def stops(*args, **kwargs):
        taken.append(1)
        if len(taken) == 3:
            raise KeyboardInterrupt
        add_trial(*args, **kwargs)

    monkeypatch.setattr(running, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(running, "add_trial", stops)
    assert show(truth_data, tmp_path / "broken", *options) == 130
    assert "run the same command again to continue" in capsys.readouterr().err
    assert show(truth_data, tmp_path / "broken", *options) == 0

    files = sorted((tmp_path / "first/experiments/direction").glob("*.h5"))
    assert len(files) == 2
    for file in files:
        whole = arrays(file)
        for name in ("second", "broken", "other"):
            again = arrays(tmp_path / name / "experiments/direction" / file.name)
            same = {k for k in whole if same_to_the_bit(whole[k], again[k])}
            if name == "other":
                assert not {"mean", "amplitude", "presentations/condition"} & same
            else:
                assert same == set(whole)


def test_other_settings_do_not_mix_with_what_is_there(truth_data, tmp_path, capsys):
    assert show(truth_data, tmp_path, "--centre", "screen") == 0
    assert show(truth_data, tmp_path, "--centre", "screen", "--behavior_state", "running") == 2
    assert "holds an experiment with other" in capsys.readouterr().err


def test_a_missing_step_names_the_command(truth_data, tmp_path, capsys):
    assert show(truth_data, tmp_path, "--centre", "neuron") == 2
    error = capsys.readouterr().err
    assert "tables/aRF.parquet does not exist" in error
    assert f"python tuning_retinotopy/fit_aRFs.py --output_dir {tmp_path}" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("script", PREDICT)
def test_all_take_the_same_flags_and_say_their_defaults(script, capsys):
    assert run_script(script, "--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    flags = ("output_dir", "data_dir", "mouse_ids", "device", "batch_size", "seed", "precision")
    flags += ("compile", "verbose", "responder", "ensemble")
    flags += () if script == SCRIPT else ("as_published",)  # the published Gabors are recorded
    assert [flag for flag in flags if f"--{flag}" not in text] == []
    assert "--behavior_state {mean,median,still,running}" in text
    assert "(default: mean)" in text
