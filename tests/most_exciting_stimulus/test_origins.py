"""Which stimulus of a search becomes a centre, a start, or the contrast that is matched."""

import re

import numpy as np
import pandas as pd
import pytest
from stimulus_sets import FRAMES, HEIGHT, WIDTH, fill, stimulus

from viv1t.errors import DataError, MissingResultError
from viv1t.most_exciting_stimulus.library import library_folder, write_library
from viv1t.most_exciting_stimulus.neurons import Target
from viv1t.most_exciting_stimulus.origins import Origins

WHOM = Target(neurons=(3,), weights=(1.0,), centre_px=(4.0, 3.0), size_deg=20.0)
KIND = {"centre": "natural", "centre_motion": "dynamic", "size_deg": 20.0}
ASKED = {"centre": "natural", "goal": "excite"}


def shorter(output_dir, **columns):
    """A library of one stimulus of half as many frames."""
    frames = np.full((1, FRAMES // 2, HEIGHT, WIDTH), 10, np.uint8)
    row = stimulus("short", **KIND, **columns)
    write_library(
        library_folder(output_dir, "recorded"), "S1", pd.DataFrame([row]), frames, method={}
    )


def test_the_best_is_that_of_the_goal(tmp_path):
    rows = [
        stimulus(f"{goal}{v}", **KIND | {"goal": goal, "value": v})
        for goal in ("excite", "inhibit")
        for v in (1.0, 3.0, 2.0)
    ]
    frames = fill(tmp_path, "natural", rows)
    origins = Origins(tmp_path, "S1", FRAMES)
    best, least = (origins.best(WHOM, centre="natural", goal=g) for g in ("excite", "inhibit"))
    assert (best.name, least.name) == ("natural/excite3.0", "natural/inhibit1.0")
    np.testing.assert_array_equal(best.frames, frames[1])


def test_others_are_left_out(tmp_path):
    elsewhere = {"centre_x_px": 5.0, "value": 9.0}
    rows = [stimulus("elsewhere", **KIND | elsewhere), stimulus("large", **KIND | {"size_deg": 30})]
    rows += [stimulus("held", contrast_matched=True, **KIND), stimulus("other", neuron=4, **KIND)]
    fill(tmp_path, "natural", rows)
    origins = Origins(tmp_path, "S1", FRAMES)
    assert origins.best(WHOM, **ASKED) is None
    assert origins.best(WHOM, sized=False, **ASKED).name == "natural/elsewhere"


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        ({"centre": "natural"}, "natural_center.py"),
        ({"centre": "natural", "centre_motion": "static"}, "natural_center.py --static"),
        ({"centre": "grating", "surround": "none"}, "center_surround_gratings.py"),
        ({"centre": "natural", "surround": "grating"}, "center_surround_gratings.py"),
        ({"centre": "full_natural|full_grating"}, "natural_full_field.py"),
        ({"centre": "natural|grating", "surround": "natural|grating"}, "natural_surround.py"),
        (
            {"centre": "grating", "surround": "natural", "surround_motion": "static"},
            "natural_surround_with_grating_center.py --static_surround",
        ),
    ],
)
def test_what_is_missing_names_the_command(tmp_path, kind, command):
    origins = Origins(tmp_path, "S1", FRAMES)
    with pytest.raises(MissingResultError, match=f"predict_{re.escape(command)} --output_dir"):
        origins.needed(WHOM, "stimulus", **kind)


def test_stimuli_of_other_lengths_stand_back(tmp_path):
    """The library of recorded stretches has fewer frames than stimuli that are generated."""
    shorter(tmp_path, value=100.0)
    with pytest.raises(DataError, match=r"short .* has 3 frames.*--num_frames"):
        Origins(tmp_path, "S1", FRAMES).best(WHOM, **ASKED)
    fill(tmp_path, "natural", [stimulus("long", **KIND)])
    assert Origins(tmp_path, "S1", FRAMES).best(WHOM, **ASKED).name == "natural/long"
    assert Origins(tmp_path, "S1", FRAMES // 2).best(WHOM, **ASKED).name == "recorded/short"
