"""Sessions of later days: what they say, and what is said when they contradict themselves."""

import numpy as np
import pytest

from viv1t.data.mice import Mouse
from viv1t.errors import DataError, MissingResultError
from viv1t.in_vivo.published_names import published_conditions
from viv1t.in_vivo.session import grating_of, read_session, responses_of
from viv1t.units import DEFAULT_MONITOR

N = 12


def lines(path):
    return path.read_text().splitlines()


def line_of(path, text):
    """The number of the first line that holds `text`."""
    return 1 + next(i for i, line in enumerate(lines(path)) if text in line)


def edit(path, old, new, count=1):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, count))


def test_a_session_is_read(seen):
    session = read_session(seen.mouse, 2, num_neurons=N)
    assert session.facts.animal == "S1"
    assert session.timing.block_frames == 60
    shown = session.presentations.groupby("condition").size()
    assert shown.eq(4).all()
    assert len(shown) == len(session.conditions)
    table = responses_of(session)
    assert table.source == "recorded"
    assert table.mean.shape == (N, len(session.conditions))
    missing = np.isnan(table.mean).all(axis=1)
    assert missing.sum() == 3
    assert np.isfinite(table.mean[~missing]).all()
    gratings = session.conditions[session.conditions["kind"] != ""]
    assert len(gratings) == 12
    assert sorted(gratings["contrast"].unique()) == [0.05, 1.0]
    assert session.conditions.set_index("stimulus").loc["GCS005_N003", "surround"] == "generated"


def test_responses_are_cut_where_the_blocks_say(seen):
    session = read_session(seen.mouse, 2, num_neurons=N)
    table = responses_of(session)
    first = np.load(seen.folder / "artificial_movies/data/responses/0.npy")
    shown = session.presentations.iloc[1]
    assert (shown["trial"], shown["slot"], shown["onset"]) == (0, 1, 75)
    np.testing.assert_allclose(
        table.amplitude[:, 1], first[:, 75:105].mean(axis=1), rtol=1e-5, equal_nan=True
    )


def test_natural_movies_have_the_ids_of_the_first_day(seen):
    session = read_session(seen.mouse, 2, num_neurons=N)
    recording = session.natural(seen.mouse)
    assert set(recording.tiers) == {"live_main"}
    assert np.bincount(recording.video_ids)[np.unique(recording.video_ids)].tolist() == [4, 4, 4]
    assert (~recording.present).sum() == 3


def test_a_missing_block_names_file_and_line(copy):
    all_lines = lines(copy.session)
    start = line_of(copy.session, "blocks:")
    del all_lines[start + 1]  # the second block of the first trial
    copy.session.write_text("\n".join(all_lines) + "\n")
    with pytest.raises(DataError, match=rf"session.yaml, line {start + 1}: trial 0 lists 4 blocks"):
        read_session(copy.mouse, 2, num_neurons=N)


def test_an_unknown_stimulus_names_file_and_line(copy):
    where = line_of(copy.session, "GCS001_N003")
    edit(copy.session, "GCS001_N003", "GCS001_N033")
    with pytest.raises(DataError, match=rf"session.yaml, line {where}: .*mean 'GCS001_N003'"):
        read_session(copy.mouse, 2, num_neurons=N)


def test_swapped_days_name_file_and_line(copy):
    where = line_of(copy.session, "day: 2")
    edit(copy.session, "day: 2", "day: 3")
    with pytest.raises(DataError, match=rf"line {where}: day should be 2 .*swapped"):
        read_session(copy.mouse, 2, num_neurons=N)


def test_another_mouse_names_file_and_line(copy):
    where = line_of(copy.session, "mouse: S1")
    edit(copy.session, "mouse: S1", "mouse: S2")
    with pytest.raises(DataError, match=rf"line {where}: mouse should be S1"):
        read_session(copy.mouse, 2, num_neurons=N)


def test_other_neuron_counts_name_file_and_line(copy):
    where = line_of(copy.session, "num_neurons: 12")
    with pytest.raises(DataError, match=rf"line {where}: num_neurons should be 11"):
        read_session(copy.mouse, 2, num_neurons=11)
    path = copy.folder / "artificial_movies/data/responses/2.npy"
    np.save(path, np.load(path)[:-1])
    with pytest.raises(DataError, match=rf"line {where}: num_neurons is 12, but .*2.npy has 11"):
        read_session(copy.mouse, 2, num_neurons=N)


def test_a_stimulus_of_a_neuron_that_nobody_has(copy):
    edit(copy.session, "neuron: 8", "neuron: 12")
    where = line_of(copy.session, "neuron: 12")
    with pytest.raises(DataError, match=rf"line {where}: .* is made for neuron 12.*0 to 11"):
        read_session(copy.mouse, 2, num_neurons=N)


