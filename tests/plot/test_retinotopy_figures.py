"""Figures of receptive fields: they hold the numbers given, and can be read."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from viv1t.analysis.gaussian_fit import gaussian_2d
from viv1t.plot.figures.retinotopy import (
    centres_figure,
    receptive_fields_figure,
    recovered_fields_figure,
    spatial_selectivity_figure,
)
from viv1t.plot.style import Plate, house_style, model_styles

sys.path.insert(0, str(Path(__file__).parent))
from layout import assert_readable

LABELS = ("ViViT", "truth")
SHAPE = (36, 64)


def fields(num=30) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [(label, mouse, n) for label in LABELS for mouse in "AB" for n in range(num)]
    table = pd.DataFrame(rows, columns=["label", "mouse", "neuron"])
    table["x_px"] = rng.uniform(20, 44, len(table))
    table["y_px"] = rng.uniform(10, 26, len(table))
    table = table.assign(sigma_x_px=2.5, sigma_y_px=4.0, theta_rad=0.4, method="sta")
    table["bad_fit"] = table["neuron"] == 3
    return table.assign(x_se_px=0.1, y_se_px=0.2)


def draw_examples() -> Plate:
    rows = fields().iloc[:5]
    images = [
        gaussian_2d(SHAPE, (-5, r.x_px, r.y_px, r.sigma_x_px, r.sigma_y_px, r.theta_rad, 0))
        for r in rows.itertuples()
    ]
    return receptive_fields_figure(np.stack(images), rows)


def draw_centres() -> Plate:
    truth = fields().rename(columns={"x_px": "rf_x_px", "y_px": "rf_y_px"})
    return centres_figure(fields(), labels=LABELS, frame_px=SHAPE, truth=truth)


def errors() -> pd.DataFrame:
    table = fields().assign(sigma_px=3.0, true_sigma_px=2.0, error_px=0.5)
    return table.assign(true_x_px=table["x_px"] + 0.3, true_y_px=table["y_px"] - 0.4)


def draw_recovered() -> Plate:
    return recovered_fields_figure(errors(), styles=model_styles(LABELS))


def draw_selectivity() -> Plate:
    pairs = fields()[["label", "mouse", "neuron"]].copy()
    pairs["recorded"] = np.random.default_rng(1).normal(-9, 2, len(pairs))
    pairs["predicted"] = pairs["recorded"] * 0.5 - 4
    pairs.loc[0, "recorded"] = np.nan
    return spatial_selectivity_figure(pairs, styles=model_styles(LABELS))


FIGURES: dict[str, Callable[[], Plate]] = {
    "examples": draw_examples,
    "centres": draw_centres,
    "recovered": draw_recovered,
    "selectivity": draw_selectivity,
}


@pytest.mark.parametrize("name", FIGURES)
def test_text_can_be_read_and_axes_have_units(name):
    plate = FIGURES[name]()
    assert plate.caption
    axes = plate.figure.axes
    for panel in axes if name != "examples" else ():
        for text in (panel.get_xlabel(), panel.get_ylabel()):
            assert re.fullmatch(r"[^()]+ \([^()]+\)", text)
    with house_style():
        plate.figure.draw_without_rendering()
        texts = [text for a in axes for text in (a.xaxis.label, a.yaxis.label, a._left_title)]
        shown = [text for text in texts if text.get_text()]
        assert_readable(plate.figure, (*shown, *plate.figure.legends))


def test_an_outline_lies_on_its_gaussian():
    plate = draw_examples()
    axes, row = plate.figure.axes[1], fields().iloc[1]
    (outline,) = axes.patches
    assert outline.center == (row["x_px"], row["y_px"])
    image = axes.images[0].get_array()
    corners = outline.get_transform().transform(outline.get_path().vertices)
    points = axes.transData.inverted().transform(corners)
    on_outline = gaussian_2d(SHAPE, (-5, row["x_px"], row["y_px"], 2.5, 4.0, 0.4, 0))
    assert image.min() == on_outline.min()
    heights = [
        -5 * np.exp(-(u**2 / 12.5 + v**2 / 32))
        for x, y in points[::4]
        for dx, dy in [(x - row["x_px"], y - row["y_px"])]
        for u, v in [(np.cos(0.4) * dx - np.sin(0.4) * dy, np.sin(0.4) * dx + np.cos(0.4) * dy)]
    ]
    np.testing.assert_allclose(heights, -5 * np.exp(-2), rtol=0.15)


def test_numbers_are_those_drawn():
    plate = draw_centres()
    assert len(plate.numbers["centres"]) == 2 * 2 * 29  # one bad fit in each
    (dots,) = [line for line in plate.figure.axes[0].lines if line.get_label() == "fitted centre"]
    assert len(dots.get_xdata()) == 29
    summary = draw_recovered().numbers["summary"].set_index("label")
    assert summary.loc["truth", "median_error_px"] == 0.5
    assert summary.loc["truth", "n"] == 60
    agreement = draw_selectivity().numbers["agreement"]
    np.testing.assert_allclose(agreement["pearson_r"], 1)
    assert agreement["n"].tolist() == [59, 60]
