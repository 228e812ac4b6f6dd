from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from viv1t.data.facts import MouseFacts, facts_of
from viv1t.data.recording import Recording
from viv1t.data.statistics import compute_statistics
from viv1t.errors import DataError, MissingResultError


@pytest.fixture
def facts(session: Callable[..., Recording]) -> MouseFacts:
    neurons = np.array([0, 2, 5])
    recording = session(entry={"fps": 15.5, "skip_frames": 20})
    return facts_of(
        recording, neurons=neurons, statistics=compute_statistics(recording).select(neurons)
    )


@pytest.mark.parametrize("coordinates", [True, False])
def test_round_trip(tmp_path: Path, facts: MouseFacts, coordinates: bool):
    facts = facts if coordinates else replace(facts, coordinates=None)
    facts.save(tmp_path / "run/data/mouseS.npz")
    loaded = MouseFacts.load(tmp_path / "run/data/mouseS.npz")
    for field in fields(MouseFacts):
        saved, found = getattr(facts, field.name), getattr(loaded, field.name)
        if field.name == "statistics":
            saved, found = saved.to_arrays(), found.to_arrays()
            assert saved.keys() == found.keys()
            assert all(np.array_equal(saved[key], found[key]) for key in saved)
        else:
            assert np.array_equal(saved, found), field.name
            assert type(saved) is type(found)
    assert loaded.unit_ids.tolist() == [100, 102, 105]
    assert (loaded.video_shape, loaded.num_recorded) == ((1, 16, 28), 6)
    assert (loaded.fps, loaded.skip_frames, loaded.monitor.width_px) == (15.5, 20, 28)


def test_a_damaged_or_missing_file_is_named(tmp_path: Path, facts: MouseFacts):
    path = tmp_path / "mouseS.npz"
    with pytest.raises(MissingResultError, match=r"mouseS\.npz does not exist"):
        MouseFacts.load(path)
    facts.save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataError, match=r"mouseS\.npz is not a whole file of mouse facts"):
        MouseFacts.load(path)
    np.savez(path, unit_ids=facts.unit_ids)
    with pytest.raises(DataError, match="KeyError: 'monitor'"):
        MouseFacts.load(path)
