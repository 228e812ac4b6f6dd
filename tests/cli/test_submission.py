"""Submission files and ensembles of saved predictions, from the command line."""

import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scripts import run_script
from sessions import write_mice_yaml, write_session
from tiny_runs import SMALL

from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.errors import ConfigError, DataError
from viv1t.results.ensemble import shared_mice
from viv1t.results.responses import ResponseFile
from viv1t.results.run import RunDir
from viv1t.results.submission import FILES, check_submission

TIERS = ("train",) * 4 + ("oracle",) * 2 + ("live_test_main",) * 2 + ("live_test_bonus",) * 2
TIERS += ("final_test_main",) * 2
SKIP = 50
LOST = 2


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """R2 has no bonus trials, one neuron that was lost, and hides its final responses."""
    data_dir = tmp_path_factory.mktemp("recordings")
    write_session(data_dir / "R1", tiers=TIERS, num_frames=70)
    of_r2 = [tier for tier in TIERS if "bonus" not in tier]
    write_session(data_dir / "R2", tiers=of_r2, num_neurons=7, seed=1)
    for trial, tier in enumerate(of_r2):
        path = data_dir / f"R2/data/responses/{trial}.npy"
        responses = np.load(path) * (not tier.startswith("final"))
        responses[LOST] = np.nan
        np.save(path, responses)
    write_mice_yaml(data_dir, {"R1": {"folder": "R1"}, "R2": {"folder": "R2"}})
    return data_dir


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    """Two runs of different seeds with saved predictions (read only)."""
    folder = tmp_path_factory.mktemp("runs")
    for seed in (1, 2):
        run = folder / f"run{seed}"
        flags = (*SMALL, "--epochs", "1", "--seed", seed, "--verbose", "0")
        assert run_script("train.py", "--data_dir", data, "--output_dir", run, *flags) == 0
        args = ("--data_dir", data, "--output_dir", run, "--verbose", "0")
        assert run_script("predict.py", *args) == 0
    return [folder / "run1", folder / "run2"]


def submit(data, run, *flags):
    args = ("--data_dir", data, "--output_dir", run, "--verbose", "0", *flags)
    return run_script("misc/create_submission.py", *args)


def test_a_submission_read_back_holds_the_predictions(data, runs, tmp_path):
    run = shutil.copytree(runs[0], tmp_path / "run")
    tiers = ("live_main", "live_bonus", "final_main")
    assert submit(data, run, "--ds_tier", *tiers) == 0
    assert {p.name for p in (run / "submission").iterdir()} == {FILES[tier] for tier in tiers}
    for tier in tiers:
        path = run / "submission" / FILES[tier]
        schema = pq.read_schema(path)
        assert schema.names == ["mouse", "trial_indices", "prediction", "neuron_ids"]
        assert schema.field("prediction").type == pa.list_(pa.list_(pa.float32()))
        assert schema.field("neuron_ids").type == pa.list_(pa.int64())
        table = pd.read_parquet(path)
        assert len(table) == (2 if tier == "live_bonus" else 4)
        for row in table.itertuples():
            (mouse,) = choose_mice(data, [row.mouse])
            file = ResponseFile(run / f"responses/mouse{mouse.id}.h5")
            assert file.labels(row.trial_indices).tier == tier
            np.testing.assert_array_equal(np.stack(row.prediction), file.read(row.trial_indices))
            recording = Recording(mouse)
            known = recording.unit_ids[recording.present]
            assert len(known) == 6
            np.testing.assert_array_equal(row.neuron_ids, known)


@pytest.mark.parametrize("normalization", ["per_neuron_std", "per_frame_std"])
def test_normalised_predictions_are_divided_by_training_responses(
    normalization, data, runs, tmp_path
):
    run = shutil.copytree(runs[0], tmp_path / "run")
    assert submit(data, run, "--ds_tier", "live_main", "--normalization", normalization) == 0
    table = pd.read_parquet(run / "submission" / FILES["live_main"])
    row = table[table["mouse"] == "R1"].iloc[0]
    recording = Recording(choose_mice(data, ["R1"])[0])
    responses = np.stack(
        [recording.read_responses(t, start=0, stop=70) for t in recording.trials("train")]
    )
    axes = (0, 2) if normalization == "per_neuron_std" else 0
    std = (
        responses.std(axis=axes, keepdims=True)[0][:, SKIP:]
        if axes == 0
        else (responses.std(axis=axes)[:, None])
    )
    raw = ResponseFile(run / "responses/mouseR1.h5").read(row["trial_indices"])
    np.testing.assert_allclose(np.stack(row["prediction"]), raw / std, rtol=1e-4)


