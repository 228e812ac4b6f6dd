"""Natural frames next to generated stimuli, in place of grey."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from small_twins import CAUSAL, assert_same, grey_values, small_twin
from tables_of_truth import write_truth

from viv1t.data.synthetic import SyntheticMouse, load_truth
from viv1t.errors import ConfigError, DataError, MissingResultError
from viv1t.insilico.probe import Probe
from viv1t.insilico.responders import monitor_of
from viv1t.most_exciting_stimulus.ascent import AscentConfig
from viv1t.most_exciting_stimulus.blank import Blank, natural_blank
from viv1t.most_exciting_stimulus.canvas import full_field
from viv1t.most_exciting_stimulus.generate import generate_stimuli
from viv1t.most_exciting_stimulus.generated_files import generated_folder
from viv1t.most_exciting_stimulus.library import library_folder, read_library, write_library
from viv1t.most_exciting_stimulus.neurons import SelectionConfig, Target
from viv1t.most_exciting_stimulus.origins import Origins
from viv1t.most_exciting_stimulus.parts import GenerateConfig
from viv1t.most_exciting_stimulus.published import load_checkpoint
from viv1t.most_exciting_stimulus.respond import ask_of
from viv1t.results.store import write_result
from viv1t.units import GREY

FRAMES = 6
ALL = SelectionConfig(objective="population")
NATURAL = GenerateConfig(
    save_dir="between",
    method="pixel",
    canvas="full_field",
    num_frames=FRAMES,
    use_natural_blank=True,
)
FEW = AscentConfig(num_steps=3)


@pytest.fixture
def probe(data_dir, recording, tmp_path):
    mouse = SyntheticMouse.open(data_dir, ["S1"])
    truth = load_truth(recording.folder)
    write_truth(tmp_path, truth)
    ranks = {"neuron": range(len(truth)), "rank": 1.0, "trial_reliability": 0.5}
    ranks = pd.DataFrame({"mouse": "S1", **ranks, "correlation": 0.5})
    write_result(tmp_path, "neuron_reliability", ranks, method={})
    return Probe(
        output_dir=tmp_path,
        responder=mouse,
        monitors={"S1": monitor_of(mouse, data_dir, "S1")},
        provenance={"run": "truth"},
        batch_size=2,
    )


def searched(probe, recording, frame, *, trial=None, value=1.0):
    """Put a clip of a movie into the library, as the search of the whole screen would."""
    trial = int(recording.trials("train")[0]) if trial is None else trial
    height, width = recording.frame_shape
    row = {
        "stimulus": f"clip{value:g}",
        "neuron": -1,
        "centre": "full_natural",
        "centre_motion": "dynamic",
        "goal": "excite",
        "value": value,
        "centre_x_px": width / 2,
        "centre_y_px": height / 2,
        "rms": 1.0,
        "mean": 1.0,
        "source": f"trial {trial} frame {frame}",
    }
    folder = library_folder(probe.output_dir, "natural")
    frames = np.zeros((1, FRAMES, height, width), np.float32)
    write_library(folder, "S1", pd.DataFrame([row]), frames, method={})
    return recording.load_video(trial)[0] if trial < recording.num_trials else None


def blank_of(probe, data_dir, **canvas) -> Blank:
    monitor = probe.monitors["S1"]
    target = Target(neurons=(0,), weights=(1.0,), centre_px=None, size_deg=20, is_population=True)
    origins = Origins(probe.output_dir, "S1", FRAMES)
    return natural_blank(origins, target, full_field(monitor, **canvas), monitor, data_dir)


def test_frames_around_the_best_clip(probe, recording, data_dir):
    searched(probe, recording, 3, value=0.5)
    movie = searched(probe, recording, 40, value=2.0)
    blank = blank_of(probe, data_dir)
    np.testing.assert_array_equal(blank.before, movie[30:40])
    np.testing.assert_array_equal(blank.after, movie[40 + FRAMES : 50 + FRAMES])
    assert blank.source.startswith("natural/clip2, trial ")
    limited = blank_of(probe, data_dir, outer_deg=30.0)
    beyond = full_field(probe.monitors["S1"], outer_deg=30.0).free == 0
    assert (limited.before[:, beyond] == GREY).all()
    np.testing.assert_array_equal(limited.after[:, ~beyond], blank.after[:, ~beyond])


def test_ends_of_a_movie(probe, recording, data_dir):
    movie = searched(probe, recording, 4)
    np.testing.assert_array_equal(blank_of(probe, data_dir).before, movie[:4])
    last = len(movie) - FRAMES - 2
    searched(probe, recording, last, value=2.0)
    np.testing.assert_array_equal(blank_of(probe, data_dir).after, movie[-2:])
    for wrong in ({"frame": len(movie) - 1}, {"frame": 0, "trial": recording.num_trials}):
        searched(probe, recording, **wrong, value=3.0)
        with pytest.raises(DataError, match="give the --data_dir that was searched"):
            blank_of(probe, data_dir)


@pytest.mark.parametrize("flags", [CAUSAL, {}], ids=["causal", "looks ahead"])
def test_a_twin_sees_them(flags):
    twin, movies = small_twin(**flags), grey_values(2, 5, 12, 16)
    before, after = (grey_values(1, n, 12, 16)[0].astype(np.float32) for n in (3, 2))
    blank = Blank(before=before, after=after, source="")
    asked = ask_of(twin, "A", neurons=[1, 2], lead_frames=6, after_frames=0)
    found = blank.around(asked, looks_ahead=not flags)(torch.from_numpy(movies))
    shown = np.full((2, 6 + 3 + 5 + 2, 12, 16), GREY, np.float32)
    shown[:, 9:14] = movies
    for one in shown:
        blank.put(one, 9, 14)
    expected = twin.predict(shown, "A", neurons=[1, 2])[..., -7:-2]
    assert_same(found, torch.from_numpy(expected))


def test_stimuli_are_made_between_them(probe, recording, data_dir):
    movie = searched(probe, recording, 40)
    generate_stimuli(probe, ALL, NATURAL, FEW, data_dir=data_dir)
    grey = replace(NATURAL, save_dir="grey", use_natural_blank=False)
    generate_stimuli(probe, ALL, grey, FEW)
    values = {}
    for config in (NATURAL, grey):
        folder = generated_folder(probe.output_dir, config, is_population=True) / "mouseS1"
        stored = load_checkpoint(folder / "most_exciting")
        window = stored["presentation_mask"] > 0
        video = stored["video"][0].numpy()
        start, stop = np.flatnonzero(window)[[0, -1]] + (0, 1)
        is_natural = config.use_natural_blank
        before = movie[30:40] if is_natural else GREY
        after = movie[40 + FRAMES : 50 + FRAMES] if is_natural else GREY
        assert np.array_equal(video[start - 10 : start], np.broadcast_to(before, (10, 16, 28)))
        assert np.array_equal(video[stop : stop + 10], np.broadcast_to(after, (10, 16, 28)))
        assert (video[: start - 10] == GREY).all()
        library = read_library(library_folder(probe.output_dir, config.save_dir))
        row = library.table[library.table["goal"] == "excite"].iloc[0]
        in_file = stored["response"][:, window[-stored["response"].shape[1] :]].sum(1).mean()
        assert float(in_file) == pytest.approx(row["value"], rel=1e-3)
        np.testing.assert_array_equal(library.frames(int(row.name)), video[window])
        values[is_natural] = row["value"]
    assert values[True] != pytest.approx(values[False], rel=1e-3)
    generate_stimuli(probe, ALL, NATURAL, FEW, data_dir=data_dir)  # goes on, or is finished
    searched(probe, recording, 50, value=2.0)
    with pytest.raises(ConfigError, match="blank"):
        generate_stimuli(probe, ALL, NATURAL, FEW, data_dir=data_dir)


def test_what_cannot_be(probe, data_dir):
    one = SelectionConfig(neurons=(0,))
    surround = replace(NATURAL, canvas="center_surround")
    for selection, config, where in (
        (one, NATURAL, data_dir),
        (ALL, surround, data_dir),
        (ALL, NATURAL, None),
    ):
        with pytest.raises(ConfigError, match="--canvas full_field --objective population"):
            generate_stimuli(probe, selection, config, FEW, data_dir=where)
    command = r"predict_natural_full_field\.py --output_dir .* --objective population"
    with pytest.raises(MissingResultError, match=command):
        generate_stimuli(probe, ALL, NATURAL, FEW, data_dir=data_dir)
