"""Figures: the artists hold the numbers that were passed, axes have labels with units."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from viv1t.plot.figures import (
    ceiling_figure,
    learning_figure,
    positions_figure,
    scores_figure,
    traces_figure,
)
from viv1t.plot.style import BLUE, VERMILION, Plate, house_style, model_styles

sys.path.insert(0, str(Path(__file__).parent))
import tables
from layout import assert_readable

VIDEO = np.random.default_rng(0).uniform(0, 255, (80, 16, 28))
FRAME_PX = (16, 28)


def draw_traces() -> Plate:
    return traces_figure(tables.traces(), video=VIDEO, fps=30, title="movie", models=tables.MODELS)


def draw_positions() -> Plate:
    style = model_styles(tables.MODELS)["ViViT"]
    return positions_figure(tables.positions(), frame_px=FRAME_PX, style=style)


FIGURES: dict[str, Callable[[], Plate]] = {
    "learning": lambda: learning_figure(tables.history(), ceiling=0.6),
    "ceiling": lambda: ceiling_figure(tables.neuron_scores()),
    "positions": draw_positions,
    "scores": lambda: scores_figure(tables.summary()),
    "traces": draw_traces,
}


def lines_of(axes: Axes, label: str) -> list[np.ndarray]:
    return [line.get_xydata() for line in axes.get_lines() if line.get_label() == label]


def texts_around(axes: Axes) -> list[Text]:
    """Titles, axis labels, and the tick labels within the limits."""
    found = [axes.xaxis.label, axes.yaxis.label]
    found += [a for a in axes.get_children() if isinstance(a, Text) and a not in axes.texts]
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        ticks = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=False)
        found += [text for place, text in ticks if low <= place <= high]
    return [text for text in found if text.get_text() and text.get_visible()]


def visible_texts(figure: Figure) -> list[str]:
    found = [text.get_text() for axes in figure.axes for text in axes.texts]
    titles = [axes.get_title(loc) for axes in figure.axes for loc in ("left", "right")]
    return found + [title for title in titles if title]


@pytest.mark.parametrize("name", FIGURES)
def test_axes_have_a_label_with_a_unit(name: str):
    figure = FIGURES[name]().figure
    labels = [a.get_xlabel() for a in figure.axes] + [a.get_ylabel() for a in figure.axes]
    assert any(labels)
    assert all(re.fullmatch(r"[^()]+ \([^()]+\)", text) for text in labels if text)


@pytest.mark.parametrize("name", FIGURES)
def test_text_of_a_figure_does_not_overlap(name: str):
    """Titles, axis labels, tick labels and legends keep clear of each other."""
    figure = FIGURES[name]().figure
    with house_style():
        figure.draw_without_rendering()
        texts = [text for axes in figure.axes if axes.axison for text in texts_around(axes)]
        assert_readable(figure, (*texts, *figure.legends))


def test_learning_curves_and_best_epochs():
    figure = FIGURES["learning"]().figure
    loss, correlation = figure.axes
    vivit = tables.history().query("model == 'ViViT'")
    np.testing.assert_array_equal(lines_of(loss, "ViViT")[0], vivit[["epoch", "loss"]])
    np.testing.assert_array_equal(
        lines_of(correlation, "ViViT")[0], vivit[["epoch", "correlation"]]
    )
    np.testing.assert_array_equal(lines_of(correlation, "_best ViViT")[0], [[3, 0.4]])
    np.testing.assert_array_equal(lines_of(correlation, "_best LN")[0], [[2, 0.2]])
    assert "noise ceiling 0.600" in visible_texts(figure)
    assert [line.get_color() for line in loss.get_lines()] == [BLUE, VERMILION]


def test_learning_curve_without_ceiling_or_with_epochs_not_evaluated():
    history = tables.history()
    history.loc[0, "correlation"] = np.nan
    axes = learning_figure(history).figure.axes[1]
    assert lines_of(axes, "ViViT")[0][:, 0].tolist() == [2, 3, 4]
    assert not any("ceiling" in text.get_text() for text in axes.texts)


def test_run_of_one_epoch_and_run_without_a_correlation():
    history = tables.history().query("epoch == 1").assign(correlation=[-0.2, np.nan])
    loss, correlation = learning_figure(history).figure.axes
    assert [line.get_marker() for line in loss.get_lines()] == [".", "."]
    assert correlation.get_ylim()[0] < -0.2
    np.testing.assert_array_equal(lines_of(correlation, "_best ViViT")[0], [[1, -0.2]])
    assert lines_of(correlation, "_best LN") == []


def test_each_neuron_stands_at_its_ceiling_and_correlation():
    scores = tables.neuron_scores()
    figure = ceiling_figure(scores).figure
    for axes, (_, of_mouse) in zip(figure.axes, scores.groupby("mouse_id"), strict=True):
        for model, share in zip(tables.MODELS, (80, 50), strict=True):
            rows = of_mouse.query("model == @model")[["ceiling", "correlation"]]
            label = f"{model}: {share} % of the ceiling"
            np.testing.assert_array_equal(lines_of(axes, label)[0], rows)
            np.testing.assert_allclose(lines_of(axes, f"_mean {label}")[0][0], rows.mean())
        unity, share_line = lines_of(axes, "_100 %")[0], lines_of(axes, "_70 %")[0]
        assert unity[1, 1] == unity[1, 0] > rows["ceiling"].max()
        assert share_line[1, 1] == pytest.approx(0.7 * share_line[1, 0])


def test_positions_in_scatter_and_map():
    plate = draw_positions()
    first = tables.positions().query("mouse_id == 'S1'")
    along_x, along_y, in_frame = plate.figure.axes[:3]
    np.testing.assert_array_equal(
        lines_of(along_x, "neurons")[0], first[["true_x_px", "learned_x_px"]]
    )
    np.testing.assert_array_equal(
        lines_of(along_y, "neurons")[0], first[["true_y_px", "learned_y_px"]]
    )
    np.testing.assert_array_equal(
        lines_of(in_frame, "true centre")[0], first[["true_x_px", "true_y_px"]]
    )
    segments = np.array(in_frame.collections[0].get_segments())
    np.testing.assert_array_equal(segments[:, 1], first[["learned_x_px", "learned_y_px"]])
    assert in_frame.yaxis_inverted()
    expected = np.corrcoef(first["true_x_px"], first["learned_x_px"])[0, 1]
    agreement = plate.numbers["agreement"].query("mouse_id == 'S1' and axis == 'x'")
    assert agreement["correlation"].item() == pytest.approx(expected)
    assert f"r = {expected:.3f}" in visible_texts(plate.figure)


def test_bars_stand_below_their_ceiling_in_the_order_of_the_tiers():
    figure = FIGURES["scores"]().figure
    for axes in figure.axes:
        heights = {c.get_label(): [bar.get_height() for bar in c] for c in axes.containers}
        assert heights == {
            "noise ceiling": [0.6, 0.6],
            "ViViT": pytest.approx([0.45, 0.45]),
            "LN": pytest.approx([0.3, 0.3]),
        }
        assert [t.get_text() for t in axes.get_xticklabels()] == [
            "validation\nmovie",
            "live_main\nmovie",
        ]
        assert [t.get_text() for t in axes.texts] == ["75 %"] * 2 + ["50 %"] * 2


def test_bars_without_a_known_ceiling():
    table = tables.summary().assign(ceiling=np.nan, share=np.nan)
    axes = scores_figure(table).figure.axes[0]
    assert len(axes.texts) == 0
    assert [c.get_label() for c in axes.containers] == ["ViViT", "LN"]


def test_traces_hold_trials_mean_truth_and_predictions():
    plate = draw_traces()
    strip, *rows = plate.figure.axes
    table = tables.traces()
    for neuron, axes in enumerate(rows):
        drawn = [line.get_ydata() for line in axes.get_lines()]
        lines = table[table["neuron"] == neuron].groupby(["kind", "source"], sort=False)
        expected = [line["response"].to_numpy() for _, line in lines]
        np.testing.assert_array_equal(drawn, expected)
        assert axes.get_title("right") == "ViViT r = 0.50,  LN r = 0.30,  ceiling 0.60"
    frames = plate.numbers["frames"]["frame"]
    assert frames.between(50, 79).all()
    for image, frame in zip(strip.get_images(), frames, strict=True):
        np.testing.assert_array_equal(image.get_array(), VIDEO[frame])
        left, right, *_ = image.get_extent()
        assert (left + right) / 2 == pytest.approx(frame / 30, abs=1 / 30)


@pytest.mark.parametrize("name", FIGURES)
def test_saved_files_hold_the_numbers_drawn_and_the_caption(name: str, tmp_path: Path):
    plate = FIGURES[name]()
    paths = plate.save(tmp_path / "figures", name)
    assert [p.name for p in paths[:2]] == [f"{name}.pdf", f"{name}.png"]
    assert sorted(p for p in (tmp_path / "figures").iterdir()) == sorted(paths)
    for path, (panel, table) in zip(paths[2:], plate.numbers.items(), strict=True):
        assert path.name == f"{name}_{panel}.csv"
        pd.testing.assert_frame_equal(
            pd.read_csv(path), table.reset_index(drop=True), check_dtype=False
        )
    with Image.open(paths[1]) as image:
        assert image.info["Description"] == plate.caption
    assert len(plate.caption) > 20
