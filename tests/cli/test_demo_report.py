"""misc/demo_report.py, and the examples it shows, on runs trained on synthetic mice."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scripts import run_script
from tiny_runs import SMALL_VIVIT

import viv1t
from viv1t.data.synthetic import SyntheticMouse, load_truth, noise_ceiling, write_recordings
from viv1t.insilico import compare, examples
from viv1t.results.run import RunDir

SKIP = 50
MODELS = {
    "vivit": ("--core", "vivit", "--readout", "gaussian", "--crop_frame", "60", *SMALL_VIVIT),
    "ln": ("--core", "linear", "--readout", "factorized", "--limit_neurons", "5"),
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    """A folder with data/ and two trained and predicted runs."""
    folder = tmp_path_factory.mktemp("demo")
    write_recordings(folder / "data", preset="test")
    for name, flags in MODELS.items():
        places = ("--data_dir", folder / "data", "--output_dir", folder / name, "--verbose", "0")
        quick = ("--epochs", "1", "--limit_data", "2", "--num_workers", "0")
        assert run_script("train.py", *places, *flags, *quick) == 0
        assert run_script("predict.py", *places, "--num_workers", "0") == 0
    return folder


@pytest.fixture(scope="module")
def comparison(demo):
    return compare.open_comparison(demo / "data", {"ViViT": demo / "vivit", "LN": demo / "ln"})


@pytest.fixture(scope="module")
def scores(comparison) -> pd.DataFrame:
    return compare.neuron_scores(comparison)


def call(demo: Path, *flags: object) -> int:
    runs = ("--runs", demo / "vivit", demo / "ln", "--output_dir", demo / "report")
    return run_script("misc/demo_report.py", "--data_dir", demo / "data", *runs, *flags)


def test_report_prints_the_table_and_saves_it_with_figures(demo, capsys):
    assert call(demo, "--labels", "ViViT", "LN") == 0
    said = capsys.readouterr().out
    table = pd.read_csv(demo / "report/table.csv")
    assert table.columns.tolist()[:5] == ["mouse_id", "tier", "stimulus", "shows", "trials"]
    whole = table.query("mouse_id == 'S1' and tier == 'live_main'").iloc[0]
    expected = noise_ceiling(demo / "data", "S1", "live_main").mean()
    assert whole["ceiling"] == pytest.approx(expected)
    assert whole["ViViT %"] == pytest.approx(100 * whole["ViViT r"] / whole["ceiling"])
    assert f"{whole['ViViT r']:.3f}" in said
    assert "ViViT - LN: " in said
    assert "ViViT, mouse S2: readout positions" in said
    assert "LN: no readout positions" in said
    assert (demo / "report/table.txt").read_text().strip() in said
    figures = {path.name for path in (demo / "report/figures").glob("*.png")}
    names = ("learning_curves", "scores", "ceiling", "traces_S1", "traces_S2", "positions_ViViT")
    assert figures == {f"{name}.png" for name in names}
    assert all((demo / f"report/figures/{name}.pdf").stat().st_size > 0 for name in names)


def test_scores_agree_with_the_evaluation_of_the_training(demo, scores):
    """Transformed units there, recorded units here: correlations are the same."""
    stored = pd.read_parquet(RunDir.open(demo / "vivit").evaluation_parquet)
    stored = stored[stored["metric"] == "correlation"].set_index(["mouse", "tier"])["value"]
    whole = scores.query("model == 'ViViT' and stimulus == 'all'")
    found = whole.groupby(["mouse_id", "tier"])["correlation"].mean()
    assert len(found) == len(stored) == 10
    for key, value in stored.items():
        assert found[key] == pytest.approx(value, abs=2e-3)


def test_labels_must_be_as_many_as_runs(demo, capsys):
    assert call(demo, "--labels", "ViViT") == 2
    assert "--labels needs 2 different names, one a run, got ViViT" in capsys.readouterr().err
    assert call(demo, "--labels", "same", "same") == 2


def test_example_traces_are_means_over_repeats(demo, comparison, scores):
    found = examples.example_traces(comparison, scores, "S1")
    recording = comparison.recordings["S1"]
    shown = [t for t in recording.trials("live_main") if recording.video_ids[t] == found.video_id]
    assert found.num_repeats == len(shown) == 4
    truth = SyntheticMouse.open(demo / "data", ("S1",))
    file = comparison.responses("ViViT", "S1")
    trials = [recording.load(int(t)) for t in shown]
    for neuron, rows in found.table.groupby("neuron"):
        lines = rows.groupby("kind")["response"]
        recorded = np.stack([trial.response[neuron, SKIP:] for trial in trials])
        np.testing.assert_allclose(lines.get_group("trial"), recorded.ravel(), rtol=1e-6)
        np.testing.assert_allclose(lines.get_group("mean"), recorded.mean(axis=0), rtol=1e-5)
        rates = [
            truth.predict(t.video[0], "S1", behavior=t.behavior, pupil_center=t.pupil_center)
            for t in trials
        ]
        expected = np.mean(rates, axis=0)[neuron, SKIP:]
        np.testing.assert_allclose(lines.get_group("truth"), expected, rtol=1e-5)
        predicted = rows.query("source == 'ViViT'")
        expected = np.mean([file.read(int(t))[neuron] for t in shown], axis=0)
        np.testing.assert_allclose(predicted["response"], expected, rtol=1e-5)
        assert predicted["time_s"].iloc[[0, -1]].tolist() == pytest.approx([50 / 30, 69 / 30])
    assert found.video.shape == (70, 16, 28)


def test_example_neurons_stand_at_their_quantiles(comparison, scores):
    table = examples.example_traces(comparison, scores, "S2").table
    drawn = table.query("source == 'ViViT'").groupby("quality", sort=False)["correlation"].first()
    of_mouse = scores.query("model == 'ViViT' and mouse_id == 'S2' and tier == 'live_main'")
    correlation = of_mouse["correlation"].sort_values()
    assert drawn.index.tolist() == ["well predicted", "median", "poorly predicted"]
    assert drawn.is_monotonic_decreasing
    assert drawn["median"] in correlation.iloc[5:7].to_numpy()


def test_no_traces_of_a_tier_that_the_mouse_lacks(comparison, scores):
    assert examples.example_traces(comparison, scores, "S1", tier="train") is None


def test_learned_positions_stand_beside_true_centres(demo, comparison):
    tables = examples.readout_positions(comparison)
    assert list(tables) == ["ViViT"]
    table = tables["ViViT"].query("mouse_id == 'S2'")
    truth = load_truth(comparison.recordings["S2"].folder)
    np.testing.assert_allclose(table["true_x_px"], truth["rf_x_px"])
    np.testing.assert_allclose(table["true_y_px"], truth["rf_y_px"])
    model = viv1t.load(demo / "vivit", device="cpu").model
    offset = table[["learned_x_px", "learned_y_px"]] - model.readout_positions_px("S2").numpy()
    assert offset.to_numpy().std(axis=0) == pytest.approx(0, abs=1e-4)
    assert np.abs(offset.to_numpy()).max() > 1e-3
    agreement = examples.agreement(table).iloc[0]
    expected = np.corrcoef(table["true_y_px"], table["learned_y_px"])[0, 1]
    assert agreement["y"] == pytest.approx(expected)