def test_all_tiers_of_the_recordings_are_the_default(data, runs, tmp_path):
    run = shutil.copytree(runs[0], tmp_path / "run")
    assert submit(data, run) == 0
    written = {path.name for path in (run / "submission").iterdir()}
    assert written == {FILES[tier] for tier in ("live_main", "live_bonus", "final_main")}


def test_trials_of_one_mouse_that_are_missing_leave_no_file(data, runs, tmp_path, capsys):
    run = shutil.copytree(runs[0], tmp_path / "run")
    (run / "responses/mouseR2.h5").unlink()
    predict = ("predict.py", "--data_dir", data, "--output_dir", run, "--verbose", "0")
    assert run_script(*predict, "--mouse_ids", "R2", "--ds_tier", "live_main") == 0
    assert submit(data, run) == 2
    assert "mouseR2.h5 lacks 2 trials of tier final_main, first 8" in capsys.readouterr().err
    assert not (run / "submission").exists()


def test_a_run_of_some_neurons_is_refused(data, tmp_path, capsys):
    args = ("--data_dir", data, "--output_dir", tmp_path, "--mouse_ids", "R1", "--verbose", "0")
    assert run_script("train.py", *args, *SMALL, "--epochs", "1", "--limit_neurons", "4") == 0
    assert run_script("predict.py", *args, "--ds_tier", "live_main") == 0
    assert submit(data, tmp_path, "--ds_tier", "live_main") == 2
    assert "holds 4 neurons" in (said := capsys.readouterr().err)
    assert "has 6: a submission needs all" in said
    with pytest.raises(ConfigError, match="the run has 4 neurons of mouse R1"):
        RunDir(tmp_path).check_rows("R1", 6)


def test_a_missing_tier_names_the_command(data, runs, tmp_path, capsys):
    run = shutil.copytree(runs[0], tmp_path / "run")
    assert submit(data, run, "--ds_tier", "final_bonus") == 2
    assert "predict.py --ds_tier final_bonus" in capsys.readouterr().err


def rows(num_neurons=2, num_frames=3):
    return {
        "mouse": ["R1", "R1"],
        "trial_indices": [4, 5],
        "prediction": [np.ones((num_neurons, num_frames)).tolist()] * 2,
        "neuron_ids": [list(range(num_neurons))] * 2,
    }


EXPECTED = {"R1": {4: (2, 3), 5: (2, 3)}}
SCHEMA = pa.schema(
    {
        "mouse": pa.string(),
        "trial_indices": pa.int64(),
        "prediction": pa.list_(pa.list_(pa.float32())),
        "neuron_ids": pa.list_(pa.int64()),
    }
)


def written(path, table, schema=SCHEMA, compression="brotli"):
    pq.write_table(pa.table(table, schema=schema), path, compression=compression)
    return path


def test_a_good_file_passes_the_check(tmp_path):
    assert check_submission(written(tmp_path / "a", rows()), EXPECTED) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trial_indices": [4, 4]}, "row 1 .*second row"),
        ({"trial_indices": [4, 9]}, "trial 9.*no such test trial"),
        ({"neuron_ids": [[0, 0]] * 2}, "row 0 .*different neuron_ids"),
        ({"prediction": [[[1.0] * 3] * 2, [[1.0] * 3, [1.0] * 2]]}, r"row 1 .*\(2, 2, 3\)"),
        ({"prediction": [[[1.0] * 3] * 2, [[np.nan] * 3] * 2]}, "row 1 .*NaN"),
    ],
)
def test_a_wrong_row_is_named(change, message, tmp_path):
    with pytest.raises(DataError, match=message):
        check_submission(written(tmp_path / "a", rows() | change), EXPECTED)


