"""Searching clips: ids, equal to brute force, resumed, bounded, and what is shown."""

import subprocess
import sys
import weakref

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import GOLDEN, ROOT
from sessions import open_mouse, write_session

from viv1t.data.synthetic.energy import EnergyNeuron, EnergyNeurons
from viv1t.errors import ConfigError, DataError
from viv1t.most_exciting_stimulus.canvas import centre_disc, full_field
from viv1t.most_exciting_stimulus.found import shown_frames
from viv1t.most_exciting_stimulus.objective import one_neuron, population
from viv1t.most_exciting_stimulus.respond import ask_of
from viv1t.most_exciting_stimulus.search import Clips, best_clips, recorded_clips
from viv1t.units import GREY, Monitor

MONITOR = Monitor(width_cm=56.5, height_cm=31.8, distance_cm=15.0, width_px=28, height_px=16)
PLACE = {"size_deg": 40.0, "centre_px": (12.0, 8.0)}
NEURONS = [
    EnergyNeuron(x_px=12, y_px=8, direction_deg=direction, cpp=0.1, cpf=0.08)
    for direction in (0.0, 90.0, 200.0)
]
OBJECTIVES = [
    one_neuron(0),
    one_neuron(2, reduce="max"),
    population({0: 0.2, 1: 0.5, 2: 0.3}),
]
LENGTHS = {3: 33, 5: 8, 8: 20}


def movie(trial):
    rng = np.random.default_rng(trial)
    return rng.integers(0, 256, (LENGTHS[trial], 16, 28)).astype(np.uint8)


@pytest.fixture
def clips():
    return Clips(lengths=LENGTHS, load=movie, num_frames=10, step=3)


@pytest.fixture(scope="module")
def asked():
    responder = EnergyNeurons.of(NEURONS, frame=(16, 28))
    return ask_of(responder, "K", neurons=[0, 1, 2])


def search(asked, clips, **options):
    canvas = centre_disc(MONITOR, **PLACE)
    return best_clips(asked, clips, OBJECTIVES, canvas, neurons=[0, 1, 2], **options)


@pytest.mark.parametrize("static", [False, True])
def test_published_clips(static):
    with np.load(GOLDEN / "mei/arrays.npz") as arrays:
        expected = arrays[f"clip_ids|static={static}"]
    clips = Clips(lengths={4: 300, 9: 300}, load=movie, static=static)
    np.testing.assert_array_equal(clips.ids, expected)


