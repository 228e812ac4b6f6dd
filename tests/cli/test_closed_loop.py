"""misc/closed_loop.mk: from recordings of day 1 to a verdict on day 2, compared with the truth."""

import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from scripts import ROOT, run_script

from viv1t.data.synthetic import load_truth, recordings, session, write_recordings
from viv1t.data.synthetic.presets import PRESETS
from viv1t.results.in_vivo_tables import VERDICT, VERDICT_FLIPS, VERDICT_ORDERS
from viv1t.results.store import read_result, write_result

sys.path.insert(0, str(Path(__file__).parents[1]))
from tables_of_truth import write_truth

STEPS = (
    *("make_synthetic", "train", "predict", "predict_noise", "fit_aRFs"),
    *("estimate_neuron_reliability", "predict_center_surround_gratings", "generate"),
    *("compare_with_truth", "make_gratings", "export_stimuli", "simulate_session"),
    *("predict_session", "predict_session", "check_cross_session_reliability"),
    *("read_responses", "read_data", "compare_with_truth", "visualize_contextual_modulation"),
    "visualize_grating_vs_generated_surround_response",
)


def commands(folder, **variables):
    """Step -> flags of the scripts that make would run, in order; the data are in `folder`/data."""
    given = {"LOOP": folder / "loop", "DATA": folder / "data", "DEMO": folder / "demo", **variables}
    words = ("make", "--dry-run", "--always-make", "--no-print-directory", "closed-loop")
    flags = [f"{name}={value}" for name, value in given.items()]
    said = subprocess.run([*words, "PY=python", *flags], cwd=ROOT, check=True, capture_output=True)
    lines = said.stdout.decode().replace("\\\n", " ").splitlines()
    split = [shlex.split(line) for line in lines if line.startswith("python ")]
    return [line[1:] for line in split if line[1].endswith(".py")]


def one_mouse(monkeypatch, name, **changes):
    """Recordings called `name` are those of mouse S1 alone, and smaller."""
    preset = replace(PRESETS[name], mice={"S1": (("drifting_gabor",), ())}, **changes)
    for module in (recordings, session):
        monkeypatch.setattr(module, "PRESETS", {name: preset})


def verdict_of(folder):
    """Effects, orders and flips by what they are about."""
    effects = read_result(folder, VERDICT).set_index(["part", "question"])
    orders = read_result(folder, VERDICT_ORDERS).set_index(["responder", "goal"])
    return effects, orders, read_result(folder, VERDICT_FLIPS).set_index("definition")


def test_the_chain_names_scripts_in_order(tmp_path):
    called = commands(tmp_path)
    assert tuple(Path(line[0]).stem for line in called) == STEPS
    assert all((ROOT / line[0]).is_file() for line in called)


def test_a_trained_demo_is_not_trained_again(tmp_path):
    (tmp_path / "demo/vivit/ckpt").mkdir(parents=True)
    (tmp_path / "demo/vivit/ckpt/model.pt").touch()
    called = commands(tmp_path)
    assert tuple(Path(line[0]).stem for line in called) == STEPS[3:]


@pytest.mark.slow
def test_the_loop_of_the_truth(tmp_path, monkeypatch):
    """The truth in place of the twin: what it predicts is true, whatever the noise of the day."""
    one_mouse(monkeypatch, "test", bonus=(1, 2))
    write_recordings(tmp_path / "data", preset="test")
    twin = tmp_path / "loop/twin"
    write_truth(twin, load_truth(tmp_path / "data/synthetic/S1"))
    ranked = {"neuron": range(12), "rank": range(12), "trial_reliability": 0.5, "correlation": 0.5}
    table = pd.DataFrame({"mouse": "S1", **ranked})
    write_result(twin, "neuron_reliability", table, method={})
    few = {"LOOP_BEST": 3, "LOOP_STEPS": 8, "LOOP_CLIPS": 40, "LOOP_REPEATS": 4, "LOOP_FIELD": 120}
    called = commands(tmp_path, **few)[STEPS.index("predict_center_surround_gratings") :]
    for script, *flags in called:
        if "most_exciting" in script or "predict_session" in script:
            flags += ["--responder", "truth"]
        elif "check_cross" in script:
            flags += ["--criterion", "correlation", "--minimum", "-1"]
        assert run_script(script, *flags) == 0, script
    effects, orders, flips = verdict_of(twin)
    assert effects["predicted"].to_numpy() == pytest.approx(effects["true"].to_numpy())
    assert effects["run_agrees"].all()
    assert effects["run_neurons_agree"].dropna().eq(1).all()
    assert effects.loc[effects["claimed"], "agrees"].all()
    assert orders.loc["predicted", "same_order"].eq(1).all()
    assert flips.loc["predicted", "hits"] == flips.loc["predicted", "num_true"]
    assert "claims of the session" in (twin / "closed_loop.md").read_text()


@pytest.mark.proof
@pytest.mark.timeout(2400)
def test_the_loop_closes(tmp_path, monkeypatch):
    """A twin is trained; what day 2 says of surrounds and flips is true, and recovered."""
    one_mouse(monkeypatch, "demo", num_train=120, repeated=(5, 8), bonus=(1, 2))
    few = {"LOOP_EPOCHS": 12, "LOOP_BEST": 12, "LOOP_STEPS": 30, "LOOP_CLIPS": 150}
    for script, *flags in commands(tmp_path, **few):
        flags += ["--num_workers", "0"] if "make_synthetic" in script else []
        assert run_script(script, *flags) == 0, script
    effects, orders, flips = verdict_of(tmp_path / "loop/twin")
    assert effects.loc[effects["claimed"], "agrees"].all()
    gratings = effects.loc["gratings"]
    # Surrounds suppress strong gratings and facilitate weak ones.
    for contrast, sign in (("1", 1), ("0.05", -1)):
        row = gratings.loc[f"suppressed by iso surrounds, contrast {contrast}"]
        assert row["claimed"]
        assert sign * row["recorded"] > 0.1
    assert (gratings["neurons_agree"] >= 0.8).all()
    # Of a few neurons: generated surrounds excite, and inhibit, more than others do, as in truth.
    # Gratings and natural clips differ by a few percent: their order is not claimed.
    for goal, end in (("excite", 0), ("inhibit", -1)):
        row = orders.loc["recorded", goal]
        for order in ("order", "true_order"):
            assert row[order].split(" > ")[end] == "generated"
        assert row["pairs_hold"] >= 0.75
    assert effects.loc["pair of surrounds", "claimed"].sum() >= 2
    # By how much they exceed the threshold decides whether noise hides them.
    assert (flips["num_true"] >= 8).all()
    assert flips.loc["cross-validated", "precision"] >= 0.8
    assert flips.loc["cross-validated", "recall"] >= 0.4
    assert flips.loc["published", "precision"] >= 0.6
    assert flips.loc["published", "recall"] >= 0.6
