"""misc/demo_physiology.mk: what make demo asks of its models, on a tiny synthetic mouse."""

import shlex
import shutil
import subprocess
from dataclasses import replace

import pytest
from scripts import ROOT, run_script
from tiny_runs import SMALL_VIVIT

from viv1t.data.synthetic import recordings, session, write_recordings
from viv1t.data.synthetic.presets import PRESETS

ANALYSES = ("retinotopy", "direction", "contextual_modulation", "feedbackRF")


def commands(**variables):
    """The scripts that make would run, each with its flags, in order."""
    given = [f"{name}={value}" for name, value in variables.items()]
    words = ("make", "--dry-run", "--always-make", "--no-print-directory", "short-physiology")
    said = subprocess.run([*words, "PY=python", *given], cwd=ROOT, check=True, capture_output=True)
    lines = [shlex.split(line) for line in said.stdout.decode().splitlines()]
    return [line[1:] for line in lines if line[0] == "python"]


def test_every_analysis_and_every_figure_is_in_the_chain(tmp_path):
    for name in ("vivit", "ln"):
        (tmp_path / name / "ckpt").mkdir(parents=True)
        (tmp_path / name / "ckpt/model.pt").touch()
    called = {line[0] for line in commands(DEMO=tmp_path, DATA=tmp_path)}
    scripts = {
        str(path.relative_to(ROOT))
        for name in ANALYSES
        for path in (ROOT / f"tuning_{name}").glob("*.py")
    }
    scripts |= {"misc/extract_attention.py", "misc/visualize_attention.py"}
    assert scripts - called == set()
    assert called - scripts == {"data/save_response.py"}


@pytest.mark.slow
def test_the_chain_runs_from_recordings_to_figures(tmp_path, monkeypatch):
    """The truth answers in place of trained models, whose attention is that of a tiny one."""
    preset = replace(
        PRESETS["test"],
        num_neurons=18,
        num_frames=150,
        padded_frames=150,
        bonus=(6, 4),
        mice={"S1": (("drifting_gabor",), ("gaussian_dots",))},
    )
    for module in (recordings, session):
        monkeypatch.setattr(module, "PRESETS", {"test": preset})
    data_dir = tmp_path / "data"
    write_recordings(data_dir, preset="test")
    assert run_script("data/save_response.py", "--data_dir", data_dir, "--verbose", "0") == 0
    for name in ("vivit", "ln"):
        core = ("--core", "vivit", "--core_use_causal_attention", *SMALL_VIVIT)
        places = ("--data_dir", data_dir, "--output_dir", tmp_path / name, "--verbose", "0")
        few = ("--epochs", "1", "--limit_data", "2", "--num_workers", "0", "--crop_frame", "60")
        assert run_script("train.py", *places, *core, "--readout", "gaussian", *few) == 0
        shutil.copytree(data_dir / "responses", tmp_path / name / "responses")

    # Too few neurons are selective for similarity against distance.
    few = {"SAMPLE": "1 5 9", "SIZES": "0 20 40 60", "NEARBY": "microcolumns"}
    chain = commands(DEMO=tmp_path, DATA=data_dir, **few)
    for script, *flags in chain:
        truth = ("--responder", "truth") if "/predict_" in script else ()
        assert run_script(script, *flags, *truth) == 0, script
    figures = {path.stem for path in (tmp_path / "vivit/figures").rglob("*.png")}
    assert len(figures) > 20
    assert run_script("misc/report.py", "--data_dir", data_dir, "--output_dir", tmp_path) == 0
    assert (tmp_path / "report.html").stat().st_size > 10**6
