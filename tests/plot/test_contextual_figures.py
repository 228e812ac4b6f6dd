"""Figures of contextual modulation: they hold the numbers given, and can be read."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from viv1t.analysis.contextual import contextual_modulation, one_size
from viv1t.analysis.flips import contrast_flips, flip_sweep
from viv1t.analysis.surround_onsets import surround_onsets
from viv1t.errors import ConfigError
from viv1t.names import SURROUND_KINDS
from viv1t.plot.figures.contextual import modulation_comparison_figure, modulation_figure
from viv1t.plot.figures.contextual_contrast import (
    contrast_figure,
    relative_responses,
    relative_traces,
    surround_traces_figure,
)
from viv1t.plot.figures.surround_onsets import surround_onset_figure
from viv1t.plot.figures.surround_stimuli import surround_stimuli_figure
from viv1t.plot.style import Plate, house_style, model_styles

sys.path.insert(0, str(Path(__file__).parent))
from layout import assert_readable

STYLES = model_styles(["ViViT", "LN"])
MEANS = np.array([[10.0, 4, 7, 6], [2.0, 3, 1.5, 2.5]])


def tables(num=15) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Modulation and flips of two mice; a third of the neurons flips."""
    rng = np.random.default_rng(0)
    shown = [(c, 30.0, kind) for c in (1.0, 0.05) for kind in SURROUND_KINDS]
    conditions = pd.DataFrame(shown, columns=["contrast", "size", "kind"])
    parts = []
    for mouse in "AB":
        means = np.tile(MEANS.ravel(), (num, 1))
        means[num // 3 :, [5, 6]] = [1.0, 1.8]
        samples = means[..., None] * rng.gamma(30, 1 / 30, (num, 8, 12))
        given = {"baseline": np.full(num, 0.1), "rng": rng}
        parts.append(
            [
                analyse(samples, conditions, **given).assign(mouse=mouse)
                for analyse in (contextual_modulation, contrast_flips)
            ]
        )
    modulation, flips = (pd.concat(part, ignore_index=True) for part in zip(*parts, strict=True))
    return tuple(t.assign(neuron=t["row"], size_deg=t["size"]) for t in (modulation, flips))


MODULATION, FLIPS = tables()


def traces() -> pd.DataFrame:
    time = (np.arange(60) - 15) / 30
    rows = [
        (name, contrast, kind, t, 0.5 + (0 < t < 1) * MEANS[row, number], 0.1)
        for name in ("A, neuron 1", "B, neuron 2")
        for row, contrast in enumerate((1.0, 0.05))
        for number, kind in enumerate(SURROUND_KINDS)
        for t in time
    ]
    return pd.DataFrame(rows, columns=["name", "contrast", "kind", "time_s", "mean", "sem"])


def onsets(num=12) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    time = np.arange(60) - 15
    start = rng.uniform(2, 4, num)[:, None]
    centre = np.clip(time - start, 0, 5) * (time < 30)
    iso = centre - 0.4 * np.clip(time - start - 3, 0, 5) * (time < 30)
    means = np.stack([centre, iso, centre, centre], axis=1)
    found = surround_onsets(means, np.full(means.shape, 1e-3), before=15, on=30)
    return found.assign(mouse=np.repeat(["A", "B"], num // 2), neuron=np.arange(num))


def draw_traces() -> Plate:
    frames = np.random.default_rng(0).uniform(0, 255, (3, 16, 28))
    return surround_traces_figure(traces(), on_s=1.0, frames=frames)


def draw_stimuli() -> Plate:
    rng = np.random.default_rng(0)
    keys = [(c, kind) for c in (1.0, 0.05) for kind in SURROUND_KINDS]
    return surround_stimuli_figure({k: rng.uniform(0, 255, (30, 16, 28)) for k in keys}, fps=30)


def draw_contrast() -> Plate:
    return contrast_figure(MODULATION, FLIPS, flip_sweep(FLIPS["cmi_high"], FLIPS["cmi_low"]))


FIGURES: dict[str, Callable[[], Plate]] = {
    "modulation": lambda: modulation_figure(MODULATION, style=STYLES["ViViT"]),
    "comparison": lambda: modulation_comparison_figure(
        {"ViViT": MODULATION, "LN": MODULATION}, styles=STYLES
    ),
    "contrast": draw_contrast,
    "traces": draw_traces,
    "onsets": lambda: surround_onset_figure(onsets()),
    "stimuli": draw_stimuli,
}


@pytest.mark.parametrize("name", FIGURES)
def test_axes_have_units_and_text_is_apart(name):
    plate = FIGURES[name]()
    labels = [text for a in plate.figure.axes for text in (a.get_xlabel(), a.get_ylabel())]
    assert all(re.fullmatch(r"[^()]+ \([^()]+\)", text) for text in labels if text)
    with house_style():
        plate.figure.draw_without_rendering()
        texts = [t for a in plate.figure.axes for t in (a.xaxis.label, a.yaxis.label)]
        texts += [a.title for a in plate.figure.axes] + list(plate.figure.legends)
        assert_readable(plate.figure, [t for t in texts if t.get_visible() and _says(t)])
    assert plate.caption.endswith(".")


def _says(artist) -> bool:
    return not hasattr(artist, "get_text") or bool(artist.get_text())


@pytest.mark.parametrize("name", ["comparison", "onsets"])
def test_numbers_are_saved_beside_the_figure(name, tmp_path):
    plate = FIGURES[name]()
    paths = plate.save(tmp_path, name)
    assert [path.suffix for path in paths] == [".pdf", ".png"] + [".csv"] * len(plate.numbers)


def test_modulation_figure_tests_what_it_draws():
    numbers = FIGURES["modulation"]().numbers
    tests = numbers["tests"].set_index(["contrast", "against", "kind"])
    assert tests.loc[(1.0, "centre", "iso"), "p"] < 1e-6
    assert tests.loc[(1.0, "iso", "cross"), "effect"] == 1
    summary = numbers["summary"].set_index(["contrast", "index"])
    high = MODULATION[MODULATION["contrast"] == 1.0]
    assert summary.loc[(1.0, "cmi"), "mean"] == pytest.approx(high["cmi"].mean())
    assert summary.loc[(1.0, "cmi"), "num_mice"] == 2
    histogram = numbers["histogram"].query("mouse == 'all' and contrast == 1")
    assert histogram["percent"].sum() == pytest.approx(100)


def test_keller_is_beside_the_models():
    numbers = FIGURES["comparison"]().numbers
    assert numbers["keller"]["percent"].sum() == pytest.approx(100, abs=0.5)
    assert numbers["histogram"]["group"].unique().tolist() == ["ViViT", "LN"]


def test_contrast_figure_joins_neurons_that_flip():
    plate = draw_contrast()
    relative = relative_responses(MODULATION)
    high = relative.query("contrast == 'high' and kind == 'iso'")
    np.testing.assert_allclose(high["ratio"].median(), 3.9 / 9.9, rtol=0.1)
    np.testing.assert_array_equal(high["ratio"], high["of_high"])
    (lines,) = plate.figure.axes[1].collections
    assert len(lines.get_segments()) == FLIPS["flip"].sum() == 10


def test_traces_are_relative_to_the_centre_at_high_contrast():
    found = relative_traces(traces())
    peak = found.groupby(["contrast", "kind"])["mean"].max()
    assert peak[1.0, "centre"] == pytest.approx(1)
    assert peak[0.05, "iso"] == pytest.approx(0.3)
    assert found.loc[found["time_s"] < 0, "mean"].abs().max() < 1e-12


def test_suppression_begins_after_the_response():
    assert onsets()["delay_s"].between(0.08, 0.12).all()
    steady = np.tile(np.clip(np.arange(60) - 17.0, 0, 5), (3, 4, 1))
    found = surround_onsets(steady, np.full(steady.shape, 0.1), before=15, on=30)
    assert found["suppression_s"].isna().all()
    assert found["centre_s"].notna().all()
    plate = surround_onset_figure(found.assign(mouse="A", neuron=range(3)))
    assert plate.numbers["delays"]["n"].eq(0).all()


def test_one_disc_a_neuron():
    both = pd.concat([MODULATION, MODULATION.assign(size_deg=50.0)])
    assert one_size(both, 50.0)["size_deg"].eq(50).all()
    with pytest.raises(ConfigError, match=r"30, 50.*--size_deg"):
        one_size(both, None)
    with pytest.raises(ConfigError, match="40 was not shown"):
        one_size(both, 40.0)
    assert len(one_size(MODULATION, None)) == len(MODULATION)
