"""The figure of the natural spectrum holds the numbers given, and can be read."""

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from viv1t.plot.figures.natural_spectrum import WITH_DC, WITHOUT_DC, natural_spectrum_figure
from viv1t.plot.style import house_style

sys.path.insert(0, str(Path(__file__).parent))
from layout import assert_readable


def tables(mice: str = "AB") -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(0)
    radial = np.hypot(np.fft.fftfreq(36)[:, None], np.fft.fftfreq(64)).ravel()
    power = [
        pd.DataFrame({"mouse": m, "cycles_per_px": radial, "log_power": 9 - np.log(radial + 0.01)})
        for m in mice
    ]
    kl = [pd.DataFrame({"mouse": m, "kl": rng.gamma(2, 0.1, 300)}) for m in mice]
    clips = pd.concat(kl, ignore_index=True)
    return pd.concat(power, ignore_index=True), clips.assign(kl_with_dc=clips["kl"] / 3)


def test_numbers_are_those_given():
    frequencies, clips = tables()
    numbers = natural_spectrum_figure(frequencies, clips).numbers
    whole = numbers["divergence"].query("mouse == 'all'").groupby("group")
    assert whole["percent"].sum().round(6).tolist() == [100, 100]
    assert set(whole.groups) == {WITH_DC, WITHOUT_DC}
    assert (whole["n"].first() == len(clips)).all()
    course = numbers["course"]
    assert set(course["mouse"]) == {"A", "B", "all"}
    np.testing.assert_allclose(
        course["log_power"], 9 - np.log(course["cycles_per_px"] + 0.01), atol=0.05
    )


def test_one_mouse_and_exact_zeros_can_be_drawn():
    frequencies, clips = tables("A")
    plate = natural_spectrum_figure(frequencies, clips.assign(kl=0.0, kl_with_dc=-1e-6))
    assert plate.numbers["divergence"]["percent"].max() == 100


def test_text_can_be_read_and_axes_have_units():
    plate = natural_spectrum_figure(*tables())
    figure = plate.figure
    assert plate.caption
    for axes in figure.axes:
        for text in (axes.get_xlabel(), axes.get_ylabel()):
            assert re.fullmatch(r"[^()]+ \([^()]+\)", text)
    with house_style():
        figure.draw_without_rendering()
        texts = [t for a in figure.axes for t in (a.xaxis.label, a.yaxis.label, a._left_title)]
        assert_readable(figure, [text for text in texts if text.get_text()])
