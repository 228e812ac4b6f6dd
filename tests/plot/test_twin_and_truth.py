"""The figure of twin and truth."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
from layout import assert_readable

from viv1t.analysis.rankings import agreement, kind_tests, orders
from viv1t.plot.figures.twin_and_truth import relative_to_centre, twin_and_truth_figure
from viv1t.plot.style import house_style

KINDS = ("generated", "natural", "grating")
GAINS = {"none": 1.0, "grating": 1.2, "natural": 1.5, "generated": 2.0}


def surrounds(goals=("excite", "inhibit"), num=8):
    rng = np.random.default_rng(0)
    rows = []
    for goal in goals:
        for neuron in range(num):
            base = rng.lognormal(1, 0.5)
            for kind, gain in GAINS.items():
                factor = gain if goal == "excite" else 1 / gain
                twin, truth = base * factor * rng.lognormal(0, 0.05, 2)
                rows.append(("S1", neuron, goal, kind, twin, truth))
    return pd.DataFrame(rows, columns=["mouse", "neuron", "goal", "kind", "twin", "truth"])


def figure_of(table):
    tests = kind_tests(table, kinds=KINDS, columns=("twin", "truth"), baseline="none")
    return twin_and_truth_figure(table, tests, agreement(orders(table, kinds=KINDS)))


def test_all_can_be_read(tmp_path):
    plate = figure_of(surrounds())
    paths = plate.save(tmp_path, "twin_and_truth")
    assert {path.suffix for path in paths} == {".pdf", ".png", ".csv"}
    with house_style():
        plate.figure.draw_without_rendering()
    for axes in plate.figure.axes:
        texts = [text for text in axes.get_xticklabels() if text.get_text()]
        assert_readable(plate.figure, texts)
    titles = [axes._left_title for axes in plate.figure.axes]
    assert len(titles) == 8
    assert_readable(plate.figure, titles)
    stars = {text.get_text() for axes in plate.figure.axes for text in axes.texts}
    assert "*" in stars


def test_relative_to_the_centre_of_the_same_neuron():
    table = surrounds(num=3)
    relative = relative_to_centre(table, KINDS)
    assert len(relative) == 2 * 3 * 3
    one = table[(table["neuron"] == 2) & (table["goal"] == "excite")].set_index("kind")
    found = relative[(relative["neuron"] == 2) & (relative["goal"] == "excite")]
    found = found.set_index("kind")
    assert found.loc["natural", "truth"] == one.loc["natural", "truth"] / one.loc["none", "truth"]


def test_one_neuron_has_no_stars(tmp_path):
    plate = figure_of(surrounds(goals=("excite",), num=1))
    plate.save(tmp_path, "one")
    assert {text.get_text() for text in plate.figure.axes[0].texts} == {"n/a"}
