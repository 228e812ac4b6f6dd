"""Figures of most exciting stimuli: they hold the numbers given, and can be read."""

import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import stimulus_scores as made

from viv1t.analysis.cutoff_grid import gains
from viv1t.analysis.stimulus_comparisons import (
    MOTION_PAIRS,
    ORIGIN_PAIRS,
    as_made,
    contrast_words,
    motion_conditions,
    origin_conditions,
    relative_to_centre,
)
from viv1t.errors import ConfigError, DataError
from viv1t.plot.figures.cutoff_grid import cutoff_grid_figure
from viv1t.plot.figures.population_full_field import (
    distribution_figure,
    full_field_figure,
    population_responses,
)
from viv1t.plot.figures.stimulus_confusion import confusion_figure
from viv1t.plot.figures.stimulus_controls import controls_figure, held_out_figure
from viv1t.plot.figures.stimulus_panels import Shown, stimulus_panels_figure
from viv1t.plot.figures.surround_comparisons import surround_figure
from viv1t.plot.style import Plate, house_style, responder_styles

sys.path.insert(0, str(Path(__file__).parent))
from layout import assert_readable

SCORES = made.scores()
STYLES = responder_styles(SCORES["responder"])


def surrounds(conditions, centre, motion=None, table=SCORES):
    rows = as_made(table, responder="run")
    return {
        goal: relative_to_centre(rows, conditions(goal), centre=centre, centre_motion=motion)
        for goal in ("excite", "inhibit")
    }


def draw_origins(*, table=SCORES, **options) -> Plate:
    relative = surrounds(origin_conditions, "grating", table=table)
    return surround_figure(relative, ORIGIN_PAIRS, centre="grating", **options)


def draw_motions() -> Plate:
    relative = surrounds(motion_conditions, "natural", "static")
    return surround_figure(relative, MOTION_PAIRS, centre="static natural")


def draw_panels(num=5) -> Plate:
    rng = np.random.default_rng(0)
    shown = [
        Shown(
            title=("natural centre video, generated surround video, inhibiting", "grating centre")[
                k % 2
            ],
            frames=rng.uniform(0, 255, (30, 24, 44)),
            traces={name: rng.gamma(5, 1 + k, 70) for name in ("run", "truth")},
            window=slice(20, 50),
        )
        for k in range(num)
    ]
    styles = responder_styles(["run", "truth"])
    return stimulus_panels_figure(shown, fps=30.0, styles=styles, name="Mouse S1, neuron 12")


def grid_table(rise=0.3) -> pd.DataFrame:
    cutoffs = np.arange(0, 1.01, 0.1)
    rows = [
        ("A", neuron, s, t, 1, 10 * (1 - np.exp(-s / rise)) * (1 - np.exp(-t / 0.15)), 4.0)
        for neuron in range(3)
        for s in cutoffs
        for t in cutoffs
    ]
    names = ["mouse", "neuron", "spatial_cutoff", "temporal_cutoff", "seed", "value", "reference"]
    return pd.DataFrame(rows, columns=names)


FIGURES: dict[str, Callable[[], Plate]] = {
    "origins": draw_origins,
    "motions": draw_motions,
    "full_field": lambda: full_field_figure(population_responses(SCORES), styles=STYLES),
    "distribution": lambda: distribution_figure(population_responses(SCORES), styles=STYLES),
    "controls": lambda: controls_figure(SCORES, made.seeds(), responder="run"),
    "one seed": lambda: controls_figure(SCORES, pd.DataFrame(), responder="truth"),
    "held_out": lambda: held_out_figure(SCORES, styles=STYLES),
    "confusion": lambda: confusion_figure(*made.confusion_tables()),
    "panels": draw_panels,
    "grid": lambda: cutoff_grid_figure(gains(grid_table()), reference="the best natural stimulus"),
}


@cache
def drawn(name: str) -> Plate:
    return FIGURES[name]()


@cache
def without_effect() -> pd.DataFrame:
    return made.scores(effect=False)


@pytest.mark.parametrize("name", FIGURES)
def test_axes_have_units_and_text_is_apart(name):
    plate = drawn(name)
    labels = [text for a in plate.figure.axes for text in (a.get_xlabel(), a.get_ylabel())]
    assert all(re.fullmatch(r"[^()]+ \([^()]+\)", text) for text in labels if text)
    with house_style():
        plate.figure.draw_without_rendering()
        texts = [t for a in plate.figure.axes for t in (a.xaxis.label, a.yaxis.label)]
        texts += [a.title for a in plate.figure.axes] + list(plate.figure.legends)
        texts += [t for a in plate.figure.axes if a.axison for t in _ticks(a)]
        assert_readable(plate.figure, [t for t in texts if t.get_visible() and _says(t)])
    assert plate.caption.endswith(".")


def _ticks(axes):
    low, high = axes.get_xlim()
    return [t for t in axes.get_xticklabels() if low <= t.get_position()[0] <= high]


def _says(artist) -> bool:
    return not hasattr(artist, "get_text") or bool(artist.get_text())


def test_effects_are_found_in_the_order_that_is_there():
    tests = drawn("origins").numbers["tests"]
    assert (tests["p"] < 0.001).all()
    assert tests["median_difference"].gt(0).tolist() == [True] * 3 + [False] * 3
    assert tests["num_mice"].eq(2).all()
    assert drawn("motions").numbers["tests"]["p"].max() < 0.01
    medians = drawn("origins").numbers["responses"].groupby(["goal", "condition"])["ratio"].median()
    assert medians["excite", "generated"] == pytest.approx(1.7, rel=0.05)


def test_nothing_is_found_where_nothing_is():
    found = draw_origins(table=without_effect()).numbers["tests"]
    assert (found["p"] > 0.05).all()


