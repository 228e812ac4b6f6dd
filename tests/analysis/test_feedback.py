"""The tables of size tuning and onsets: all columns, the right neurons, the published form."""

import numpy as np
import pandas as pd
import pytest

from viv1t.analysis.feedback import (
    onset_tables,
    published_both_fields,
    published_preferences,
    size_tables,
    with_both_fields,
)
from viv1t.results.specs import TABLES

SIZES = np.array([0.0, 10, 20, 40, 80])
NEURONS = pd.DataFrame({"neuron": [3, 7], "z_um": [200.0, 400.0]})
ONSETS = {"before": 15, "on": 15, "neurons": [3, 7]}


def discs(sizes=SIZES[1:]):
    rows = [
        (neuron, size, size / 15, 0.7 if neuron == 7 and size == 80 else 1.0)
        for neuron in (3, 7)
        for size in sizes
    ]
    table = pd.DataFrame(rows, columns=["neuron", "size", "disc_ratio", "visible"])
    return table.assign(size_deg=table["size"] + 1e-13)  # degrees via pixels are not exact


def tables(*, as_published=False):
    rng = np.random.default_rng(0)
    disc = np.array([0.1, 2, 6, 3, 2])
    hole = np.array([2.0, 1, 0.5, 5, 1])
    mean = np.stack([disc, hole], axis=1)[None, :, :, None, None]
    responses = mean * rng.gamma(60, 1 / 60, (2, 5, 2, 2, 6))
    return size_tables(
        responses, SIZES, neurons=NEURONS, discs=discs(), rng=rng, as_published=as_published
    )


@pytest.mark.parametrize("as_published", [False, True])
def test_tables_have_the_columns_that_are_stored(as_published):
    tuning, curves = tables(as_published=as_published)
    assert {*tuning, "mouse"} == set(TABLES["size_tuning"].columns)
    assert {*curves, "mouse"} == set(TABLES["size_curves"].columns)
    assert tuning["neuron"].tolist() == [3, 7]
    assert tuning["z_um"].tolist() == [200, 400]
    assert (
        curves.groupby(["neuron", "stimulus"])["size_deg"].apply(list).tolist()
        == [SIZES.tolist()] * 4
    )


def test_discs_that_leave_the_screen_are_flagged():
    tuning, curves = tables()
    assert tuning["whole_deg"].tolist() == [80, 40]
    assert tuning["near_edge"].tolist() == [False, True]
    cut = curves.query("neuron == 7 and size_deg == 80")
    assert cut["visible"].tolist() == [0.7, 0.7]
    nothing = curves.query("size_deg == 0")
    assert (nothing["visible"] == 1).all()
    assert (nothing["disc_ratio"] == 0).all()


def test_published_preferences():
    tuning, curves = (frame.assign(mouse="A") for frame in tables(as_published=True))
    assert tuning["classical_deg"].tolist() == [20, 20]
    assert tuning["suppression_index"].isna().all()
    found = published_preferences(tuning, curves)
    assert list(found) == [
        *("mouse", "neuron", "depth", "classic_tuned", "inverse_tuned", "classic_preference"),
        *("inverse_preference", "classic_tuning_curve", "inverse_tuning_curve"),
    ]
    own = curves.query("neuron == 7 and stimulus == 'inverse'").sort_values("size_deg")["mean"]
    assert found["inverse_tuning_curve"][1] == own.tolist()
    assert found["inverse_preference"].tolist() == [40, 40]


@pytest.mark.parametrize("as_published", [False, True])
def test_onset_tables(as_published):
    frames = np.arange(45)
    rise = [np.clip((frames - start) / 4, 0, 1) * (frames < 30) for start in (17, 20)]
    traces = 1 + np.stack([rise, rise[::-1]])
    onsets, course = onset_tables(
        traces,
        np.zeros_like(traces),
        discs=discs([40.0]).assign(disc_ratio=[2.6, 2.0]),
        rng=np.random.default_rng(0),
        as_published=as_published,
        **ONSETS,
    )
    assert {*onsets, "mouse"} == set(TABLES["response_onset"].columns)
    assert {*course, "mouse"} == set(TABLES["onset_traces"].columns)
    assert onsets["isolated"].tolist() == [True, False]
    np.testing.assert_allclose(onsets["delay_s"], [0.1, -0.1], atol=1e-9)
    assert onsets["delay_low_s"].isna().all() == as_published
    one = course.query("neuron == 7 and stimulus == 'inverse'")
    np.testing.assert_allclose(one["mean"], traces[1, 1])
    assert one["time_s"].iloc[15] == 0


def test_which_neurons_have_both_fields():
    tuning = pd.DataFrame(
        {
            "mouse": "A",
            "neuron": range(6),
            "classical_tuned": [True, True, True, False, True, True],
            "inverse_tuned": [True, True, False, True, True, True],
            "classical_deg": [20.0, 20, 20, 20, 20, 60],
            "inverse_deg": [30.0, 30, 30, 30, 30, 30],
            "z_um": [250.0, 250, 250, 250, 350, 250],
        }
    )
    onsets = pd.DataFrame(
        {
            "mouse": "A",
            "neuron": range(6),
            "isolated": [True, False, True, True, True, True],
            "delay_s": [0.1, 0.1, 0.1, 0.1, np.nan, 0.1],
        }
    )
    assert with_both_fields(onsets, tuning)["neuron"].tolist() == [0, 5]
    assert published_both_fields(onsets, tuning)["neuron"].tolist() == [0, 1]
    of_both = ["label", "mouse", "neuron"]
    tuning, onsets = (
        pd.concat([frame.assign(label=label) for label in "xy"]) for frame in (tuning, onsets)
    )
    assert len(with_both_fields(onsets, tuning, keys=of_both)) == 4
