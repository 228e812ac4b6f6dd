"""The house style changes nothing global and needs neither torch nor pyplot."""

import subprocess
import sys

import matplotlib as mpl
import pytest

from viv1t.plot.style import (
    MM_PER_INCH,
    house_style,
    model_styles,
    new_figure,
    save_drawing,
)


def test_plotting_imports_neither_torch_nor_pyplot():
    code = (
        "import sys, viv1t.plot.figures, viv1t.plot.diagram; "
        "print([m for m in ('torch', 'matplotlib.pyplot', 'viv1t.model', 'viv1t.data') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_style_ends_with_its_context():
    before = dict(mpl.rcParams)
    with house_style():
        assert mpl.rcParams["pdf.fonttype"] == 42
        assert mpl.rcParams["font.size"] != before["font.size"]
    assert dict(mpl.rcParams) == before


def test_figures_are_sized_in_mm():
    assert new_figure(89, 50).get_size_inches() * MM_PER_INCH == pytest.approx([89, 50])


def test_models_keep_distinct_colours_and_markers():
    styles = model_styles(["ViViT", "LN", "ViViT"])
    assert list(styles) == ["ViViT", "LN"]
    assert len({s.colour for s in styles.values()} | {s.marker for s in styles.values()}) == 4
    with pytest.raises(ValueError, match=r"at most 6 models .* got 7"):
        model_styles([str(i) for i in range(7)])


@pytest.mark.parametrize("suffix", ["pdf", "png", "svg"])
def test_equal_drawings_are_equal_files(suffix, tmp_path):
    contents = []
    for name in ("a", "b"):
        with house_style():
            figure = new_figure(40, 30)
            figure.subplots().plot([1, 2, 3])
        [path] = save_drawing(figure, tmp_path, name, suffixes=[suffix])
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