def test_as_published_multiplies_p_by_the_tests():
    holm = drawn("origins").numbers["tests"]
    published = draw_origins(as_published=True).numbers["tests"]
    np.testing.assert_allclose(published["p"], np.minimum(1, 6 * holm["p_alone"]))
    none = draw_origins(table=without_effect(), as_published=True).numbers["tests"]
    assert none["p"].max() == 1.0


def test_controls_show_what_is_lost():
    numbers = drawn("controls").numbers
    medians = numbers["controls"].drop(columns=["mouse", "neuron"]).median()
    assert medians["shift"] == pytest.approx(0.2, abs=0.05)
    assert medians["reverse selective"] < 0.5 < 0.9 < medians["reverse others"]
    tests = numbers["tests"].set_index("first")["p"]
    assert tests["shift"] < 0.001
    assert tests["reverse others"] > 0.05
    unchanged = controls_figure(without_effect(), made.seeds(), responder="run")
    assert unchanged.numbers["tests"]["p"].min() > 0.05


def test_held_out_responders_stand_beside_the_run():
    numbers = drawn("held_out").numbers
    assert numbers["preferring"]["responder"].tolist() == ["run", "truth"]
    assert numbers["preferring"]["percent"].min() > 90
    assert numbers["tests"]["p"].max() < 0.001
    none = held_out_figure(without_effect(), styles=STYLES).numbers
    assert none["tests"]["p"].min() > 0.05


def test_only_equal_contrast_is_compared_where_there_is_any():
    loud = SCORES["surround"].eq("natural") & SCORES["neuron"].ge(4)
    mixed = SCORES.assign(contrast_matched=~loud)
    relative = surrounds(origin_conditions, "grating", table=mixed)["excite"]
    assert relative["natural"].notna().sum() == 8
    rows = as_made(mixed, responder="run", any_contrast=True)
    every = relative_to_centre(rows, origin_conditions("excite"), centre="grating")
    assert every["natural"].notna().sum() == 28


def test_confusion_counts_the_first():
    shares = drawn("confusion").numbers["shares"]
    first = shares[shares["rank"] == 1].set_index("matched")["percent"]
    assert first[True] > 80
    none = confusion_figure(*made.confusion_tables(effect=False)).numbers["shares"]
    assert none[none["rank"] == 1]["percent"].max() < 35


def test_population_means_are_ordered():
    bars = drawn("full_field").numbers["bars"]
    of_run = bars[bars["label"] == "run"].set_index("group")["mean"]
    assert of_run["MEGV"] > of_run["MENV"] > of_run["MEG"] > of_run["MIGV"]
    quartiles = drawn("distribution").numbers["quartiles"]
    assert quartiles["n"].eq(2 * made.NUM).all()


def test_elbows_of_the_grid():
    picks = drawn("grid").numbers["picks"].iloc[0]
    assert 0.2 <= picks["spatial"] <= 0.5
    assert 0.1 <= picks["temporal"] < 0.35


def test_numbers_are_saved_beside_the_figure(tmp_path):
    plate = drawn("origins")
    paths = plate.save(tmp_path, "origins")
    assert [path.suffix for path in paths] == [".pdf", ".png", ".csv", ".csv"]


def test_panels_are_in_peaks_of_the_first():
    plate = draw_panels(4)
    traces = plate.numbers["traces"]
    first = traces[(traces["responder"] == "run") & traces["time_s"].between(0, 0.99)][:30]
    assert first["relative"].max() == pytest.approx(1)
    assert len([a for a in plate.figure.axes if a.get_xlabel()]) == 4


def test_what_is_missing_is_said():
    single = SCORES[SCORES["made_for"] >= 0]
    with pytest.raises(ConfigError, match="--objective population"):
        population_responses(single)
    with pytest.raises(ConfigError, match="no stimulus of nobody"):
        as_made(SCORES, responder="nobody")
    with pytest.raises(ConfigError, match="--centre_kind"):
        relative_to_centre(
            as_made(SCORES, responder="run"), origin_conditions("excite"), centre="generated"
        )
    with pytest.raises(DataError, match="found none"):
        stimulus_panels_figure([], fps=30.0, styles={}, name="neuron 3")
    with pytest.raises(ConfigError, match="more than grey"):
        controls_figure(SCORES.assign(response=0.0), made.seeds(), responder="run")


def test_held_stimuli_of_one_origin_have_nothing_to_be_compared_with():
    is_generated = SCORES["surround"] == "generated"
    table = SCORES.assign(contrast_matched=is_generated)
    rows = as_made(table, responder="run")
    assert set(rows["surround"]) == {"none", "grating", "natural", "generated"}
    assert "contrast with which they were found" in contrast_words(rows)
    two = as_made(
        table.assign(contrast_matched=is_generated | (SCORES["surround"] == "grating")),
        responder="run",
    )
    assert set(two["surround"]) == {"none", "grating", "generated"}
    full = two["centre"].str.startswith("full_")
    assert full.any()  # nothing of theirs was held, so all stay
    assert contrast_words(two[~full]) == "RMS contrast and mean luminance of the stimuli were held."


def test_held_contrasts_that_differ_are_not_compared():
    is_grating = SCORES["surround"] == "grating"
    held = SCORES.assign(contrast_matched=True, rms=30.0)
    same, other = (held.assign(rms=held["rms"].mask(is_grating, rms)) for rms in (30.4, 20.0))
    assert len(as_made(same, responder="run"))
    with pytest.raises(ConfigError, match=r"held at RMS 20 and 30 .*--any_contrast"):
        as_made(other, responder="run")
    assert len(as_made(other, responder="run", any_contrast=True))
