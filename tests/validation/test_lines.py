"""The lines of the proof: met by the truth itself, missed by chance, and controls that count."""

import numpy as np
import pandas as pd
import pytest

from viv1t.data.synthetic.oracle import oracle_truth
from viv1t.utils.markdown import markdown
from viv1t.validation.lines import LINES, Bound, at_least, at_most, measure
from viv1t.validation.proof import (
    control_lines,
    summarise_controls,
    summarise_lines,
)


@pytest.fixture(scope="module")
def truth():
    table = oracle_truth(1)
    return table.assign(
        mouse="O1",
        neuron=np.arange(len(table)),
        true_cmi=0.2 * table["w_iso"],
        true_classical_deg=24.0,
        true_osi=0.5 + 0.1 * table["direction_selectivity"],
    )


def tables_that_say(truth: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables of results that hold the truth itself."""
    feedback, flips = truth["w_feedback"] > 0, truth["w_facilitation"] > 0
    who = truth[["mouse", "neuron"]]
    fields = who.assign(
        bad_fit=False,
        x_px=truth["rf_x_px"],
        y_px=truth["rf_y_px"],
        sigma_x_px=truth["rf_sigma_px"],
        sigma_y_px=truth["rf_sigma_px"],
    )
    return {
        "aRF": fields,
        "aRF_sta": fields,
        "aRF_noise": fields.assign(bad_fit=True),
        "selectivity": who.assign(
            preferred_orientation_deg=truth["direction_deg"] % 180,
            preferred_direction_deg=truth["direction_deg"],
            dsi=truth["direction_selectivity"],
            osi=truth["true_osi"],
        ),
        "contextual_modulation": who.assign(cmi=truth["true_cmi"]),
        "contrast_flips": who.assign(flip=flips),
        "size_tuning": who.assign(
            classical_deg=24.0,
            suppression_index=truth["w_iso"],
            iti=feedback.astype(float),
            inverse_deg=np.where(feedback, 50.0, 0.0),
            inverse_tuned=feedback,
            classical_tuned=True,
        ),
        "response_onset": who.assign(delay_s=0.1, isolated=True),
    }


def test_the_truth_meets_every_line(truth):
    found = measure(tables_that_say(truth), truth)
    assert set(found["line"]) == {line.name for line in LINES}
    for end_to_end in (False, True):
        summary = summarise_lines(found, end_to_end=end_to_end)
        assert set(summary["met"]) <= {"yes", "-"}


def test_shuffled_neurons_miss_the_lines_that_ask_for_the_truth(truth):
    order = np.random.default_rng(0).permutation(len(truth))
    numbers = truth["neuron"].to_numpy()
    shuffled = {
        name: table.assign(neuron=numbers[order]) for name, table in tables_that_say(truth).items()
    }
    summary = summarise_lines(measure(shuffled, truth)).set_index("line")["met"]
    missed = {line for line, met in summary.items() if met == "no"}
    for words in ("orientation", "direction", "rank", "AUC", "precision", "recall", "3 px"):
        assert any(words in line for line in missed), words
    assert not any("delay" in line or "sensitivity" in line for line in missed)


def test_bad_fits_and_missing_angles_are_not_forgiven(truth):
    tables = tables_that_say(truth)
    half = truth["neuron"] % 2 == 0
    tables["aRF"]["bad_fit"] = half
    tables["selectivity"].loc[half, ["preferred_orientation_deg"]] = np.nan
    value = measure(tables, truth).set_index("line")["value"]
    assert value["receptive field: share within 3 px"] == pytest.approx(0.5)
    assert value["receptive field: median error (px)"] == 0
    assert value["preferred orientation: share in the exact bin"] == pytest.approx(0.5)


def test_bounds_say_what_they_are():
    assert at_least(0.9).is_met(0.9)
    assert not at_least(0.9).is_met(np.nan)
    assert not at_most(1).is_met(1.01)
    delay = Bound(relation="within", limit=75, upper=125)
    assert [delay.is_met(x) for x in (74, 75, 125, 126)] == [False, True, True, False]
    assert str(delay) == "75 to 125"


def test_controls_are_pooled_over_seeds():
    rows = [("feedback", "inverse tuning", 40, found, kept) for found, kept in ((1, 0), (5, 3))]
    names = ["control", "effect", "num_neurons", "num_p", "num_q"]
    summary = summarise_controls(pd.DataFrame(rows, columns=names)).iloc[0]
    assert summary["num_neurons"] == 80
    assert summary["share_p"] == pytest.approx(6 / 80)
    assert summary["share_q"] == pytest.approx(3 / 80)
    assert summary["met"] == "no"
    assert "| feedback | inverse tuning | 80 | 0.075 |" in markdown(
        summarise_controls(pd.DataFrame(rows, columns=names))
    )


def test_controls_that_were_not_shown_have_no_rows(tmp_path):
    from viv1t.validation.chain import Bench

    assert control_lines(Bench(folder=tmp_path), 1).empty
