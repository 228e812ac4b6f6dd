"""Stimuli of known neurons: controls take their drive, ranks are first, and nothing of noise."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from stimulus_case import FRAME, Case, drifting, known_case, neurons, table_of, witness_of

from viv1t.analysis.stimulus_comparisons import (
    contrast_curves,
    control_ratios,
    held_out_gains,
    rank_summary,
)
from viv1t.data.synthetic.energy import EnergyNeurons
from viv1t.errors import ConfigError
from viv1t.most_exciting_stimulus.evaluate import EvaluateConfig, evaluate
from viv1t.most_exciting_stimulus.library import library_folder, read_libraries, write_library
from viv1t.results.stimulus_score_tables import CONFUSION, RANKS, SCORES, SEEDS
from viv1t.results.store import write_result

CONFIG = EvaluateConfig(shift_deg=55.0, num_scrambles=2, contrasts=(0.2, 0.5))


def tables_of(case: Case, *others, **given):
    return evaluate(
        case.library,
        [case.witness, *others],
        "K",
        config=given.pop("config", CONFIG),
        centres_px=case.centres_px,
        selective=case.selective,
        **given,
    )


class MeanGrey:
    """Six neurons that answer with the mean grey value of each frame."""

    video_shape = FRAME

    def num_neurons(self, mouse_id):
        return 6

    def respond(self, video, mouse_id, *, neurons, **options):
        return video[:, 0].mean(dim=(2, 3))[:, None].expand(-1, len(neurons), -1)


@pytest.fixture(scope="module")
def case(tmp_path_factory) -> Case:
    return known_case(tmp_path_factory.mktemp("known"))


@pytest.fixture(scope="module")
def tables(case):
    return tables_of(case)


def test_controls_take_the_drive(tables):
    ratios = control_ratios(tables[SCORES], responder="run")
    medians = ratios.groupby("version")["ratio"].max()
    assert medians["shift"] < 0.4
    assert medians["rotate"] < 0.3
    assert medians["scramble"] < 0.9  # a grating of other phases is much like a grating
    reverse = ratios[ratios["version"] == "reverse"].set_index("direction_selective")["ratio"]
    assert reverse[1.0].max() < 0.45
    assert reverse[0.0].min() > 0.9


def test_own_neurons_come_first_on_every_receptive_field(tables):
    assert len(tables[CONFUSION]) == 2 * 6 * 6
    found = rank_summary(tables[RANKS]).set_index("matched")
    assert found.loc[True, "top1"] == 1
    assert found.loc[True, "chance_top1"] == pytest.approx(1 / 6)
    assert found.loc[True, "median_rank_of_stimulus"] == 1


def test_position_alone_does_not_win_once_it_is_matched(tmp_path):
    """Neurons alike but for their place: as made each finds its own, matched none can."""
    twins = [
        replace(c, direction_deg=0.0, cpp=0.13, cpf=0.12, x_px=8.0 + 5 * k, y_px=12.0)
        for k, c in enumerate(neurons(5))
    ]
    movies = np.stack([drifting(cell, radius_px=4.0) for cell in twins])
    write_library(library_folder(tmp_path, "made"), "K", table_of(twins), movies, method={})
    witness = witness_of(EnergyNeurons.of(twins, frame=FRAME), tmp_path)
    alike = Case(twins, witness, read_libraries(tmp_path))
    table = tables_of(alike)[CONFUSION]
    own = table[table["neuron"] == table["made_for"]]
    others = table[table["neuron"] != table["made_for"]]
    drive = {
        m: (
            own.loc[own["matched"] == m, "response"].mean(),
            others.loc[others["matched"] == m, "response"].mean(),
        )
        for m in (False, True)
    }
    assert drive[False][0] > 1.3 * drive[False][1]
    assert drive[True][0] == pytest.approx(drive[True][1], rel=0.02)


def test_responses_grow_with_contrast(tables):
    curves = contrast_curves(tables[SCORES], responder="run")
    shares = curves.groupby("factor")["share"].mean()
    assert shares.is_monotonic_increasing
    assert shares[1.0] == pytest.approx(1)
    assert shares[0.2] == pytest.approx(0.2, abs=0.02)  # root energy is linear in contrast


def test_other_neurons_prefer_nothing_that_was_made_for_these(case, tmp_path):
    """Held out: the same neurons elsewhere in their order. Nobody finds a stimulus of its own."""
    stranger = EnergyNeurons.of([*case.cells[3:], *case.cells[:3]], frame=FRAME)
    held = witness_of(stranger, tmp_path, label="other", role="held_out")
    found = tables_of(case, held)
    ranks = rank_summary(found[RANKS]).set_index(["responder", "matched"])
    assert ranks.loc[("run", True), "median_rank"] == 1
    assert ranks.loc[("other", True), "top1"] <= 1 / 3


def test_seeds_that_differ_in_phase_agree(case, tmp_path):
    folder = library_folder(tmp_path, "seeds")
    for seed, gain in enumerate((1.0, -1.0)):
        movies = np.stack([127 + gain * (drifting(cell) - 127) for cell in case.cells])
        table = table_of(case.cells, seed=seed, value=10.0 - seed, converged=seed == 0)
        write_library(folder, "K", table, movies, method={})
    seeded = Case(case.cells, case.witness, read_libraries(tmp_path))
    seeds = tables_of(seeded)[SEEDS]
    assert len(seeds) == 6
    np.testing.assert_allclose(seeds["correlation_plain"], -1, atol=1e-3)
    assert seeds["correlation"].min() > 0.9
    np.testing.assert_allclose(seeds["spread"], 0.1)
    assert seeds["num_converged"].eq(1).all()


def test_generated_against_others(case, tmp_path):
    """The preferred grating beats the same at half contrast, also when others are asked."""
    for name, contrast in (("full_generated", 0.6), ("full_natural", 0.3)):
        movies = np.stack([drifting(cell, contrast=contrast) for cell in case.cells])
        table = table_of(case.cells, centre=name, value=100 * contrast)
        write_library(library_folder(tmp_path, name), "K", table, movies, method={})
    both = Case(case.cells, case.witness, read_libraries(tmp_path))
    gains = held_out_gains(tables_of(both)[SCORES])
    np.testing.assert_allclose(gains["ratio"], 2, rtol=1e-3)
    assert gains["layout"].eq("full field").all()
    assert not gains["contrast_matched"].any()


def test_grey_is_shown_as_long_as_the_stimulus(case, tmp_path):
    for name, num_frames in (("full_generated", 18), ("full_natural", 6)):
        movies = np.stack([drifting(cell)[:num_frames] for cell in case.cells])
        table = table_of(case.cells, centre=name)
        write_library(library_folder(tmp_path, name), "K", table, movies, method={})
    both = Case(case.cells, witness_of(MeanGrey(), tmp_path), read_libraries(tmp_path))
    scores = tables_of(both)[SCORES]
    blanks = scores.groupby("centre")["blank"].unique().map(list).to_dict()
    assert blanks == {"full_generated": [18 * 127], "full_natural": [6 * 127]}


def test_populations_are_asked_as_a_whole(case, tmp_path):
    table = table_of(case.cells).iloc[[0]].assign(neuron=-1)
    movie = drifting(case.cells[0])[None]
    write_library(library_folder(tmp_path, "whole"), "K", table, movie, method={})
    whole = Case(case.cells, case.witness, read_libraries(tmp_path))
    found = tables_of(whole)
    assert set(found) == {SCORES}
    assert found[SCORES]["neuron"].tolist() == list(range(6))
    assert found[SCORES]["response"].idxmax() == 0


def test_tables_can_be_written_and_are_the_same_again(tables, case, tmp_path):
    again = tables_of(case)
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, again[name])
        write_result(tmp_path, name, table, method={})


def test_other_mice_are_refused(case):
    with pytest.raises(ConfigError, match="no stimulus of mouse Z"):
        evaluate(case.library, [case.witness], "Z", config=CONFIG, centres_px={})
