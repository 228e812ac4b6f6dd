"""Tables that compare runs: numbers against slow, independent versions of themselves."""

import numpy as np
import pandas as pd
import pytest

from viv1t.errors import ConfigError, MissingResultError
from viv1t.insilico import compare
from viv1t.results.responses import ResponseAttributes, ResponseFile, TrialLabels
from viv1t.results.run import RunDir

SKIP = 50
TIERS = ("validation", "live_main")


def write_run(path, recordings, predict, *, units="recorded", neurons=slice(None)):
    """A run folder whose predictions for a recorded response (n, t) are `predict(response)`."""
    run = RunDir.create(path, {"schema": 1})
    run.write_history(
        [{"epoch": e, "train_loss": 10.0 / e, "val_corr": 0.1 * e} for e in range(1, 4)]
    )
    for mouse_id, recording in recordings.items():
        rows = np.arange(recording.num_neurons)[neurons]
        attributes = ResponseAttributes(
            mouse=mouse_id,
            unit_ids=recording.unit_ids[rows],
            neuron_idx=rows,
            units=units,
            source="predicted",
            skip_frames=SKIP,
            fps=30.0,
        )
        with ResponseFile(run.responses(mouse_id)).update(attributes, tiers=TIERS) as writer:
            for tier in TIERS:
                for trial in recording.trials(tier):
                    response = recording.load(int(trial)).response[rows, SKIP:]
                    labels = TrialLabels(tier=tier, video_id=0)
                    writer.write(int(trial), predict(response), labels)
    return run.path


def noisy(response):
    rng = np.random.default_rng(0)
    return response + rng.normal(0, response.std(), response.shape)


@pytest.fixture(scope="module")
def comparison(random_data, tmp_path_factory):
    recordings = {m.id: compare.Recording(m) for m in compare.choose_mice(random_data, None)}
    folder = tmp_path_factory.mktemp("runs")
    runs = {
        "exact": write_run(folder / "exact", recordings, lambda r: 3 * r + 1),
        "noisy": write_run(folder / "noisy", recordings, noisy, neurons=slice(1, 4)),
    }
    return compare.open_comparison(random_data, runs)


def test_mice_are_those_that_the_first_run_predicted(comparison):
    assert tuple(comparison.recordings) == ("R1", "R2")
    assert comparison.tiers("R1") == TIERS
    assert not comparison.has_truth("R1")


def test_correlation_is_over_concatenated_trials(comparison):
    scores = compare.neuron_scores(comparison)
    assert scores.query("model == 'exact'")["correlation"].to_numpy() == pytest.approx(1, abs=1e-4)
    recording = comparison.recordings["R2"]
    found = scores.query("model == 'noisy' and mouse_id == 'R2' and tier == 'live_main'")
    assert found["neuron"].tolist() == [1, 2, 3]
    assert found["ceiling"].isna().all()
    trials = [int(t) for t in recording.trials("live_main")]
    file = comparison.responses("noisy", "R2")
    for row, neuron in enumerate(found["neuron"]):
        true = np.concatenate([recording.load(t).response[neuron, SKIP:] for t in trials])
        pred = np.concatenate([file.read(t)[row] for t in trials])
        expected = np.corrcoef(true, pred)[0, 1]
        assert found["correlation"].iloc[row] == pytest.approx(expected, abs=1e-4)


def test_summary_is_a_ratio_of_means_and_averages_mice():
    table = pd.DataFrame(
        {
            "model": "m",
            "mouse_id": ["a", "a", "b", "b", "b"],
            "tier": "live_main",
            "stimulus": "all",
            "shows": ["movie", "movie", "image", "image", "image"],
            "trials": [4, 4, 2, 2, 2],
            "neuron": [0, 1, 0, 1, 2],
            "correlation": [0.1, 0.5, 0.4, 0.4, 0.4],
            "ceiling": [0.2, 1.0, 0.8, 0.8, 0.8],
        }
    )
    found = compare.summarise(table).set_index("mouse_id")
    assert found["correlation"].to_dict() == pytest.approx({"a": 0.3, "b": 0.4, "mean": 0.35})
    assert found["share"].to_dict() == pytest.approx({"a": 50, "b": 50, "mean": 50})
    assert found["trials"].to_dict() == {"a": 4, "b": 2, "mean": 6}
    assert found["shows"].to_dict() == {"a": "movie", "b": "image", "mean": "various"}


def test_tier_that_one_mouse_lacks_has_no_average():
    table = pd.DataFrame(
        {
            "model": "m",
            "mouse_id": ["a", "b", "a"],
            "tier": ["live_main", "live_main", "live_bonus"],
            "stimulus": "all",
            "shows": "movie",
            "trials": 1,
            "neuron": 0,
            "correlation": 0.5,
            "ceiling": np.nan,
        }
    )
    found = compare.summarise(table)
    assert found.loc[found["mouse_id"] == "mean", "tier"].tolist() == ["live_main"]


def test_table_stands_side_by_side_and_aligned(comparison):
    table = compare.side_by_side(compare.summarise(compare.neuron_scores(comparison)))
    assert table.columns.tolist()[-4:] == ["exact r", "exact %", "noisy r", "noisy %"]
    assert table["mouse_id"].tolist() == ["R1"] * 2 + ["R2"] * 2 + ["mean"] * 2
    lines = compare.as_text(table).splitlines()
    assert len({len(line) for line in lines}) == 1
    heads = "mouse tier shows trials ceiling exact r exact % noisy r noisy %"
    assert lines[0].split() == heads.split()
    assert lines[1].split()[:3] == ["R1", "validation", "movie"]
    assert lines[2].split()[0] == "live_main"
    assert "1.000" in lines[1]
    assert "nan" not in "".join(lines).lower()


def test_histories_of_all_runs(comparison):
    table = compare.histories(comparison)
    assert table["model"].unique().tolist() == ["exact", "noisy"]
    noisy_rows = table.query("model == 'noisy'")
    assert noisy_rows["epoch"].tolist() == [1, 2, 3]
    assert noisy_rows["correlation"].tolist() == pytest.approx([0.1, 0.2, 0.3])


def test_run_without_predictions_names_the_command(random_data, tmp_path):
    run = RunDir.create(tmp_path / "run", {"schema": 1})
    with pytest.raises(MissingResultError, match=r"python predict\.py --data_dir .* --output_dir"):
        compare.open_comparison(random_data, {"run": run.path})
    given = compare.open_comparison(random_data, {"run": run.path}, ["R1"])
    with pytest.raises(MissingResultError, match=r"mouseR1\.h5 does not exist: write it with"):
        compare.neuron_scores(given)


def test_responses_in_model_units_are_refused(comparison, tmp_path):
    run = write_run(tmp_path / "run", comparison.recordings, noisy, units="model")
    other = compare.open_comparison(comparison.data_dir, {"run": run})
    with pytest.raises(ConfigError, match="recorded units, found units 'model'"):
        compare.neuron_scores(other)