def test_responses_without_an_axis_of_time(copy):
    path = copy.folder / "artificial_movies/data/responses/0.npy"
    np.save(path, np.load(path)[:, 0])
    with pytest.raises(DataError, match=r"line \d+: .*0.npy should be \(neurons, frames\)"):
        read_session(copy.mouse, 2, num_neurons=N)


def test_natural_movies_of_other_neurons_name_the_folder(copy):
    folder = copy.folder / "natural_movies/data/responses"
    for path in folder.glob("*.npy"):
        np.save(path, np.load(path)[:-1])
    for path in (copy.folder / "natural_movies/meta/neurons").glob("*.npy"):
        np.save(path, np.load(path)[:-1])
    session = read_session(copy.mouse, 2, num_neurons=N)
    with pytest.raises(DataError, match=rf"{folder}: responses have 11 rows, .*12 neurons"):
        session.natural(copy.mouse)


@pytest.mark.parametrize("trial", [1, None])
def test_missing_and_unlisted_trials(copy, trial):
    folder = copy.folder / "artificial_movies/data/responses"
    if trial is None:
        np.save(folder / "99.npy", np.load(folder / "0.npy"))
        expected = rf"line {line_of(copy.session, 'blocks:')}: blocks lists .* is a trial missing"
    else:
        (folder / f"{trial}.npy").unlink()
        expected = "line .*: trial 1 has no responses"
    with pytest.raises(DataError, match=expected):
        read_session(copy.mouse, 2, num_neurons=N)


def test_a_stimulus_that_was_never_shown(copy):
    text = copy.session.read_text()
    start = text.index("blocks:")
    end = text.index("\nday:")
    other = text[start:end].replace("CM003", "CM002")
    copy.session.write_text(text[:start] + other + text[end:])
    with pytest.raises(DataError, match=r"line \d+: CM003 is shown in no block"):
        read_session(copy.mouse, 2, num_neurons=N)


def test_a_neuron_that_comes_and_goes(copy):
    path = copy.folder / "artificial_movies/data/responses/3.npy"
    values = np.load(path)
    present = np.flatnonzero(np.isfinite(values).all(axis=1))[0]
    values[present, 7] = np.nan
    np.save(path, values)
    session = read_session(copy.mouse, 2, num_neurons=N)
    with pytest.raises(DataError, match=rf"3.npy: neuron {present} is nan in frame 7"):
        responses_of(session)


def test_a_day_that_is_not_there(seen):
    with pytest.raises(MissingResultError, match=r"S1_day4/session\.yaml does not exist"):
        read_session(seen.mouse, 4, num_neurons=N)


def test_sources_of_gratings():
    assert grating_of("high_cross contrast 0.8 direction 45") == (0.8, "cross", 45.0)
    assert grating_of("low_iso") == (0.05, "iso", 0.0)
    assert grating_of("trial 12 frame 30")[1] == ""


def test_published_sessions_are_read_by_their_names(tmp_path):
    names = np.array([["CM000", "CM014"], ["GCS003_N050", "GCS004_N050"], ["CS007", "FF002"]])
    day = tmp_path / "VIPcre232_FOV1_day2/artificial_movies"
    for trial in range(3):
        (day / "data/responses").mkdir(parents=True, exist_ok=True)
        np.save(day / f"data/responses/{trial}.npy", np.full((51, 120), trial, np.float32))
    (day / "meta/trials").mkdir(parents=True)
    np.save(day / "meta/trials/video_ids.npy", names)
    first = Mouse(id="K", folder=tmp_path / "VIPcre232_FOV1_day1", monitor=DEFAULT_MONITOR)
    session = read_session(first, 2, num_neurons=51)
    assert session.facts.animal == "VIPcre232"
    assert session.facts.blocks[1] == ("GCS003_N050", "GCS004_N050")
    known = session.conditions.set_index("stimulus")
    assert known.loc["CM000", ["contrast", "kind"]].tolist() == [0.05, "centre"]
    assert known.loc["CM014", ["contrast", "kind"]].tolist() == [1.0, "cross"]
    assert known.loc["GCS003_N050", ["neuron", "surround", "goal"]].tolist() == [
        *(50, "natural", "excite"),
    ]
    assert known.loc["GCS004_N050", "goal"] == "inhibit"
    assert known.loc["CS007", ["surround", "surround_motion"]].tolist() == ["generated", "dynamic"]
    with pytest.raises(DataError, match="num_neurons is 52"):
        read_session(first, 2, num_neurons=52)
    with pytest.raises(DataError, match=r"GCS003_N050 is made for neuron 50, .* 0 to 5"):
        read_session(first, 2, num_neurons=6)


def test_the_published_low_cross_of_mouse_l_is_mended(tmp_path):
    found = published_conditions(["CM006", "CM014"], mouse_id="L", day=2, path=tmp_path)
    assert found["kind"].tolist() == ["cross", "cross"]
    with pytest.raises(DataError, match="unknown stimulus 'XY001'"):
        published_conditions(["XY001"], mouse_id="L", day=2, path=tmp_path)
