"""The stimulus sets on two screens: only what the screen concerns changes with it."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from viv1t.experiments import contextual_published, feedback_published
from viv1t.experiments.contextual import ContextualConfig, contextual_set
from viv1t.experiments.direction import DirectionConfig, direction_set
from viv1t.experiments.feedback import OnsetConfig, SizeConfig, onset_set, size_set
from viv1t.experiments.placed import Placement
from viv1t.units import DEFAULT_MONITOR, GREY, Monitor

FAR_MONITOR = Monitor(width_cm=51.0, height_cm=29.0, distance_cm=20.0)
MIDDLE = (32.0, 18.0)
SETS = {
    "direction": partial(direction_set, DirectionConfig(num_repeats=2)),
    "contextual": partial(contextual_set, ContextualConfig(sizes_deg=(20.0,), num_repeats=2)),
    "size": partial(size_set, SizeConfig(num_repeats=2)),
    "onset": partial(onset_set, OnsetConfig(stimulus_size=20.0, num_repeats=3)),
}
PUBLISHED = {
    "contextual": contextual_published.published_set,
    "size": feedback_published.size_set,
    "onset": partial(feedback_published.onset_set, 5, 20.0),
}


def on_both(design, *, seed=4):
    """The sets and some of their trials, near and far."""
    places = [Placement(monitor=m, centre_px=MIDDLE) for m in (DEFAULT_MONITOR, FAR_MONITOR)]
    sets = [design(place) for place in places]
    schedule = sets[0].schedule(seed)
    pd.testing.assert_frame_equal(schedule, sets[1].schedule(seed))
    pd.testing.assert_frame_equal(sets[0].conditions, sets[1].conditions)
    trials = [
        [
            stimuli.trial(schedule[schedule["trial"] == trial], seed, (36, 64))
            for trial in range(min(schedule["trial"].nunique(), 6))
        ]
        for stimuli in sets
    ]
    return sets[0], np.stack(trials[0]), np.stack(trials[1])


@pytest.mark.parametrize("name", SETS)
def test_order_phases_and_blanks_stay_sizes_follow(name):
    stimuli, near, far = on_both(SETS[name])
    assert (near != far).any()
    np.testing.assert_array_equal(near[:, :, 18, 32], far[:, :, 18, 32])
    windows = [stimuli.timing.window(slot) for slot in range(stimuli.timing.slots)]
    blank = np.ones(near.shape[1], dtype=bool)
    for window in windows:
        blank[window] = False
    for movie in (near, far):
        assert (movie[:, blank] == GREY).all()
        assert 0 <= movie.min() < 10 < 244 < movie.max() <= 255


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_gratings_ignore_the_screen_their_discs_do_not(name):
    stimuli, near, far = on_both(PUBLISHED[name])
    schedule = stimuli.schedule(4)
    kinds = stimuli.conditions.get("kind", pd.Series("centre", index=stimuli.conditions.index))
    seen = set()
    for row in schedule[schedule["trial"] < len(near)].itertuples():
        shown = [m[row.trial, row.onset : row.onset + stimuli.timing.on] for m in (near, far)]
        kind = kinds[row.condition]
        both = np.logical_and(*(frames != GREY for frames in shown))
        if kind in ("centre", "iso"):
            np.testing.assert_array_equal(shown[0][both], shown[1][both])
        if kind != "iso":
            seen.add((shown[0] != shown[1]).any())
    assert seen >= {True}