def test_movies_may_differ_in_length(clips):
    per_trial = [int((clips.ids[:, 0] == trial).sum()) for trial in LENGTHS]
    assert per_trial == [8, 0, 4]
    numbers = [0, 7, 8]
    expected = [movie(3)[:10], movie(3)[21:31], movie(8)[:10]]
    for found, wanted in zip(clips.read(numbers), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
        assert found.dtype == np.uint8
    held = Clips(lengths=LENGTHS, load=movie, num_frames=4, step=3, static=True)
    (last,) = held.read([len(held) - 1])
    assert held.ids[-1].tolist() == [8, 18]
    np.testing.assert_array_equal(last, np.stack([movie(8)[18]] * 4))


@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("batch_size", [1, 5])
def test_equal_to_brute_force(asked, static, batch_size):
    clips = Clips(lengths=LENGTHS, load=movie, num_frames=10, step=3, static=static)
    table = search(asked, clips, batch_size=batch_size)
    everything = torch.from_numpy(np.stack([*clips.read(range(len(clips)))]).astype(np.float32))
    responses = asked(centre_disc(MONITOR, **PLACE).show(everything))
    for number, objective in enumerate(OBJECTIVES):
        columns = list(objective.neurons)
        values = objective.value(responses[:, columns]).numpy()
        rows = table[table["objective"] == number].set_index("goal")
        best = {"excite": int(values.argmax()), "inhibit": int(values.argmin())}
        assert rows["number"].to_dict() == best
        for goal, clip in best.items():
            row = rows.loc[goal]
            assert clips.ids[clip].tolist() == [row["trial"], row["frame"]]
            assert row["value"] == pytest.approx(values[clip], rel=1e-4)
            assert row["searched"] == pytest.approx(values[clip], rel=1e-4)
    assert table["num_clips"].eq(len(clips)).all()


@pytest.mark.parametrize("num_workers", [1, 3])
def test_threads_that_read_ahead_change_nothing(asked, clips, num_workers, tmp_path):
    expected = search(asked, clips, batch_size=4, folder=tmp_path / "plain")
    ahead = {"batch_size": 4, "num_workers": num_workers}
    pd.testing.assert_frame_equal(
        search(asked, clips, **ahead, folder=tmp_path / "ahead"), expected
    )
    # One name: begun with some threads, a search goes on with others.
    assert {p.name for p in (tmp_path / "plain").iterdir()} == {
        p.name for p in (tmp_path / "ahead").iterdir()
    }
    numbers = [0, 7, 8, 2]
    pairs = zip(clips.read(numbers, num_workers=num_workers), clips.read(numbers), strict=True)
    assert all(np.array_equal(*pair) for pair in pairs)


def test_of_equal_clips_the_first_counts(asked):
    clips = Clips(lengths={1: 40, 2: 40}, load=lambda _: np.full((40, 16, 28), 9), num_frames=10)
    assert search(asked, clips, batch_size=3)["number"].eq(0).all()


@pytest.mark.parametrize("after", [0, 1, 5])
def test_interrupted_it_goes_on_to_the_same_result(asked, clips, tmp_path, monkeypatch, after):
    monkeypatch.setattr("viv1t.most_exciting_stimulus.search.BATCHES_BETWEEN_SAVES", 2)
    shown = []

    def until(limit):
        def ask(movies):
            if len(shown) == limit:
                raise KeyboardInterrupt
            shown.append(len(movies))
            return asked(movies)

        return ask

    whole = search(asked, clips, batch_size=2)
    with pytest.raises(KeyboardInterrupt):
        search(until(after), clips, batch_size=2, folder=tmp_path)
    shown.clear()
    resumed = search(until(-1), clips, batch_size=2, folder=tmp_path)
    pd.testing.assert_frame_equal(resumed, whole)
    saved = after // 2 * 2 * 2
    num_chosen = whole["number"].nunique()
    assert sum(shown) == len(clips) - saved + num_chosen
    shown.clear()
    pd.testing.assert_frame_equal(search(until(-1), clips, batch_size=2, folder=tmp_path), whole)
    assert sum(shown) == num_chosen


def test_other_facts_are_another_search(asked, clips, tmp_path):
    for weights in ("first", "second"):
        search(asked, clips, folder=tmp_path, facts={"weights": weights})
    files = sorted(tmp_path.glob("*.npz"))
    assert len(files) == 2
    files[0].write_bytes(b"no archive")
    files[1].write_bytes(b"")
    with pytest.raises(DataError, match="delete it and search again"):
        search(asked, clips, folder=tmp_path, facts={"weights": "first"})


def test_outside_the_disc_all_is_grey(asked, clips):
    seen = []

    def ask(movies):
        seen.append(movies.clone())
        return asked(movies)

    search(ask, clips)
    inside = MONITOR.disc(PLACE["size_deg"], centre_px=PLACE["centre_px"])
    pixels = torch.cat(seen).numpy()
    assert (pixels[..., ~inside] == GREY).all()
    np.testing.assert_array_equal(pixels[0][:, inside], movie(3)[:10][:, inside])


def test_frames_are_kept_as_they_were_shown():
    canvas = full_field(MONITOR)
    whole = movie(3)
    assert shown_frames(canvas, whole).dtype == np.uint8
    np.testing.assert_array_equal(shown_frames(canvas, whole), whole)
    parts = whole.astype(np.float32) * np.float32(0.7)
    assert shown_frames(canvas, parts).dtype == np.float32
    np.testing.assert_array_equal(shown_frames(canvas, parts), parts)


def test_the_value_is_no_winners_value():
    """All clips are alike but for noise: the best of a search is high, its value is not."""
    rng = np.random.default_rng(0)
    count = 60
    clips = Clips(lengths={0: 400}, load=lambda _: np.zeros((400, 2, 2)), num_frames=1, step=1)
    canvas = full_field(Monitor(width_cm=2, height_cm=2, distance_cm=9, width_px=2, height_px=2))

    def noise(movies):
        return torch.from_numpy(rng.standard_normal((len(movies), count, 1)))

    table = best_clips(
        noise, clips, [one_neuron(n) for n in range(count)], canvas, neurons=range(count)
    )
    best = table[table["goal"] == "excite"]
    assert best["searched"].mean() > 2.5
    assert abs(best["value"].mean()) < 0.5
    assert table.loc[table["goal"] == "inhibit", "searched"].mean() < -2.5


def test_what_cannot_be_searched(asked, clips):
    with pytest.raises(ConfigError, match="--step 0"):
        Clips(lengths=LENGTHS, load=movie, step=0)
    with pytest.raises(DataError, match="got none"):
        search(asked, Clips(lengths={5: 8}, load=movie, num_frames=10))
    with pytest.raises(DataError, match="NaN"):
        search(lambda movies: torch.full((len(movies), 3, 10), torch.nan), clips)


def test_clips_of_a_recording(tmp_path):
    write_session(tmp_path / "S", num_frames=[40, 25, 70, *[70] * 11])
    recording = open_mouse(tmp_path)
    clips = recorded_clips(recording, num_frames=30, step=10)
    trials = recording.trials("train")
    assert set(clips.ids[:, 0]) == set(trials) - {1}
    (found,) = clips.read([1])
    np.testing.assert_array_equal(found, recording.load_video(0)[0, 10:40])
    every = recorded_clips(recording, tiers=("train", "live_main"), step=10)
    assert set(every.ids[:, 0]) - set(clips.ids[:, 0]) == set(recording.trials("live_main"))
    with pytest.raises(DataError, match="live_bonus"):
        recorded_clips(recording, tiers=("live_bonus",))


@pytest.mark.parametrize("num_workers", [0, 2])
def test_memory_does_not_grow_with_clips(num_workers):
    """Movies are let go: only one is held at a time, and two for each thread."""
    loaded = []

    def load(trial):
        assert sum(one() is not None for one in loaded) <= 1 + 2 * num_workers
        found = np.full((12, 4, 4), trial)
        loaded.append(weakref.ref(found))
        return found

    clips = Clips(lengths=dict.fromkeys(range(50), 12), load=load, num_frames=2, step=2)
    assert sum(1 for _ in clips.read(range(len(clips)), num_workers=num_workers)) == 300
    assert len(loaded) == 50


BOUNDED = """
import resource, sys
import numpy as np
from viv1t.data.synthetic.energy import EnergyNeuron, EnergyNeurons
from viv1t.most_exciting_stimulus.canvas import centre_disc
from viv1t.most_exciting_stimulus.objective import one_neuron
from viv1t.most_exciting_stimulus.respond import ask_of
from viv1t.most_exciting_stimulus.search import Clips, best_clips
from viv1t.units import DEFAULT_MONITOR

neurons = [EnergyNeuron(x_px=30, y_px=16, direction_deg=d, cpp=.1, cpf=.07) for d in (0, 90)]
def load(trial):
    return np.random.default_rng(trial).integers(0, 256, (300, 36, 64), dtype=np.uint8)
clips = Clips(lengths=dict.fromkeys(range(364), 300), load=load)
assert len(clips) > 20_000
table = best_clips(
    ask_of(EnergyNeurons.of(neurons), "K", neurons=[0, 1]), clips, [one_neuron(0), one_neuron(1)],
    centre_disc(DEFAULT_MONITOR, size_deg=20, centre_px=(30, 16)), neurons=[0, 1],
)
assert table["num_clips"].eq(len(clips)).all()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_twenty_thousand_clips_in_bounded_memory():
    """Acceptance 5: peak resident memory of a process of its own, in kB."""
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert int(done.stdout) < 1.5e6
