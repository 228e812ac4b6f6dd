"""The attention scripts in a row, on a tiny vivit: files, resuming, figures, errors."""

import shutil

import h5py
import numpy as np
import pytest
from scripts import run_script
from sessions import write_mice_yaml, write_session
from tiny_runs import SMALL_VIVIT

from viv1t.insilico import extract
from viv1t.results.attention import AttentionFiles

VARIABLES = {
    *("videos", "behaviors", "pupil_centers", "responses", "spatial_attentions"),
    *("temporal_attentions", "temporal_per_query", "temporal_lags"),
}
TIERS = ("train",) * 4 + ("oracle",) * 4 + ("live_test_main",) * 4


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("recordings")
    folder = write_session(data_dir / "R1", tiers=TIERS, num_frames=70)
    np.save(folder / "meta/trials/video_ids.npy", np.array([*range(8), 20, 20, 21, 21]))
    write_mice_yaml(data_dir, {"R1": {"folder": "R1"}})
    return data_dir


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "vivit"
    flags = ("--core", "vivit", "--readout", "gaussian", *SMALL_VIVIT, "--crop_frame", "60")
    flags += ("--core_use_causal_attention", "--core_spatial_patch_stride", "4")
    flags += ("--epochs", "1", "--verbose", "0")
    assert run_script("train.py", "--data_dir", data, "--output_dir", run, *flags) == 0
    return run


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


def extracted(script, data, run, *flags):
    return run_script(script, "--data_dir", data, "--output_dir", run, "--verbose", "0", *flags)


def contents(files):
    return {
        name: [a.tobytes() for a in files.read_several(name, files.trial_ids())]
        for name in files.variables()
    }


MISC = "misc/extract_attention.py"


def test_recorded_trials_from_files_to_figures(data, run, capsys):
    assert extracted(MISC, data, run, "--sensitivity") == 0
    files = AttentionFiles.of(run, "attention", "R1")
    assert set(files.variables()) == VARIABLES | {"sensitivities"}
    assert files.trial_ids() == (8, 9, 10, 11)
    with h5py.File(files.path / "spatial_attentions.h5") as file:
        assert set(file) == {"8", "9", "10", "11"}
    grid = files.facts["geometry"]["grid"]
    assert files.read("spatial_attentions", 8).shape == (20, grid[0] * grid[1])
    assert files.read("temporal_attentions", 8).shape == (20,)
    assert files.read("videos", 8).shape == (70, *files.facts["geometry"]["frame_shape"])
    assert files.read("sensitivities", 8).shape == (20, *files.facts["geometry"]["frame_shape"])
    show = ("misc/visualize_attention.py", "--output_dir", run, "--verbose", "0")
    assert run_script(*show, "--num_samples", "1") == 0
    names = {path.name for path in (run / "figures").rglob("*.*")}
    assert {"attention_mouseR1.pdf", "attention_mouseR1_time.csv"} <= names
    assert {name for name in names if name.endswith(".gif")} == {"attention_mouseR1_movie20.gif"}


def test_published_summaries_stand_beside_the_others(data, run):
    assert extracted(MISC, data, run) == 0
    assert extracted(MISC, data, run, "--as_published") == 0
    own, published = (
        AttentionFiles.of(run, name, "R1") for name in ("attention", "attention_published")
    )
    assert published.facts["as_published"]
    temporal = published.read("temporal_attentions", 8)
    assert temporal.max() <= 1
    np.testing.assert_allclose(
        own.read("spatial_attentions", 8),
        published.read("spatial_attentions", 8) * np.prod(own.facts["geometry"]["grid"]),
        rtol=1e-5,
    )
    show = ("misc/visualize_attention.py", "--output_dir", run, "--verbose", "0")
    assert run_script(*show, "--num_samples", "0", "--as_published") == 0


def test_interrupted_and_continued_gives_the_same(data, run, trained, tmp_path, monkeypatch):
    whole = shutil.copytree(trained, tmp_path / "whole")
    assert extracted(MISC, data, whole) == 0
    watched = []

    def interrupt(*args, **kwargs):
        if len(watched) == 2:
            raise KeyboardInterrupt
        watched.append(1)
        return original(*args, **kwargs)

    original = extract.watch_attention
    monkeypatch.setattr(extract, "watch_attention", interrupt)
    assert extracted(MISC, data, run) == 130
    files = AttentionFiles.of(run, "attention", "R1")
    assert files.variables() == ()
    monkeypatch.setattr(extract, "watch_attention", original)
    assert extracted(MISC, data, run) == 0
    assert not (files.path / "parts").exists()
    expected = AttentionFiles.of(whole, "attention", "R1")
    assert contents(files) == contents(expected)
    assert files.facts == expected.facts

    def never(*args, **kwargs):
        raise AssertionError("nothing is left to do")

    monkeypatch.setattr(extract, "watch_attention", never)
    assert extracted(MISC, data, run) == 0
    assert contents(files) == contents(expected)


def test_other_trials_are_not_mixed(data, run, capsys):
    assert extracted(MISC, data, run) == 0
    assert extracted(MISC, data, run, "--sensitivity") == 2
    assert "other with_sensitivity: delete the folder" in capsys.readouterr().err


def test_a_missing_earlier_step_names_its_command(run, capsys):
    for folder, name in (("misc", "attention"), ("tuning_feedbackRF", "attention_feedbackRF")):
        script = f"{folder}/visualize_attention.py"
        assert run_script(script, "--output_dir", run, "--verbose", "0") == 2
        error = capsys.readouterr().err
        assert f"{name} holds no attention" in error
        assert f"python {folder}/extract_attention.py --output_dir {run}" in error


@pytest.mark.slow
def test_discs_and_holes_from_files_to_figures(data, run):
    script = "tuning_feedbackRF/extract_attention.py"
    flags = ("--sizes_deg", "0", "20", "40", "60", "--num_repeats", "2", "--mouse_ids", "R1")
    assert extracted(script, data, run, *flags) == 0
    files = AttentionFiles.of(run, "attention_feedbackRF", "R1")
    rows = files.facts["trials"]
    assert len(rows) == 4 * 2 * 2 * 2
    assert len(files.trial_ids()) == len(rows) // 4
    (blank,) = [
        files.read("videos", row["trial"])[row["onset"] : row["onset"] + row["on"]]
        for row in rows
        if (row["size_deg"], row["inverse"], row["direction"], row["repeat"]) == (0, 0, 0, 0)
    ]
    assert (blank == 127).all()
    show = ("tuning_feedbackRF/visualize_attention.py", "--output_dir", run, "--verbose", "0")
    assert run_script(*show) == 0
    names = {path.name for path in (run / "figures").iterdir()}
    assert {f"attention_feedbackRF_mouseR1.{kind}" for kind in ("pdf", "png", "gif")} <= names


def test_what_has_no_attention_says_so(data, run, capsys):
    flags = ("--responder", "truth")
    assert extracted("tuning_feedbackRF/extract_attention.py", data, run, *flags) == 2
    assert capsys.readouterr().err.startswith("error: ")
