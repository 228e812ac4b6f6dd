"""The run folder: what may be written where, and what clearing removes."""

import json
import subprocess
import sys

import pytest

from viv1t.errors import ConfigError, MissingResultError, UserError
from viv1t.results import provenance
from viv1t.results.run import RunDir
from viv1t.results.specs import TABLES

VALUES = {"schema": 1, "core": "linear", "lr": 0.1, "epochs": 3, "mouse_ids": ["A"]}
MADE = (
    *("model.txt", "history.jsonl", "ckpt/model.pt", "ckpt/info.yaml", "ckpt/last.pt"),
    *("data/mouseA.npz", "evaluation.yaml", "evaluation.parquet", "responses/mouseA.h5"),
    *("tensorboard/events.out.tfevents.1", "wandb/run/file"),
    *("experiments/noise/mouseA.h5", "experiments/noise/mouseB/group0000.h5"),
    *(f"tables/{name}.parquet" for name in TABLES),
)


@pytest.fixture
def run(tmp_path):
    """A run with every file that a run makes."""
    run = RunDir.create(tmp_path / "run", VALUES)
    for name in MADE:
        write(run.path / name)
    return run


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("content")


def names(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_new_folder_holds_flags_and_provenance(tmp_path):
    run = RunDir.create(tmp_path / "runs" / "1", VALUES)
    assert names(run.path) == {"args.yaml", "provenance.json"}
    assert RunDir.open(run.path).read_args() == VALUES
    assert run.read_provenance() == {"made_by": "viv1t", "starts": [], "facts": {}}


def test_the_same_flags_go_on(run):
    before = names(run.path)
    changed = VALUES | {"epochs": 9, "device": "cpu", "num_workers": 4, "wandb": "x", "verbose": 2}
    RunDir.create(run.path, changed)
    assert names(run.path) == before
    assert run.read_args()["epochs"] == 9


def test_other_flags_are_listed_with_both_values(run):
    other = VALUES | {"lr": 0.2, "mouse_ids": ["A", "B"], "epochs": 9}
    with pytest.raises(ConfigError) as caught:
        RunDir.create(run.path, other)
    assert "--lr was 0.1, now 0.2" in str(caught.value)
    assert "--mouse_ids was ['A'], now ['A', 'B']" in str(caught.value)
    assert "--epochs" not in str(caught.value)
    assert run.read_args() == VALUES


def test_another_schema_is_refused(run):
    run.args.write_text("schema: 0")
    with pytest.raises(ConfigError, match="should state schema 1, found 0"):
        RunDir.create(run.path, VALUES)


@pytest.mark.parametrize("clear", [False, True])
@pytest.mark.parametrize(
    "files",
    [
        {"thesis.tex": "text"},
        {"args.yaml": "core: vivit", "ckpt/model.pt": "published"},
        {"provenance.json": "not json", "x": ""},
        {"provenance.json": json.dumps({"made_by": "other"})},
    ],
)
def test_a_folder_that_no_run_made_is_never_touched(tmp_path, files, clear):
    folder = tmp_path / "precious"
    for name, text in files.items():
        write(folder / name)
        (folder / name).write_text(text)
    with pytest.raises(ConfigError, match="precious holds files, but no run of viv1t"):
        RunDir.create(folder, VALUES, clear=clear)
    assert {name: (folder / name).read_text() for name in names(folder)} == files


def test_a_file_in_place_of_the_folder(tmp_path):
    write(tmp_path / "run")
    with pytest.raises(ConfigError, match="is a file; name a folder"):
        RunDir.create(tmp_path / "run", VALUES)


def test_clearing_removes_what_a_run_makes_and_nothing_else(run, caplog):
    kept = {"notes.md", "figures/mine.pdf", "ckpt/copy.pt", "responses/mouseA.csv"}
    for name in kept:
        write(run.path / name)
    other = VALUES | {"lr": 0.2}
    RunDir.create(run.path, other, clear=True)
    assert names(run.path) == kept | {"args.yaml", "provenance.json"}
    assert run.read_args() == other
    assert run.read_provenance()["starts"] == []
    assert "kept ckpt, figures, notes.md, responses" in caplog.text


def test_clearing_leaves_no_empty_folders(run):
    RunDir.create(run.path, VALUES, clear=True)
    assert not [path for path in run.path.iterdir() if path.is_dir()]


@pytest.mark.parametrize(
    "left",
    [
        (),
        (".args.yaml.77.tmp",),
        (".provenance.json.77.tmp",),
        ("provenance.json",),
        ("provenance.json", ".args.yaml.77.tmp"),
    ],
)
def test_a_start_that_was_cut_off_can_be_repeated(tmp_path, left):
    folder = tmp_path / "run"
    RunDir.create(folder, VALUES)
    for path in folder.iterdir():
        if path.name not in left:
            path.unlink()
    for name in left:
        if name.startswith("."):
            write(folder / name)
    RunDir.create(folder, VALUES | {"lr": 7})
    assert names(folder) == {"args.yaml", "provenance.json"}


def test_a_clearing_that_was_cut_off_can_be_repeated(run):
    run.args.unlink()
    with pytest.raises(ConfigError, match="should state schema 1, found None"):
        RunDir.create(run.path, VALUES)
    RunDir.create(run.path, VALUES, clear=True)
    assert names(run.path) == {"args.yaml", "provenance.json"}


def test_opening_what_is_no_run_names_the_command(tmp_path):
    with pytest.raises(MissingResultError, match=r"is not a run: .*python train\.py --output_dir"):
        RunDir.open(tmp_path / "nowhere")


def test_history_is_strict_json(run):
    rows = [{"epoch": 1, "val_corr": float("nan"), "loss": 0.5}, {"epoch": 2, "x": float("inf")}]
    run.write_history(rows)
    stored = run.read_history()
    assert stored == [{"epoch": 1, "val_corr": None, "loss": 0.5}, {"epoch": 2, "x": None}]
    assert "NaN" not in run.history.read_text()


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (lambda run: run.history.write_text("{"), UserError, "a line that is not JSON"),
        (lambda run: run.history.unlink(), MissingResultError, "no epoch has finished"),
    ],
)
def test_a_damaged_history_is_named(run, damage, error, message):
    damage(run)
    with pytest.raises(error, match=message):
        run.read_history()


