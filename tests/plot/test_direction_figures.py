"""Figures of direction tuning: labels with units, nothing overlaps, the numbers are those drawn."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from viv1t.analysis.direction import direction_tuning, tuning_similarity
from viv1t.analysis.tuning_curves import Design
from viv1t.errors import ConfigError
from viv1t.plot.direction_sources import DirectionComparison, DirectionFigureConfig
from viv1t.plot.figures import direction_curves, direction_maps, direction_preferences
from viv1t.plot.style import RECORDED_STYLE, ModelStyle, Plate, house_style

sys.path.insert(0, str(Path(__file__).parent))
from layout import assert_readable
from test_figures import texts_around

NUM = 24
SHOWN = np.repeat(np.arange(8) * 45.0, 8)


def tables_of(seed: int, *, tuned: float = 0.35) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Indexes and curves of two mice; the same neurons for all seeds, other noise."""
    preferred = np.random.default_rng(0).uniform(0, 360, NUM)
    angle = np.radians(SHOWN - preferred[:, None])
    rate = 1 + 2 * tuned * np.cos(2 * angle) + tuned * np.cos(angle)
    samples = rate * np.random.default_rng(seed).gamma(20, 1 / 20, rate.shape)
    table, curves = direction_tuning(samples, Design.of(SHOWN), seed=seed)
    rng = np.random.default_rng(1)
    place = pd.DataFrame(rng.uniform(0, 150, (NUM, 2)), columns=["x_um", "y_um"])
    mouse = np.repeat(["A", "B"], NUM // 2)
    table = table.assign(mouse=mouse, neuron=np.arange(NUM), z_um=200.0)
    table[["x_um", "y_um"]] = place
    number = curves.pop("row").to_numpy()
    return table, curves.assign(mouse=mouse[number], neuron=number)


@pytest.fixture(scope="module")
def comparison(tmp_path_factory) -> DirectionComparison:
    return compare(tmp_path_factory.mktemp("figures"), {"recorded": 1, "ViViT": 2})


def compare(folder: Path, seeds: dict[str, int], **options: float) -> DirectionComparison:
    both = {label: tables_of(seed, **options) for label, seed in seeds.items()}
    styles = {"recorded": RECORDED_STYLE, "ViViT": ModelStyle("#0072B2", "o")}
    return DirectionComparison(
        tables={label: tables[0] for label, tables in both.items()},
        curves={label: tables[1] for label, tables in both.items()},
        paths={},
        styles={label: styles[label] for label in seeds},
        reference="recorded",
        config=DirectionFigureConfig(si_threshold=0.1),
        folder=folder,
    )


def draw_similarity(comparison: DirectionComparison) -> Plate:
    bins, fits = [], []
    for label, table in comparison.tables.items():
        for mouse, rows in table.groupby("mouse"):
            curves = comparison.curves[label].query("mouse == @mouse")
            found = tuning_similarity(rows, curves, "orientation")
            for kept, frame in zip((bins, fits), found, strict=True):
                kept.append(frame.assign(source=label, mouse=mouse))
    return direction_maps.tuning_similarity_figure(comparison, pd.concat(bins), pd.concat(fits))


DRAWN: dict[str, Callable[[DirectionComparison], Plate]] = {
    "curves": direction_curves.tuning_curves_figure,
    "correlation": direction_curves.curve_correlation_figure,
    "width": direction_curves.tuning_width_figure,
    "preferences": direction_preferences.preference_differences_figure,
    "selectivity": direction_preferences.selectivity_distributions_figure,
    "similarity": draw_similarity,
    "planes": direction_maps.similarity_by_plane_figure,
    "columns": direction_maps.microcolumns_figure,
}


@pytest.mark.parametrize("name", DRAWN)
def test_figures_can_be_read(comparison, name):
    plate = DRAWN[name](comparison)
    assert plate.caption
    labels = [text for a in plate.figure.axes for text in (a.get_xlabel(), a.get_ylabel()) if text]
    assert labels
    assert all(text.endswith(")") for text in labels)
    assert all(len(table) for table in plate.numbers.values())
    with house_style():
        plate.figure.draw_without_rendering()
        shown = [axes for axes in plate.figure.axes if axes.axison]
        texts = [text for axes in shown for text in texts_around(axes)]
        assert_readable(plate.figure, (*texts, *plate.figure.legends))


def test_numbers_of_the_correlation(comparison):
    numbers = direction_curves.curve_correlation_figure(comparison).numbers
    chosen = comparison.chosen("orientation")
    pairs = zip(*(chosen[label].curves("orientation") for label in chosen), strict=True)
    expected = [np.corrcoef(first, second)[0, 1] for first, second in pairs]
    np.testing.assert_allclose(numbers["orientation"]["correlation"], expected)
    summary = numbers["summary"].set_index("tuning").loc["orientation"]
    assert summary["mean"] == pytest.approx(np.mean(expected))
    assert summary["num_mice"] == 2
    assert summary["p_shuffled"] < 0.01


def test_neurons_are_the_same_in_all_sources(comparison):
    chosen = comparison.chosen("direction")
    first, second = (c.table[["mouse", "neuron"]] for c in chosen.values())
    pd.testing.assert_frame_equal(first, second)


def test_nothing_to_draw(tmp_path):
    flat = compare(tmp_path, {"recorded": 1}, tuned=0.0)
    with pytest.raises(ConfigError, match="lower --si_threshold"):
        direction_curves.tuning_width_figure(flat)
    alone = compare(tmp_path, {"recorded": 1})
    with pytest.raises(ConfigError, match="--compare"):
        direction_preferences.preference_differences_figure(alone)
