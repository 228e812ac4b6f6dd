"""misc/evaluate_response.py as users call it."""

import subprocess
import sys
from pathlib import Path

import pytest
from predictions import open_recording, predict, write_data

from viv1t.results.tables import read_table
from viv1t.utils.files import read_yaml

ROOT = Path(__file__).parents[2]


def run(*arguments):
    command = [sys.executable, "misc/evaluate_response.py", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


@pytest.fixture
def predicted_run(tmp_path):
    data_dir, run_dir = write_data(tmp_path / "data", ("S", "T")), tmp_path / "run"
    for mouse_id in ("S", "T"):
        predict(open_recording(data_dir, mouse_id), run_dir / f"responses/mouse{mouse_id}.h5")
    return data_dir, run_dir


def test_three_files_are_written(predicted_run):
    data_dir, run_dir = predicted_run
    done = run("--data_dir", data_dir, "--output_dir", run_dir)
    assert done.returncode == 0, done.stderr
    by_tier = read_yaml(run_dir / "evaluation_tier.yaml")
    by_type = read_yaml(run_dir / "evaluation_type.yaml")
    assert set(by_tier) == {"validation", "live_main", "live_bonus", "final_main", "final_bonus"}
    assert set(by_type) == {"movie", "drifting_gabor", "directional_pink_noise", "image"}
    assert set(by_type["movie"]["correlation_per_frame_std"]) == {"S", "T", "average"}
    neurons = read_table(
        run_dir / "neuron_performance.parquet", command="misc/evaluate_response.py"
    )
    mean = neurons.query("mouse == 'T' and tier == 'live_main'")["correlation"].mean()
    assert by_tier["live_main"]["correlation"]["T"] == pytest.approx(mean, rel=1e-5)
    assert "live_main: correlation" in done.stdout


def test_a_run_without_predictions_gets_one_line(tmp_path):
    write_data(tmp_path / "data")
    done = run("--data_dir", tmp_path / "data", "--output_dir", tmp_path / "nowhere")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "holds no mouse<M>.h5; write them with: python predict.py" in done.stderr
    assert not (tmp_path / "nowhere").exists()
