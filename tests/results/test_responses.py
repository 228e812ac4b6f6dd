import signal
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from conftest import ROOT

from viv1t.errors import ConfigError, DataError, MissingResultError
from viv1t.results.responses import ResponseAttributes, ResponseFile, TrialLabels

NUM_NEURONS = 9000
ATTRIBUTES = ResponseAttributes(
    mouse="A",
    unit_ids=np.arange(NUM_NEURONS) + 10,
    neuron_idx=np.arange(NUM_NEURONS),
    units="recorded",
    source="predicted",
    skip_frames=50,
    fps=30.0,
    provenance={"run": "runs/x", "epoch": 3, "weights": "ab"},
)


def response(trial_id):
    rng = np.random.default_rng(trial_id)
    return rng.normal(size=(NUM_NEURONS, 4)).astype(np.float32)


def write(file, tier, trials, attributes=ATTRIBUTES):
    with file.update(attributes, tiers=[tier]) as writer:
        for trial in trials:
            writer.write(trial, response(trial), TrialLabels(tier=tier, video_id=7, stimulus_id=1))


@pytest.fixture
def file(tmp_path):
    file = ResponseFile(tmp_path / "responses" / "mouseA.h5")
    write(file, "live_main", [11, 2])
    return file


def test_round_trip_keeps_values_labels_and_attributes(file):
    assert file.trial_ids() == (2, 11)
    np.testing.assert_array_equal(file.read(11), response(11))
    assert file.labels(2) == TrialLabels(tier="live_main", video_id=7, stimulus_id=1)
    attrs = file.attrs
    np.testing.assert_array_equal(attrs["unit_ids"], ATTRIBUTES.unit_ids)
    assert attrs["provenance"] == ATTRIBUTES.provenance
    assert {k: attrs[k] for k in ("mouse", "units", "source", "skip_frames", "fps", "schema")} == {
        "mouse": "A",
        "units": "recorded",
        "source": "predicted",
        "skip_frames": 50,
        "fps": 30.0,
        "schema": 1,
    }


def test_datasets_are_compressed_float32_named_by_trial(file):
    with h5py.File(file.path) as raw:
        dataset = raw["11"]
        assert (dataset.dtype, dataset.compression, dataset.compression_opts) == ("f4", "gzip", 4)
        assert dataset.shuffle


def test_a_tier_written_again_keeps_the_others(file):
    write(file, "validation", [5])
    write(file, "live_main", [3])
    assert file.tiers() == ("validation", "live_main")
    assert file.trial_ids("validation") == (5,)
    assert file.trial_ids("live_main") == (3,)
    np.testing.assert_array_equal(file.read(5), response(5))


def test_a_trial_that_changed_its_tier_is_replaced(file):
    write(file, "validation", [2])
    assert file.labels(2).tier == "validation"
    assert file.trial_ids() == (2, 11)


def test_a_full_disk_is_named_and_leaves_the_old_file(file, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=10_000))
    with pytest.raises(OSError, match="No space left") as caught:
        write(file, "validation", [5])
    assert caught.value.filename == str(file.path)
    assert [p.name for p in file.path.parent.iterdir()] == ["mouseA.h5"]
    np.testing.assert_array_equal(file.read(2), response(2))


def test_a_killed_process_leaves_the_old_file(file):
    script = f"""
import os, signal
import numpy as np
from pathlib import Path
from viv1t.results.responses import *
old = ResponseFile(Path({str(file.path)!r}))
attrs = old.attrs
del attrs["schema"]
with old.update(ResponseAttributes(**attrs), tiers=["live_main"]) as writer:
    writer.write(2, np.zeros((9000, 4)), TrialLabels(tier="live_main"))
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert file.trial_ids() == (2, 11)
    np.testing.assert_array_equal(file.read(2), response(2))


def test_a_failed_update_leaves_the_old_file(file):
    before = file.path.read_bytes()

    def failing():
        with file.update(ATTRIBUTES, tiers=["live_main"]) as writer:
            writer.write(2, response(0), TrialLabels(tier="live_main"))
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        failing()
    assert file.path.read_bytes() == before
    assert [p.name for p in file.path.parent.iterdir()] == ["mouseA.h5"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"units": "model"}, "units"),
        ({"neuron_idx": np.arange(NUM_NEURONS) + 1}, "neuron_idx"),
        ({"provenance": {"epoch": 4, "weights": "ab"}}, "epoch"),
        ({"provenance": {"epoch": 3, "weights": "cd"}}, "weights"),
    ],
)
def test_responses_that_must_not_mix_are_refused(file, change, named):
    other = replace(ATTRIBUTES, **change)
    with pytest.raises(ConfigError, match=rf"live_main\) that differ in {named} from"):
        write(file, "validation", [5], other)
    write(file, "live_main", [2], other)
    assert file.trial_ids() == (2,)


def test_a_published_file_without_attributes_is_read(tmp_path):
    path = tmp_path / "mouseA.h5"
    with h5py.File(path, "w") as raw:
        for trial in (10, 9):
            raw.create_dataset(str(trial), data=response(trial).astype("f8"), compression=9)
    file = ResponseFile(path)
    assert file.attrs == {}
    assert file.trial_ids() == (9, 10)
    assert file.tiers() == ("",)
    assert file.labels(9) == TrialLabels()
    assert file.read(9).dtype == np.float32
    with pytest.raises(ConfigError, match="tiers: unknown"):
        write(file, "train", [1])


def test_what_is_missing_or_damaged_is_named(file, tmp_path):
    with pytest.raises(MissingResultError, match=r"holds no trial 99; it has 2 trials"):
        file.read(99)
    with pytest.raises(MissingResultError, match=r"mouseB.h5 does not exist: predict.py"):
        ResponseFile(tmp_path / "mouseB.h5").trial_ids()
    file.path.write_bytes(file.path.read_bytes()[:200])
    with pytest.raises(DataError, match=r"mouseA.h5 is no readable HDF5 file"):
        file.trial_ids()


def test_a_later_schema_is_refused(file):
    with h5py.File(file.path, "a") as raw:
        raw.attrs["schema"] = 2
    with pytest.raises(DataError, match="schema 2, this version of viv1t knows 1"):
        _ = file.attrs
