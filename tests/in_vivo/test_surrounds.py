"""Responses to surrounds: of whom a stimulus speaks, joins by neuron, and what holds."""

import numpy as np
import pandas as pd
import pytest

from viv1t.errors import ConfigError, DataError
from viv1t.in_vivo.session import read_session, responses_of
from viv1t.in_vivo.surrounds import (
    agreement,
    field_means,
    full_field_responses,
    full_field_tests,
    relative_responses,
    session_scores,
    surround_tests,
)

GRATING = "single_neuron_grating_vs_generated"
NUM = 30
EFFECTS = {"grating": 1.0, "natural": 1.3, "generated": 1.8}


def scores(seed=0, effects=EFFECTS, noise=0.1, responder="recorded", num=NUM):
    """Responses of two fields of view of one animal to surrounds of a grating centre."""
    rng = np.random.default_rng(seed)
    rows = []
    for mouse in ("K", "L"):
        for neuron in range(num):
            centre = rng.gamma(9, 1.0)
            shown = {("none", "none"): 1.0}
            shown |= {(name, "excite"): x for name, x in effects.items()}
            shown |= {(name, "inhibit"): 1 / x for name, x in effects.items()}
            for (surround, goal), factor in shown.items():
                moves = "none" if surround == "none" else "dynamic"
                rows.append(
                    {
                        "mouse": mouse,
                        "neuron": neuron,
                        "made_for": neuron,
                        "surround": surround,
                        "surround_motion": moves,
                        "goal": goal,
                        "response": centre * factor * (1 + noise * rng.standard_normal()),
                    }
                )
    fixed = {"animal": "a", "day": 2, "responder": responder, "version": "as made", "value": 1.0}
    fixed |= {"centre": "grating", "centre_motion": "dynamic", "contrast_matched": False}
    return pd.DataFrame(rows).assign(**fixed)


def analysed(table):
    relative = relative_responses(table, GRATING, responder="recorded")
    return surround_tests(relative, GRATING, animals={"K": "a", "L": "a"}), relative


def test_stimuli_speak_of_their_neuron_or_of_all(seen):
    session = read_session(seen.mouse, 2, num_neurons=12)
    table = responses_of(session)
    found = session_scores(table, session, responder="recorded")
    single = found[found["made_for"] >= 0]
    assert (single["neuron"] == single["made_for"]).all()
    missing = np.flatnonzero(np.isnan(table.mean).all(axis=1))
    assert not found["neuron"].isin(missing).any()
    population = found[found["made_for"] < 0].groupby("stimulus").size()
    assert (population == 9).all()
    assert not found["stimulus"].str.startswith("CM").any()
    assert found["num_presentations"].eq(4).all()
    row = found.iloc[0]
    k = session.conditions["stimulus"].tolist().index(row["stimulus"])
    n = int(row["neuron"])
    grey = table.trace[n, :, 10:15].mean() * 30
    assert row["response"] == pytest.approx(30 * table.mean[n, k] - grey, rel=1e-4)
    published = session_scores(table, session, responder="recorded", above_grey=False)
    assert published["response"].iloc[0] == pytest.approx(30 * table.mean[n, k], rel=1e-5)


def test_the_order_of_surrounds_is_found():
    tests, relative = analysed(scores())
    assert relative["excite"].median().round(1).to_dict() == pytest.approx(EFFECTS, abs=0.1)
    assert tests["family"].nunique() == 2
    by_pair = tests.set_index(["first", "second"])
    for pair in (("grating", "natural"), ("natural", "generated"), ("grating", "generated")):
        assert by_pair.loc[tuple(f"excite {name}" for name in pair), "holds"]
        assert by_pair.loc[tuple(f"inhibit {name}" for name in pair), "holds"]
    against = by_pair.loc[("excite centre alone", "excite generated")]
    assert against["holds"]
    assert against["median_difference"] > 0
    assert by_pair.loc[("inhibit centre alone", "inhibit generated"), "median_difference"] < 0
    assert not by_pair.loc[("excite centre alone", "excite grating"), "holds"]
    assert (tests["num_fields"] == 2).all()
    assert (tests["num_animals"] == 1).all()


def test_nothing_is_found_where_nothing_is():
    """The stated level is .05 for each of two families: one of 10 data sets."""
    flat = dict.fromkeys(EFFECTS, 1.0)
    found = [analysed(scores(seed, flat, noise=0.2, num=12))[0] for seed in range(10)]
    assert sum(bool(table["holds"].any()) for table in found) <= 3


def test_rows_are_joined_by_neuron_whatever_their_order():
    table = scores()
    one = relative_responses(table, GRATING, responder="recorded")["excite"]
    mixed = table.sample(frac=1, random_state=1)
    other = relative_responses(mixed, GRATING, responder="recorded")["excite"]
    pd.testing.assert_frame_equal(one, other)


def test_filtered_neurons_alone_are_compared():
    kept = pd.DataFrame({"mouse": ["K", "K", "L"], "neuron": [1, 2, 5]})
    found = relative_responses(scores(), GRATING, responder="recorded", neurons=kept)["excite"]
    assert found.index.tolist() == [("K", 1), ("K", 2), ("L", 5)]
    with pytest.raises(ConfigError, match="no neuron that passed the filters"):
        relative_responses(scores(), GRATING, responder="recorded", neurons=kept.iloc[:0])


def test_predictions_that_hold_and_that_do_not():
    recorded = relative_responses(scores(), GRATING, responder="recorded")
    good = relative_responses(scores(1, responder="p"), GRATING, responder="p")
    flat = dict.fromkeys(EFFECTS, 0.8)
    poor = relative_responses(scores(1, flat, responder="p"), GRATING, responder="p")
    held, failed = (agreement(p, recorded).set_index(["goal", "condition"]) for p in (good, poor))
    assert held.loc[("excite", "generated"), "same_sign"] >= 0.95
    assert held["p_holm"].min() > 0.01
    assert failed.loc[("excite", "generated"), "same_sign"] <= 0.1
    assert failed.loc[("excite", "generated"), "p_holm"] < 1e-6


def test_full_fields_of_the_population(seen):
    session = read_session(seen.mouse, 2, num_neurons=12)
    found = session_scores(responses_of(session), session, responder="recorded")
    values = full_field_responses(found, responder="recorded")
    assert list(values) == ["MENI", "MENV", "MEGI", "MEGV"]
    assert len(values) == 9
    tests = full_field_tests(values, animals={"S1": "S1"})
    assert len(tests) == 4
    assert field_means(values).shape == (1, 4)
    mean, median = field_means(values, as_published=True), field_means(values)
    np.testing.assert_allclose(mean.iloc[0], values.mean())
    np.testing.assert_allclose(median.iloc[0], values.median())


def test_a_session_of_gratings_alone(seen):
    session = read_session(seen.mouse, 2, num_neurons=12)
    gratings = session.conditions["kind"].ne("")
    only = session.conditions[gratings].reset_index(drop=True)
    table = responses_of(session).select(stimulus=only["stimulus"].tolist())
    alone = session.__class__(**{**vars(session), "conditions": only})
    with pytest.raises(DataError, match="no stimulus but contextual gratings was shown"):
        session_scores(table, alone, responder="recorded")
