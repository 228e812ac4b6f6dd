"""Tables of a later day: neurons of a run and of a recording are the same ones."""

import numpy as np
import pytest

from viv1t.data.recording import Recording
from viv1t.errors import ConfigError
from viv1t.in_vivo import reliability
from viv1t.in_vivo.days import RECORDED, Day, neuron_table, tables_of
from viv1t.in_vivo.session import read_session


@pytest.fixture
def day(copy):
    return Day(first=Recording(copy.mouse), session=read_session(copy.mouse, 2, num_neurons=12))


def run_of(folder, rows):
    (folder / "data").mkdir(parents=True)
    np.savez(folder / "data/mouseS1.npz", neuron_idx=np.array(rows))
    return folder


def test_a_run_of_other_neurons_is_refused(day, tmp_path):
    assert set(tables_of(day, run_of(tmp_path / "all", range(12)))) == {RECORDED}
    for name, rows in (("few", range(11)), ("other", [1, 0, *range(2, 12)])):
        with pytest.raises(ConfigError, match="without --limit_neurons"):
            tables_of(day, run_of(tmp_path / name, rows))


def test_the_share_within_the_band_is_that_of_the_frames_of_both_days(day, monkeypatch):
    whole = reliability.repeated_movies
    first = whole(day.first)

    def same(recording, *, tier):
        del tier
        of_first = recording.folder == day.first.folder
        return first if of_first else {m: r[..., :40] for m, r in first.items()}

    monkeypatch.setattr(reliability, "repeated_movies", same)
    table = neuron_table(day)
    assert table["inside"].eq(1).all()
    assert table["stable"].all()