def test_starts_and_facts_add_up(run):
    run.record_start({"host": "a"})
    run.record_start({"host": "b"})
    run.record_facts({"x": 1, "y": 1})
    run.record_facts({"y": 2})
    stored = run.read_provenance()
    assert [start["host"] for start in stored["starts"]] == ["a", "b"]
    assert stored["facts"] == {"x": 1, "y": 2}
    run.provenance.unlink()
    with pytest.raises(MissingResultError, match=r"provenance\.json does not exist"):
        run.read_provenance()


def git(folder, *arguments):
    identity = ("-c", "user.name=n", "-c", "user.email=e@x")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True)


def test_git_state_tells_clean_from_dirty(tmp_path):
    git(tmp_path, "init", "-q")
    write(tmp_path / "file")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-q", "-m", "one")
    state = provenance.git_state(tmp_path)
    assert len(state["git_hash"]) == 40
    assert state["git_dirty"] is False
    (tmp_path / "file").write_text("changed")
    assert provenance.git_state(tmp_path)["git_dirty"] is True


def test_provenance_without_git_still_names_host_and_versions(monkeypatch):
    monkeypatch.setenv("PATH", "")
    found = provenance.provenance(device="cpu")
    assert "git_hash" not in found
    assert found["host"]
    assert found["argv"] == sys.argv
    assert {"python", "torch", "viv1t"} <= found["versions"].keys()


def test_a_package_that_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr(provenance, "PACKAGES", ("numpy", "no-such-package"))
    assert set(provenance.versions()) == {"python", "viv1t", "numpy"}
