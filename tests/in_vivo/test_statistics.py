"""Nested tests: exact numbers, one family, and neurons joined by what they are."""

import numpy as np
import pandas as pd

from viv1t.analysis.families import Question
from viv1t.in_vivo.statistics import nested_answers, numbers_of

ANIMALS = {"K": "a", "L": "a", "M": "b", "N": "b"}


def values(seed=0, effect=0.3, spread=0.0):
    rng = np.random.default_rng(seed)
    parts = []
    for mouse in ANIMALS:
        shift = effect + spread * rng.standard_normal()
        first = rng.gamma(9, 1 / 9, 25)
        second = first + shift + 0.2 * rng.standard_normal(25)
        index = pd.MultiIndex.from_product([[mouse], range(25)], names=["mouse", "neuron"])
        parts.append(pd.DataFrame({"x": first, "y": second, "z": first[::-1]}, index=index))
    return pd.concat(parts)


ASKED = [Question(first="x", second="y"), Question(first="x", second="z")]


def test_numbers_are_exact():
    table = values().reset_index().assign(animal=lambda t: t["mouse"].map(ANIMALS))
    found = numbers_of(pd.concat([table, table]))
    assert vars(found) == {"neurons": 100, "fields": 4, "animals": 2}
    assert found.text == "n = 100 neurons, 4 fields of view, 2 animals"
    assert numbers_of(table.head(1)).text == "n = 1 neuron, 1 field of view, 1 animal"


def test_an_effect_is_found_and_none_where_none_is():
    found = nested_answers(values(), ASKED, animals=ANIMALS, family="two").set_index("second")
    assert found.loc["y", "holds"]
    assert found.loc["y", "num_fields"] == 4
    assert found.loc["y", "num_animals"] == 2
    assert found.loc["y", "n"] == 100
    assert found.loc["y", "p"] >= found.loc["y", "p_alone"]
    assert not found.loc["z", "holds"]
    assert set(found["family"]) == {"two"}


def test_rows_are_joined_by_neuron():
    table = values()
    shuffled = table.sample(frac=1, random_state=0)
    one, other = (nested_answers(t, ASKED, animals=ANIMALS, family="") for t in (table, shuffled))
    np.testing.assert_allclose(one["p"].astype(float), other["p"].astype(float))


def test_fields_of_opposite_sign_do_not_hold():
    table = values()
    table.loc["N", "y"] = (table.loc["N", "x"] - 0.3).to_numpy()
    found = nested_answers(table, ASKED[:1], animals=ANIMALS, family="")
    assert found["p"].iloc[0] < 0.05
    assert not found["holds"].iloc[0]


def test_two_animals_say_little_about_animals():
    found = nested_answers(
        values(spread=0.3, effect=0.0, seed=3), ASKED, animals=ANIMALS, family=""
    )
    assert (found["p_nested"] > 0.05).all()


def test_a_condition_that_was_not_shown():
    asked = [Question(first="x", second="absent")]
    found = nested_answers(values(), asked, animals=ANIMALS, family="")
    assert found["num_fields"].iloc[0] == 0
    assert not found["holds"].iloc[0]