def test_wrong_columns_types_and_packing_are_refused(tmp_path):
    table = rows()
    wider = SCHEMA.set(1, pa.field("trial_indices", pa.float64()))
    with pytest.raises(DataError, match="expected columns"):
        check_submission(written(tmp_path / "a", table, schema=wider), EXPECTED)
    with pytest.raises(DataError, match="not with brotli"):
        check_submission(written(tmp_path / "b", table, compression="snappy"), EXPECTED)
    short = {name: values[:1] for name, values in table.items()}
    with pytest.raises(DataError, match=r"lacks 1 trials.*trial 5"):
        check_submission(written(tmp_path / "c", short), EXPECTED)


def ensemble(data, output, *flags):
    args = ("--data_dir", data, "--output_dir", output, "--verbose", "0", *flags)
    return run_script("misc/ensemble.py", *args)


def test_an_ensemble_is_the_weighted_mean_and_can_be_scored(data, runs, tmp_path):
    assert ensemble(data, tmp_path / "both", "--runs", *runs, "--weights", 3, 1) == 0
    for mouse_id in ("R1", "R2"):
        first, second, both = (
            ResponseFile(run / f"responses/mouse{mouse_id}.h5")
            for run in (*runs, tmp_path / "both")
        )
        assert both.trial_ids() == first.trial_ids()
        assert both.tiers() == first.tiers()
        assert str(runs[1]) in both.attrs["provenance"]["run"]
        trial = both.trial_ids("live_main")[0]
        assert not np.allclose(first.read(trial), second.read(trial))
        mean = 0.75 * first.read(trial) + 0.25 * second.read(trial)
        np.testing.assert_allclose(both.read(trial), mean, rtol=1e-5)
    args = ("--data_dir", data, "--output_dir", tmp_path / "both", "--verbose", "0")
    assert run_script("misc/evaluate_response.py", *args) == 0
    assert submit(data, tmp_path / "both", "--ds_tier", "live_main") == 0


def test_an_ensemble_of_one_run_twice_is_that_run(data, runs, tmp_path):
    assert ensemble(data, tmp_path / "same", "--runs", runs[0], runs[0]) == 0
    one, same = (ResponseFile(r / "responses/mouseR1.h5") for r in (runs[0], tmp_path / "same"))
    for trial in one.trial_ids():
        np.testing.assert_array_equal(same.read(trial), one.read(trial))


def test_runs_of_other_trials_or_bad_weights_are_refused(data, runs, tmp_path, capsys):
    other = shutil.copytree(runs[1], tmp_path / "other")
    args = ("--data_dir", data, "--output_dir", other, "--verbose", "0")
    (other / "responses/mouseR1.h5").unlink()
    assert run_script("predict.py", *args, "--ds_tier", "live_main", "--mouse_ids", "R1") == 0
    assert ensemble(data, tmp_path / "x", "--runs", runs[0], other, "--mouse_ids", "R1") == 2
    assert "differs" in (said := capsys.readouterr().err)
    assert "trials" in said
    assert ensemble(data, tmp_path / "x", "--runs", *runs, "--weights", 1) == 2
    assert "--weights" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_an_ensemble_never_replaces_a_run(data, runs, tmp_path, capsys):
    run = shutil.copytree(runs[0], tmp_path / "run")
    before = (run / "responses/mouseR1.h5").read_bytes()
    assert ensemble(data, run, "--runs", run, runs[1]) == 2
    assert "holds the predictions of a run that is averaged" in capsys.readouterr().err
    assert (run / "responses/mouseR1.h5").read_bytes() == before


def test_mice_that_one_run_lacks_are_named(data, runs, tmp_path, caplog):
    run = shutil.copytree(runs[0], tmp_path / "run")
    (run / "responses/mouseR2.h5").unlink()
    assert shared_mice([run, runs[1]]) == ["R1"]
    assert "predictions of mouse R2: left out" in caplog.text


def test_an_ensemble_can_predict_first(data, runs, tmp_path):
    run = shutil.copytree(runs[0], tmp_path / "run")
    shutil.rmtree(run / "responses")
    assert ensemble(data, tmp_path / "one", "--runs", run) == 2
    flags = ("--predict", "--ds_tier", "live_main")
    assert ensemble(data, tmp_path / "one", "--runs", run, *flags) == 0
    trial = ResponseFile(runs[0] / "responses/mouseR1.h5").trial_ids("live_main")[0]
    np.testing.assert_allclose(
        ResponseFile(tmp_path / "one/responses/mouseR1.h5").read(trial),
        ResponseFile(runs[0] / "responses/mouseR1.h5").read(trial),
        rtol=1e-5,
    )
