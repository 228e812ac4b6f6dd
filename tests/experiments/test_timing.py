"""When stimuli are on."""

import pytest

from viv1t.errors import ConfigError
from viv1t.experiments.timing import SINGLE, Timing


def test_the_default_trial_is_60_frames_and_four_slots():
    windows = [Timing().window(slot) for slot in range(4)]
    assert windows == [slice(75, 105), slice(135, 165), slice(195, 225), slice(255, 285)]
    assert Timing().window(1, skip=10) == slice(145, 165)


def test_a_single_stimulus_stands_in_the_middle():
    assert SINGLE.window(0) == slice(135, 165)
    assert SINGLE.slot_frames == SINGLE.num_frames == 300


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"slots": 5}, "5 slots of 60 frames leave 0 warm-up frames of 300; at least 50"),
        ({"slots": 1, "blank_post": 300}, "leave 0 warm-up frames"),
        ({"on": 0}, "a trial needs stimuli"),
        ({"blank_pre": -1}, "blanks of 0 or more"),
    ],
)
def test_impossible_trials_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        Timing(**change)
