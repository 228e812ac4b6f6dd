"""Scripts that put scores of runs together: tables, depths, limited data."""

import numpy as np
import pandas as pd
import pytest
import yaml
from scripts import run_script

METRICS = (
    "correlation",
    "single_trial_correlation",
    "correlation_to_average",
    "normalized_correlation",
)


def write_run(folder, level, *, limits=(None, None)):
    """A folder like that of a scored run: two mice of 4 neurons on two planes."""
    (folder / "data").mkdir(parents=True)
    (folder / "ckpt").mkdir()
    (folder / "ckpt/model.pt").touch()
    args = {"limit_data": limits[0], "limit_neurons": limits[1]}
    (folder / "args.yaml").write_text(yaml.safe_dump(args))
    parts = []
    for mouse, gain in (("A", 0.0), ("B", 0.1)):
        places = np.zeros((4, 3), np.float32)
        places[:, 2] = [100, 102, 300, 300]
        np.savez(folder / f"data/mouse{mouse}.npz", coordinates=places, unit_ids=np.arange(4))
        for tier in ("validation", "live_main"):
            rows = {"mouse": mouse, "neuron": range(4), "unit_id": range(4), "tier": tier}
            table = pd.DataFrame(rows | {"stimulus_type": "all"})
            parts.append(table.assign(**dict.fromkeys(METRICS, level + gain)))
    pd.concat(parts).to_parquet(folder / "neuron_performance.parquet")
    return folder


@pytest.fixture
def runs(tmp_path):
    return write_run(tmp_path / "good", 0.5), write_run(tmp_path / "poor_one", 0.25)


def test_the_table_has_means_over_mice(runs, tmp_path, capsys):
    compare = ("--compare", f"Good={runs[0]}", f"poor_one={runs[1]}")
    args = ("--output_dir", tmp_path, *compare)
    assert run_script("misc/print_performance_table.py", *args) == 0
    said = capsys.readouterr().out
    assert "| model | validation | live_main |" in said
    assert "| Good | 0.550 ± 0.050 | 0.550 ± 0.050 |" in said
    assert run_script("misc/print_performance_table.py", *args, "--format", "latex") == 0
    assert r"poor\_one & 0.300 (0.050) & 0.300 (0.050) \\" in capsys.readouterr().out


def test_depths_are_drawn_with_gains(runs, tmp_path):
    compare = ("--compare", f"poor={runs[1]}", f"good={runs[0]}")
    args = ("--output_dir", tmp_path, *compare, "--verbose", "0")
    assert run_script("misc/performance_by_depth.py", *args) == 0
    planes = pd.read_csv(tmp_path / "figures/performance_by_depth_planes.csv")
    good = planes[planes["model"] == "good"]
    assert good["depth_um"].tolist() == [101, 300]
    np.testing.assert_allclose(good["gain_percent"], 100 * 0.25 / 0.3)
    assert (tmp_path / "figures/performance_by_depth.pdf").is_file()


def test_limited_data_is_drawn_in_percent_of_the_full_run(runs, tmp_path):
    few = write_run(tmp_path / "few", 0.15, limits=(35, 10))
    args = ("--output_dir", tmp_path, "--runs", few, runs[0], "--verbose", "0")
    assert run_script("misc/visualize_limit_data.py", *args) == 0
    grid = pd.read_csv(tmp_path / "figures/limited_data_grid.csv", index_col=0)
    assert grid.iloc[0, 0] == pytest.approx(100 * 0.2 / 0.55)
    assert grid.iloc[1, 1] == pytest.approx(100)


def test_a_run_without_scores_names_the_command(runs, tmp_path, capsys):
    (runs[0] / "neuron_performance.parquet").unlink()
    args = ("--output_dir", tmp_path, "--compare", f"Good={runs[0]}")
    assert run_script("misc/print_performance_table.py", *args) == 2
    assert "misc/evaluate_response.py --output_dir" in capsys.readouterr().err


def test_commands_are_printed_and_written(tmp_path, capsys):
    args = ("--output_dir", "runs/few", "--num_neurons", 10, "--steps", 2)
    assert run_script("misc/limit_data.py", *args, "--to", tmp_path / "jobs.sh") == 0
    lines = (tmp_path / "jobs.sh").read_text().splitlines()
    assert [line.split()[3] for line in lines] == [
        "runs/few/001_175data_0010neuron",
        "runs/few/002_350data_0010neuron",
    ]
    assert lines[0] in capsys.readouterr().out
