"""misc/demo_exciting.mk: what make most-exciting asks of the models of make demo."""

import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from scripts import ROOT, run_script

from viv1t.data.synthetic import recordings, session, write_recordings
from viv1t.data.synthetic.presets import PRESETS
from viv1t.most_exciting_stimulus.library import library_folder, read_library
from viv1t.results.store import read_result, write_result

sys.path.insert(0, str(Path(__file__).parents[1]))
from tables_of_truth import write_truth


def commands(**variables):
    """The scripts that make would run, each with its flags, in order."""
    given = [f"{name}={value}" for name, value in variables.items()]
    words = ("make", "--dry-run", "--always-make", "--no-print-directory", "most-exciting")
    said = subprocess.run([*words, "PY=python", *given], cwd=ROOT, check=True, capture_output=True)
    lines = [shlex.split(line) for line in said.stdout.decode().splitlines()]
    return [line[1:] for line in lines if line[:1] == ["python"] and "exciting" in line[1]]


def test_the_chain_names_scripts_in_order(tmp_path):
    (tmp_path / "vivit/ckpt").mkdir(parents=True)
    (tmp_path / "vivit/ckpt/model.pt").touch()
    called = commands(DEMO=tmp_path, DATA=tmp_path)
    names = [Path(line[0]).stem for line in called]
    assert all((ROOT / line[0]).is_file() for line in called)
    order = ("predict_center_surround_gratings", "generate", "compare_with_truth", "make_gallery")
    assert [name for name in names if name in order] == list(order)


@pytest.mark.slow
def test_the_chain_from_recordings_to_the_truth(tmp_path, monkeypatch):
    """The truth answers in place of the trained model, so that its ranking holds in the truth."""
    preset = replace(
        PRESETS["test"], num_neurons=6, bonus=(1, 2), mice={"S1": (("drifting_gabor",), ())}
    )
    for module in (recordings, session):
        monkeypatch.setattr(module, "PRESETS", {"test": preset})
    data_dir, run = tmp_path / "data", tmp_path / "vivit"
    write_recordings(data_dir, preset="test")
    (run / "ckpt").mkdir(parents=True)
    (run / "ckpt/model.pt").touch()
    (truth,) = data_dir.rglob("truth.parquet")
    write_truth(run, pd.read_parquet(truth))
    ranked = {"neuron": range(6), "rank": range(6), "trial_reliability": 0.5, "correlation": 0.5}
    table = pd.DataFrame({"mouse": "S1", **ranked})
    write_result(run, "neuron_reliability", table, method={})

    few = {"BEST": 2, "STEPS": 12, "SEEDS": 1, "CLIPS": 20}
    for script, *flags in commands(DEMO=tmp_path, DATA=data_dir, **few)[1:5]:
        assert run_script(script, *flags, "--responder", "truth") == 0, script
    assert len(read_library(library_folder(run, "cutoff30"))) == 2 * 3
    matched = read_library(library_folder(run, "cutoff30_matched")).table
    assert len(matched) == 2 * 2 * 2
    assert matched["rms"].eq(30).all()
    table = read_result(run, "twin_and_truth")
    assert len(table) == 2 * 2 * 4
    assert table["twin"].to_numpy() == pytest.approx(table["truth"].to_numpy(), rel=1e-4)
    assert read_result(run, "twin_and_truth_orders")["same_order"].all()
    tests = read_result(run, "twin_and_truth_tests")
    assert len(tests) == 2 * 2 * 3
    assert tests["n"].eq(2).all()
    assert (run / "figures/twin_and_truth.png").stat().st_size > 10**4
