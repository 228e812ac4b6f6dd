"""The pictures of the documentation: readable, small, and true to the package."""

import sys
from pathlib import Path

import numpy as np
import pytest

from viv1t.plot.diagram import canvas, curve
from viv1t.plot.overview import overview
from viv1t.plot.rooms import ROOMS, SCRIPTS, architecture
from viv1t.plot.style import MM_PER_INCH, house_style, save_drawing

sys.path.insert(0, str(Path(__file__).parent))
from layout import assert_readable

ROOT = Path(__file__).parents[2]
LIMIT_BYTES = 300_000


def test_a_canvas_counts_in_mm():
    figure, axes = canvas(100, 40)
    assert figure.get_size_inches() * MM_PER_INCH == pytest.approx([100, 40])
    corner = axes.transData.transform((100, 40))
    assert corner == pytest.approx(figure.get_size_inches() * figure.dpi)


def test_a_curve_fills_its_rectangle():
    _, axes = canvas(100, 40)
    curve(axes, np.array([0.0, 5.0, 10.0]), (10, 20), (30, 8), limits=(0, 10), colour="k")
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[10, 20], [25, 24], [40, 28]])


@pytest.mark.parametrize("name", ["overview", "architecture"])
def test_pictures_are_readable_and_small(name, tmp_path):
    with house_style():
        figure = overview(1234) if name == "overview" else architecture()
        figure.draw_without_rendering()
        assert_readable(figure, figure.axes[0].texts)
    for path in save_drawing(figure, tmp_path, name, suffixes=("png", "svg")):
        assert path.stat().st_size < LIMIT_BYTES
        assert (ROOT / "docs/figures" / path.name).stat().st_size < LIMIT_BYTES


def test_the_picture_of_the_package_shows_each_room():
    """Rooms that hold code stand in the picture, and only those."""
    shown = {word for name in ROOMS if name != SCRIPTS for word in name.split()}
    package = ROOT / "viv1t"
    modules = {path.stem for path in package.glob("*.py")} - {"__init__"}
    folders = {path.parent.relative_to(package).parts[0] for path in package.glob("*/**/*.py")}
    empty = {f for f in folders if len(list((package / f).rglob("*.py"))) == 1}
    assert shown == modules | (folders - empty)
