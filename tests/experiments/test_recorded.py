"""Recorded trials, and predictions of them, enter as the table that experiments give."""

import numpy as np
import pandas as pd
import pytest

from viv1t.errors import DataError, MissingResultError
from viv1t.experiments.recorded import tabulate_file
from viv1t.experiments.tally import Reduction
from viv1t.results.responses import ResponseAttributes, ResponseFile, TrialLabels

# Movies of 30 frames of which the file lacks 10; two stimuli of 5 frames in each.
SHOWN = pd.DataFrame(
    {
        "trial": [4, 4, 4, 7, 7, 9],
        "frame": [3, 12, 20, 12, 27, 12],
        "slot": [0, 1, 2, 0, 1, 0],
        "level": [2.0, 1.0, 2.0, 2.0, 2.0, 5.0],
        "video_id": [1, 1, 1, 2, 2, 3],
    }
)
LENGTHS = {4: 30, 7: 30, 9: 30}


@pytest.fixture
def file(tmp_path):
    """Responses whose value is 100 trial + frame of the movie; neuron n adds n / 10."""
    file = ResponseFile(tmp_path / "responses/mouseA.h5")
    attributes = ResponseAttributes(
        mouse="A",
        unit_ids=np.array([10, 11]),
        neuron_idx=np.array([0, 3]),
        units="recorded",
        source="recorded",
        skip_frames=10,
        fps=30.0,
    )
    with file.update(attributes, tiers=["live_bonus"]) as writer:
        for trial in (4, 7, 8):
            response = 100 * trial + np.arange(10, 30) + np.array([[0.0], [0.1]])
            writer.write(trial, response, TrialLabels(tier="live_bonus"))
    return file


def tabulate(file, shown=SHOWN, **options):
    options = {"by": ["level"], "num_frames": LENGTHS, "on": 5, "reduction": Reduction()} | options
    return tabulate_file(file, shown, **options)


def test_stimuli_in_the_frames_that_are_there(file):
    table = tabulate(file)
    assert table.conditions["level"].tolist() == [1, 2]  # 5 was shown in a trial that is not there
    assert table.presentations["trial"].tolist() == [4, 4, 7]  # frame 3 is lost, 27 too late
    assert table.presentations["onset"].tolist() == [2, 10, 2]
    assert table.presentations["repeat"].tolist() == [0, 0, 1]
    assert table.presentations["video_id"].tolist() == [1, 1, 2]
    expected = [400 + 14, 400 + 22, 700 + 14]
    np.testing.assert_allclose(table.amplitude, [expected, np.add(expected, 0.1)], rtol=1e-6)
    np.testing.assert_allclose(table.mean[0], [414, (422 + 714) / 2])
    assert (table.source, table.neurons["neuron"].tolist()) == ("recorded", [0, 3])


def test_traces_need_their_margins(file):
    table = tabulate(file, reduction=Reduction(before=3, after=4))
    assert table.presentations["onset"].tolist() == [10]
    np.testing.assert_allclose(table.trace[0, 0], 400 + np.arange(17, 29))


def test_neurons_keep_their_places_in_the_cortex(file):
    places = np.arange(12.0).reshape(4, 3)
    table = tabulate(file, coordinates=places)
    np.testing.assert_array_equal(table.neurons[["x_um", "y_um", "z_um"]], places[[0, 3]])
    with pytest.raises(
        DataError, match=r"expected at most 3 neurons and 30 frames, found \(2, 20\)"
    ):
        tabulate(file, coordinates=places[:3])


def test_what_is_not_there_is_named(file, tmp_path):
    with pytest.raises(MissingResultError, match=r"no response to these .*trials 9, .*predict.py"):
        tabulate(file, SHOWN[SHOWN["trial"] == 9])
    with pytest.raises(MissingResultError, match=r"nowhere.h5 does not exist: predict.py writes"):
        tabulate(ResponseFile(tmp_path / "nowhere.h5"))
    with pytest.raises(DataError, match="no stimulus lies within frames 10 to 30"):
        tabulate(file, on=25)
    with pytest.raises(DataError, match="18 frames"):
        tabulate(file, num_frames=dict.fromkeys(LENGTHS, 18))
