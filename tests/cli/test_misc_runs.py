"""Helper scripts that look into runs, on a tiny vivit."""

import numpy as np
import pandas as pd
import pytest
from scripts import run_script
from sessions import write_mice_yaml, write_session
from tiny_runs import SMALL_VIVIT

from viv1t.results.manifest import Source
from viv1t.results.responses import ResponseFile
from viv1t.results.scores import values_in_cortex
from viv1t.results.store import read_result
from viv1t.results.tables import write_table

FLAGS = ("--core", "vivit", "--readout", "gaussian", *SMALL_VIVIT, "--crop_frame", "60")
FLAGS += ("--core_spatial_patch_stride", "4", "--core_pos_encoding", "2", "--epochs", "1")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("recordings")
    for seed, name in enumerate(("A1", "B1")):
        write_session(data_dir / name, seed=seed)
    write_mice_yaml(data_dir, {"A1": {"folder": "A1"}, "B1": {"folder": "B1"}})
    return data_dir


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "vivit"
    common = ("--data_dir", data, "--output_dir", folder, "--verbose", "0")
    assert run_script("train.py", *common, *FLAGS) == 0
    assert run_script("predict.py", *common) == 0
    assert run_script("misc/evaluate_response.py", *common) == 0
    return folder


def drawn(folder, name):
    return sorted(path.name for path in (folder / "figures").glob(f"{name}*.png"))


def test_parameters_are_counted(run, capsys):
    assert run_script("misc/count_parameters.py", "--output_dir", run) == 0
    table = read_result(run, "model_parameters")
    assert f"{table['parameters'].iloc[-1]} parameters" in capsys.readouterr().out
    temporal = table["block"].eq("core.vivit.temporal_transformer.blocks.0")
    assert table.loc[temporal, "parameters"].item() > 0
    assert {"shifters.A1", "readouts.B1"} <= set(table["block"])


def test_runs_are_timed_beside_what_was_published(run, tmp_path):
    compare = ("--compare", f"one={run}", f"two={run}", "--output_dir", tmp_path)
    flags = ("--num_passes", "1", "--num_frames", "60", "--device", "cpu", "--verbose", "0")
    script = "misc/visualize_model_stats.py"
    assert run_script(script, *compare, *flags, "--metric", "correlation") == 0
    table = read_result(tmp_path, "model_stats")
    assert table["model"].tolist() == ["one", "two"]
    assert table["num_frames"].eq(60).all()
    assert (table["trials_per_s"] > 0).all()
    assert table["machine"].str.startswith("cpu, ").all()
    assert table["mean"].nunique() == 1
    published = pd.read_csv(tmp_path / "figures/model_stats_published.csv")
    assert not set(published["model"]) & set(table["model"])
    assert drawn(tmp_path, "model_stats") == ["model_stats.png"]


def test_statistics_of_noise_are_those_of_noise(data, run):
    args = ("--data_dir", data, "--output_dir", run, "--verbose", "0")
    assert run_script("misc/response_statistics.py", *args) == 0
    table = read_result(run, "response_statistics")
    recorded = table[table["source"] == "recorded"]
    assert recorded["reliability"].abs().max() < 0.6  # 20 frames of 2 movies, shown twice
    of_neuron = recorded[recorded["mouse"].eq("A1") & recorded["neuron"].eq(3)].iloc[0]
    trials = [np.load(data / f"A1/data/responses/{trial}.npy")[3, 50:70] for trial in range(10, 14)]
    assert of_neuron["mean"] == pytest.approx(np.concatenate(trials).mean(), rel=1e-5)
    assert table.groupby("source").size().to_dict() == {"predicted": 12, "recorded": 12}
    assert drawn(run, "response_statistics") == ["response_statistics.png"]


def test_a_tier_that_was_not_predicted_is_named(data, run, capsys):
    args = ("--data_dir", data, "--output_dir", run, "--ds_tier", "final_main")
    assert run_script("misc/response_statistics.py", *args) == 2
    assert "predict.py --ds_tier final_main" in capsys.readouterr().err


def test_traces_of_well_predicted_neurons_only(data, run, tmp_path, capsys):
    args = ("misc/visualize_calcium_traces.py", "--data_dir", data, "--output_dir", tmp_path)
    args += ("--compare", f"ViViT={run}", "--verbose", "0")
    assert run_script(*args) == 2
    assert "no neuron is predicted that well in live_main, the best has" in capsys.readouterr().err
    assert run_script(*args, "--min_correlation", "-1", "--num_neurons", "2") == 0
    traces = pd.read_csv(tmp_path / "figures/calcium_traces_mouseA1_responses.csv")
    scores = pd.read_parquet(run / "neuron_performance.parquet")
    scores = scores[scores["mouse"].eq("A1") & scores["tier"].eq("live_main")]
    best = scores.sort_values("correlation", ascending=False)["neuron"].head(2).tolist()
    assert list(dict.fromkeys(traces["neuron"])) == best


def test_inside_the_core(data, run, tmp_path, capsys):
    args = ("--data_dir", data, "--output_dir", run, "--verbose", "0")
    assert run_script("misc/visualize_core_outputs.py", *args, "--num_channels", "3") == 0
    channels = pd.read_csv(run / "figures/core_outputs_mouseB1_10_channels.csv")
    assert len(channels) == 16
    maps = pd.read_csv(run / "figures/core_outputs_mouseB1_10_maps.csv")
    assert list(dict.fromkeys(maps["channel"])) == channels["channel"].head(3).tolist()
    assert run_script("misc/visualize_tokenizer.py", "--output_dir", run, "--verbose", "0") == 0
    similar = pd.read_csv(run / "figures/tokenizer_positions_time.csv")
    alike = similar.loc[similar["row"] == similar["column"], "similarity"]
    np.testing.assert_allclose(alike, 1, rtol=1e-5)
    assert run_script("misc/visualize_tokenizer.py", "--output_dir", tmp_path) == 2
    assert "error: " in capsys.readouterr().err


def test_neurons_are_drawn_where_they_lie(data, run, capsys):
    args = ("misc/visualize_responses_3d.py", "--output_dir", run)
    flags = ("--colour", "response", "--mouse_ids", "B1", "--verbose", "0")
    assert run_script(*args, *flags) == 0
    table = pd.read_csv(run / "figures/cortex_response_mouseB1_neurons.csv")
    places = np.load(data / "B1/meta/neurons/cell_motor_coordinates.npy")
    np.testing.assert_allclose(table[["x_um", "y_um", "z_um"]], places)
    file = ResponseFile(run / "responses/mouseB1.h5")
    means = [file.read(trial).mean(axis=1) for trial in file.trial_ids("live_main")]
    np.testing.assert_allclose(table["value"], np.mean(means, axis=0), rtol=1e-5)
    source = Source(label="run", path=run)
    path = run / "neuron_performance.parquet"
    scored = pd.read_parquet(path)
    write_table(path, scored.iloc[::-1])
    turned = values_in_cortex(source, "response", tier="live_main", mouse_ids=["B1"])["B1"]
    write_table(path, scored)
    np.testing.assert_allclose(turned["value"], table["value"][::-1], rtol=1e-5)
    assert run_script(*args, "--verbose", "0") == 0
    assert len(drawn(run, "cortex_correlation")) == 2
    assert run_script(*args, "--mouse_ids", "Z") == 2
    assert "has no scores of mouse Z, but of A1, B1" in capsys.readouterr().err
