"""Figures of size tuning and onsets: they hold the numbers given, and can be read."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from viv1t.analysis.significance import paired_test
from viv1t.plot.figures.onsets import onset_figure
from viv1t.plot.figures.size_responses import size_responses_figure, size_stimuli_figure
from viv1t.plot.figures.size_tuning import size_tuning_figure
from viv1t.plot.style import Plate, house_style

sys.path.insert(0, str(Path(__file__).parent))
from layout import assert_readable

SIZES = np.array([0.0, 30, 60, 90])
LABELS = ("ViViT", "truth")


def size_tables(num=12) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(0)
    rows = [(label, mouse, n) for label in LABELS for mouse in "AB" for n in range(num)]
    tuning = pd.DataFrame(rows, columns=["label", "mouse", "neuron"])
    tuning["classical_tuned"] = tuning["neuron"] > 0
    tuning["inverse_tuned"] = tuning["neuron"] > 6
    tuning["iti"] = rng.uniform(size=len(tuning))
    for name, size in (("classical", 20.0), ("inverse", 45.0)):
        tuning[f"{name}_deg"] = size
        tuning[name] = rng.gamma(4, 2, len(tuning))
    curves = tuning[["label", "mouse", "neuron"]].merge(
        pd.DataFrame(
            [(s, float(x), 0.1 + x % 50) for s in ("classical", "inverse") for x in SIZES],
            columns=["stimulus", "size_deg", "mean"],
        ),
        how="cross",
    )
    return tuning, curves


def onset_tables(num=10) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(1)
    onsets = pd.DataFrame({"label": "ViViT", "mouse": "A", "neuron": np.arange(num)})
    onsets["classical_onset_s"] = rng.uniform(0.05, 0.1, num)
    onsets["delay_s"] = rng.uniform(0.03, 0.08, num)
    onsets["inverse_onset_s"] = onsets["classical_onset_s"] + onsets["delay_s"]
    time = (np.arange(45) - 15) / 30
    course = [
        (s, t, 1 + max(0.0, t - late) * (t < 0.5))
        for s, late in (("classical", 0.1), ("inverse", 0.2))
        for t in time
    ]
    traces = pd.DataFrame(course, columns=["stimulus", "time_s", "mean"]).assign(sem=0.1)
    return onsets, onsets[["label", "mouse", "neuron"]].merge(traces, how="cross")


def draw_sizes() -> Plate:
    return size_tuning_figure(*size_tables(), labels=LABELS)


def draw_onsets() -> Plate:
    return onset_figure(*onset_tables(), labels=LABELS)


def draw_responses() -> Plate:
    _, traces = onset_tables(2)
    traces = pd.concat([traces.assign(size_deg=size) for size in SIZES])
    return size_responses_figure(traces, names={1: "A, neuron 1"})


FIGURES: dict[str, Callable[[], Plate]] = {
    "sizes": draw_sizes,
    "onsets": draw_onsets,
    "responses": draw_responses,
}


@pytest.mark.parametrize("name", FIGURES)
def test_labels_have_units_and_text_can_be_read(name):
    plate = FIGURES[name]()
    axes = plate.figure.axes
    labels = [a.get_xlabel() for a in axes] + [a.get_ylabel() for a in axes]
    assert all(re.fullmatch(r"[^()]+ \([^()]+\)", text) for text in labels if text)
    with house_style():
        plate.figure.draw_without_rendering()
        texts = [text for a in axes for text in (a.xaxis.label, a.yaxis.label, a.title)]
        texts += [a.get_title(loc="left") and a._left_title for a in axes]
        shown = [text for text in texts if text and text.get_text()]
        assert_readable(plate.figure, (*shown, *plate.figure.legends))


def test_size_tuning_shows_tuned_neurons_and_the_test_of_what_it_shows():
    tuning, curves = size_tables()
    plate = size_tuning_figure(tuning, curves, labels=LABELS)
    shown = tuning.query("label == 'truth' and classical_tuned")
    tests = plate.numbers["tests"].query("label == 'truth'").set_index("comparison")
    expected = paired_test(shown["inverse"], shown["classical"])
    assert tests.loc["inverse - classical", "p"] == expected.p
    assert tests["n"].tolist() == [22, 22]
    lines = plate.numbers["curves"].query("label == 'truth' and stimulus == 'classical'")
    whole = lines.query("mouse == 'all'").set_index("size_deg")["mean"]
    values = 0.1 + SIZES % 50
    np.testing.assert_allclose(whole, values / values.max())
    assert sorted(lines["mouse"].unique()) == ["A", "B", "all"]


def test_delays_are_those_of_the_table_and_a_source_may_have_none():
    onsets, traces = onset_tables()
    plate = onset_figure(onsets, traces, labels=LABELS)
    (row,) = plate.numbers["delays"].to_dict("records")
    assert row["label"] == "ViViT"
    assert row["median_ms"] == pytest.approx(1000 * onsets["delay_s"].median())
    assert row["low_ms"] < row["mean_ms"] < row["high_ms"]
    assert row["p"] == paired_test(onsets["inverse_onset_s"], onsets["classical_onset_s"]).p
    texts = [text.get_text() for axes in plate.figure.axes for text in axes.texts]
    assert "no neuron with both fields" in texts
    nobody = onset_figure(onsets[:0], traces, labels=LABELS)
    assert nobody.numbers["delays"].empty


def test_stimuli_in_a_row():
    movies = {
        name: np.full((2, 3, 12, 20), level) for name, level in (("disc", 80.0), ("hole", 120.0))
    }
    plate = size_stimuli_figure(movies, np.array([0.0, 40.0]), title="in the middle")
    assert plate.numbers["frames"]["hole_mean"].tolist() == [120, 120]
    assert len(plate.figure.axes[0].images) == 2
