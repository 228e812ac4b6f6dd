"""Panels: they show the numbers that were passed, and can be read."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, StepPatch

from viv1t.analysis.significance import paired_test, two_sample_test
from viv1t.plot import panels
from viv1t.plot.axes import legend_below
from viv1t.plot.style import (
    BLUE,
    PUBLISHED_STYLES,
    RECORDED_STYLE,
    TRUTH_STYLE,
    VERMILION,
    ModelStyle,
    house_style,
    new_figure,
    source_styles,
)
from viv1t.results.manifest import Source

sys.path.insert(0, str(Path(__file__).parent))
from layout import assert_readable
from test_figures import texts_around

GOLDEN = Path(__file__).parent.parent / "golden" / "tuning" / "constants.json"
RNG = np.random.default_rng(8)
STYLES = {"recorded": RECORDED_STYLE, "ViViT": ModelStyle(BLUE, "o")}
VALUES = {"recorded": RNG.normal(0.0, 0.4, 90), "ViViT": RNG.normal(0.4, 0.4, 1200)}
DIRECTIONS = np.arange(0, 360, 45)
QUANTITY = ("Response", "a.u.")
OUTLINE = {"x_px": 20.0, "y_px": 9.0, "sigma_x_px": 3.0, "sigma_y_px": 1.5, "theta_rad": 0.5}


def draw(function: Callable[..., object], *args, **kwargs) -> tuple[Axes, object]:
    with house_style():
        figure = new_figure(80, 60)
        axes = figure.subplots()
        return axes, function(axes, *args, **kwargs)


def tuning(axes: Axes) -> None:
    panels.tuning_curve(axes, DIRECTIONS, np.arange(8.0), np.full(8, 0.5), STYLES["ViViT"])
    panels.direction_axis(axes, DIRECTIONS)
    panels.chance_line(axes, 2.0)


def orientations(axes: Axes) -> None:
    panels.tuning_curve(axes, DIRECTIONS[:4], np.arange(4.0), None, STYLES["recorded"], name="a")
    panels.direction_axis(axes, DIRECTIONS[:4], bars=True)


def boxes(axes: Axes) -> None:
    panels.box_and_dots(axes, VALUES, styles=STYLES, quantity=QUANTITY)
    test = two_sample_test(VALUES["recorded"], VALUES["ViViT"])
    first = panels.significance(axes, 0, 1, test)
    assert panels.significance(axes, 0, 1, test) > first


def scatter(axes: Axes) -> None:
    x, y = VALUES["recorded"], VALUES["ViViT"][:90]
    labels = {"x_quantity": ("Cross", "a.u."), "y_quantity": ("Iso", "a.u.")}
    panels.paired_scatter(axes, x, y, style=STYLES["ViViT"], test=paired_test(x, y), **labels)


def histogram(axes: Axes) -> None:
    panels.step_histogram(
        axes, VALUES, np.linspace(-0.5, 1.5, 9), styles=STYLES, quantity=("Index", "a.u.")
    )


def sizes(axes: Axes) -> None:
    x = np.arange(0, 100, 10)
    panels.size_curve(axes, x, np.exp(-x / 30), None, STYLES["recorded"], median_deg=20.0)
    axes.set_ylabel("Response (a.u.)")


def trace(axes: Axes) -> None:
    time_s = np.arange(-15, 45) / 30
    panels.trace_band(axes, time_s, np.sin(time_s), 0.1 + 0 * time_s, STYLES["ViViT"], (0.0, 1.0))
    axes.set_ylabel("Response (a.u.)")


def heat(axes: Axes) -> None:
    table = pd.DataFrame(np.arange(20.0).reshape(4, 5), index=list("abcd"))
    labels = {"x": ("Recorded", "°"), "y": ("Predicted", "°"), "quantity": ("Neurons", "%")}
    panels.heat_table(axes, table, **labels)


def heat_of_many(axes: Axes) -> None:
    table = pd.DataFrame(RNG.random((30, 20)))
    labels = {"x": ("Recorded", "°"), "y": ("Predicted", "°"), "quantity": ("Neurons", "%")}
    panels.heat_table(axes, table, **labels)


def bars(axes: Axes) -> None:
    rows = [
        (label, group, mouse, RNG.uniform(10, 40))
        for label in STYLES
        for group in ("0°", "90°")
        for mouse in "BCE"
    ]
    table = pd.DataFrame(rows, columns=["label", "group", "mouse", "value"])
    arguments = {"groups": ["0°", "90°"], "styles": STYLES, "quantity": ("Neurons", "%")}
    panels.bars_with_points(axes, table, **arguments, chance={"0°": 25.0})


PANELS = (tuning, orientations, boxes, scatter, histogram, sizes, trace, heat, heat_of_many, bars)


@pytest.mark.parametrize("panel", PANELS, ids=lambda p: p.__name__)
def test_panels_can_be_read(panel):
    axes, _ = draw(panel)
    figure = axes.get_figure()
    with house_style():
        legend_below(figure)
        figure.draw_without_rendering()
        written = [] if panel is heat else [text for text in axes.texts if text.get_text()]
        assert_readable(figure, (*texts_around(axes), *written, *figure.legends))


@pytest.mark.parametrize("panel", PANELS, ids=lambda p: p.__name__)
def test_a_panel_fills_its_figure(panel):
    """Nothing drawn reaches so far that the layout shrinks the panel."""
    axes, _ = draw(panel)
    with house_style():
        axes.get_figure().draw_without_rendering()
    assert axes.get_position().width > 0.6
    assert axes.get_position().height > 0.5


def test_directions_are_drawn_as_arrows_of_motion():
    axes, _ = draw(tuning)
    names = [text.get_text() for text in axes.get_xticklabels()]
    assert names[0] == "0\n←"
    assert names[2] == "90\n↓"
    assert names[5] == "225\n↗"
    line = axes.containers[0].lines[0]
    np.testing.assert_array_equal(line.get_xydata().T, (DIRECTIONS, np.arange(8.0)))


def test_orientations_are_bars_across_the_motion():
    axes, _ = draw(orientations)
    assert [t.get_text() for t in axes.get_xticklabels()] == ["0\n|", "45\n\\", "90\n–", "135\n/"]


def test_the_bracket_stands_above_the_data_with_the_stars_of_the_test():
    axes, _ = draw(boxes)
    brackets = axes.get_lines()[-2:]
    highest = max(values.max() for values in VALUES.values())
    assert all(line.get_ydata().min() > highest for line in brackets)
    assert brackets[0].get_ydata().max() < brackets[1].get_ydata().min()
    assert [text.get_text() for text in axes.texts] == ["***", "***"]


def test_boxes_say_how_many_and_mark_what_lies_beyond():
    arguments = {"styles": STYLES, "quantity": QUANTITY}
    values = VALUES | {"recorded": np.append(VALUES["recorded"], [9.0, np.nan])}
    axes, _ = draw(panels.box_and_dots, values, limits=(-1.0, 3.0), **arguments)
    names = [text.get_text() for text in axes.get_xticklabels()]
    assert names == ["recorded\nn = 91", "ViViT\nn = 1200"]
    beyond = [line for line in axes.get_lines() if line.get_marker() == "^"]
    np.testing.assert_array_equal(beyond[0].get_ydata(), [3.0])
    shown = [len(line.get_xdata()) for line in axes.get_lines() if line.get_marker() == "o"]
    assert shown[0] == 90
    assert shown[1] <= 1000


def test_paired_scatter_tells_n_and_p():
    axes, _ = draw(scatter)
    dots = axes.get_lines()[1].get_xydata()
    np.testing.assert_array_equal(dots.T, (VALUES["recorded"], VALUES["ViViT"][:90]))
    assert axes.texts[0].get_text().startswith("n = 90\np = ")


def test_paired_scatter_of_nothing():
    labels = {"x_quantity": ("Cross", "a.u."), "y_quantity": ("Iso", "a.u.")}
    axes, _ = draw(panels.paired_scatter, [np.nan], [1.0], style=STYLES["ViViT"], **labels)
    assert axes.texts[0].get_text() == "n = 0"


def test_histogram_counts_all_neurons_and_says_which_lie_outside():
    mice = {name: np.where(np.arange(len(v)) % 2, "B", "C") for name, v in VALUES.items()}
    edges = np.linspace(-0.5, 1.5, 9)
    axes, table = draw(
        panels.step_histogram,
        *(VALUES, edges),
        styles=STYLES,
        quantity=("Index", "a.u."),
        mice_by_group=mice,
    )
    whole = table.query("group == 'ViViT' and mouse == 'all'")
    expected = 100 * np.histogram(VALUES["ViViT"], edges)[0] / 1200
    np.testing.assert_allclose(whole["percent"], expected)
    assert set(table["mouse"]) == {"all", "B", "C"}
    steps = [patch for patch in axes.patches if isinstance(patch, StepPatch)]
    assert len(steps) == 6
    np.testing.assert_allclose(steps[3].get_data().values, expected)
    outside = sum(int(np.sum((v < -0.5) | (v > 1.5))) for v in VALUES.values())
    assert axes.texts[0].get_text() == f"{outside} outside"
    triangles = [line.get_xdata()[0] for line in axes.get_lines() if line.get_marker() == "v"]
    np.testing.assert_allclose(triangles, [np.median(v) for v in VALUES.values()])


def test_trace_has_its_band_and_window():
    axes, _ = draw(trace)
    band = axes.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(np.sin(1.0 + 14 / 30) + 0.1, abs=1e-3)
    window = axes.patches[0]
    assert (window.get_x(), window.get_width()) == (0.0, 1.0)


def test_outline_follows_the_fitted_gaussian():
    """The outline of two standard deviations runs where the published Gaussian is exp(-2)."""
    axes, _ = draw(panels.image_with_contour, RNG.normal(size=(18, 32)), OUTLINE)
    [ellipse] = [patch for patch in axes.patches if isinstance(patch, Ellipse)]
    edge = ellipse.get_patch_transform().transform(ellipse.get_path().vertices[:-1:3])
    dx, dy = edge[:, 0] - OUTLINE["x_px"], edge[:, 1] - OUTLINE["y_px"]
    sx, sy, turn = (OUTLINE[name] for name in ("sigma_x_px", "sigma_y_px", "theta_rad"))
    a = np.cos(turn) ** 2 / (2 * sx**2) + np.sin(turn) ** 2 / (2 * sy**2)
    b = -np.sin(2 * turn) / (4 * sx**2) + np.sin(2 * turn) / (4 * sy**2)
    c = np.sin(turn) ** 2 / (2 * sx**2) + np.cos(turn) ** 2 / (2 * sy**2)
    height = np.exp(-(a * dx**2 + 2 * b * dx * dy + c * dy**2))
    np.testing.assert_allclose(height, np.exp(-2), rtol=1e-3)
    assert axes.yaxis_inverted()
    without, _ = draw(panels.image_with_contour, np.ones((3, 4)), OUTLINE | {"x_px": np.nan})
    assert not any(isinstance(patch, Ellipse) for patch in without.patches)


def test_heat_table_writes_its_numbers():
    axes, _ = draw(heat)
    assert [text.get_text() for text in axes.texts] == [f"{i:.1f}" for i in range(20)]
    assert [text.get_text() for text in axes.get_yticklabels()] == list("abcd")


def test_bars_are_means_over_mice():
    axes, table = draw(panels.bars_with_points, *_bar_arguments()[:1], **_bar_arguments()[1])
    assert [bar.get_height() for bars in axes.containers[::2] for bar in bars] == [20.0, 5.0]
    assert table["sem"].iloc[0] == pytest.approx(10.0)
    assert np.isnan(table["sem"].iloc[1])
    assert table["num_mice"].tolist() == [2, 1]


def _bar_arguments() -> tuple[pd.DataFrame, dict[str, object]]:
    rows = [("ViViT", "a", "B", 10.0), ("ViViT", "a", "C", 30.0), ("ViViT", "b", "B", 5.0)]
    table = pd.DataFrame(rows, columns=["label", "group", "mouse", "value"])
    styles = {"ViViT": STYLES["ViViT"]}
    return table, {"groups": ["a", "b"], "styles": styles, "quantity": ("Neurons", "%")}


def test_thumbnails_stand_side_by_side():
    frames = RNG.uniform(0, 255, (3, 6, 8))
    axes, _ = draw(panels.thumbnails, frames, names=["centre", "iso", "cross"])
    for image, frame in zip(axes.get_images(), frames, strict=True):
        np.testing.assert_array_equal(image.get_array(), frame)
    lefts = [image.get_extent()[0] for image in axes.get_images()]
    assert np.diff(lefts) == pytest.approx([8 * 1.12] * 2)
    figure: Figure = axes.get_figure()
    figure.draw_without_rendering()
    assert_readable(figure, axes.texts)


def test_recordings_and_truth_have_styles_of_their_own():
    sources = [
        Source(label="A", path=Path(), kind="model"),
        Source(label="recorded", path=Path(), kind="recorded"),
        Source(label="B", path=Path(), kind="model"),
        Source(label="truth", path=Path(), kind="truth"),
        Source(label="C", path=Path(), kind="model", colour="pink"),
    ]
    styles = source_styles(sources)
    assert list(styles) == ["A", "recorded", "B", "truth", "C"]
    assert (styles["recorded"], styles["truth"]) == (RECORDED_STYLE, TRUTH_STYLE)
    assert [styles[name].colour for name in "ABC"] == [BLUE, VERMILION, "pink"]
    with pytest.raises(ValueError, match="colour no-colour of D"):
        source_styles([Source(label="D", path=Path(), colour="no-colour")])


def test_published_colours():
    golden = json.loads(GOLDEN.read_text())
    for name, colour in golden["colors"].items():
        assert same_color(PUBLISHED_STYLES[name].colour, colour)
    for name, zorder in golden["zorder"].items():
        assert PUBLISHED_STYLES[name].zorder == zorder
    sources = [Source(label="ViV1T", path=Path()), Source(label="mine", path=Path())]
    styles = source_styles(sources, as_published=True)
    assert styles["ViV1T"].colour == "limegreen"
    assert styles["mine"].colour == VERMILION


NOTHING = {"recorded": np.array([]), "ViViT": np.full(3, np.nan)}
ONE = {"recorded": np.array([2.0]), "ViViT": np.array([2.0])}
DEGENERATE: dict[str, Callable[[Axes], object]] = {
    "boxes of nothing": lambda axes: panels.box_and_dots(
        axes, NOTHING, styles=STYLES, quantity=QUANTITY
    ),
    "boxes of one value": lambda axes: panels.box_and_dots(
        axes, ONE, styles=STYLES, quantity=QUANTITY
    ),
    "bracket over nothing": lambda axes: panels.significance(
        axes, 0, 1, two_sample_test([1.0], [2.0])
    ),
    "histogram of nothing": lambda axes: panels.step_histogram(
        axes, NOTHING, [0.0, 1.0, 2.0], styles=STYLES, quantity=QUANTITY
    ),
    "heat of nothing": lambda axes: panels.heat_table(
        axes, pd.DataFrame(np.full((2, 2), np.nan)), x=QUANTITY, y=QUANTITY, quantity=QUANTITY
    ),
    "curve with gaps": lambda axes: panels.tuning_curve(
        axes, [0, 90], [1.0, np.nan], [np.nan, np.nan], STYLES["ViViT"]
    ),
    "trace of nothing": lambda axes: panels.trace_band(
        axes, [0.0, 0.1], [np.nan, np.nan], None, STYLES["ViViT"]
    ),
    "sizes without a median": lambda axes: panels.size_curve(
        axes, [0, 10], [1.0, 2.0], None, STYLES["ViViT"], median_deg=np.nan
    ),
    "image of nothing": lambda axes: panels.image_with_contour(axes, np.full((3, 4), np.nan)),
    "image of zeros": lambda axes: panels.image_with_contour(axes, np.zeros((3, 4)), OUTLINE),
    "bars without a model": lambda axes: panels.bars_with_points(
        axes,
        pd.DataFrame(columns=["label", "group", "mouse", "value"]),
        groups=["a"],
        styles=STYLES,
        quantity=QUANTITY,
    ),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_little_or_nothing_can_be_drawn_without_a_warning(name: str):
    axes, _ = draw(DEGENERATE[name])
    with house_style():
        axes.get_figure().draw_without_rendering()
    assert axes.get_position().width > 0.4
