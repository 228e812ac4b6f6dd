"""The published order of presentations."""

import golden_cases
import numpy as np
import pandas as pd
import pytest

from viv1t.errors import ConfigError
from viv1t.experiments.published import product_table, published_plan, random_phase
from viv1t.experiments.stimuli import SCHEDULE, StimulusSet
from viv1t.experiments.timing import Timing

TIMING = Timing(on=15, slots=5)


def test_golden_sequence_onset():
    conditions = product_table(size=[20], direction=[90, 270], type=[0, 1])
    plan = published_plan(conditions, timing=TIMING, repeats=10)(1234)
    expected = golden_cases.arrays("sequence_onset", "tuning")["parameters"]
    found = conditions.iloc[plan["condition"]].to_numpy(np.float32)
    np.testing.assert_array_equal(found.reshape(expected.shape), expected)
    assert plan.groupby("trial")["slot"].apply(list).tolist() == [[0, 1, 2, 3, 4]] * 8
    assert plan["onset"].unique().tolist() == [90, 135, 180, 225, 270]
    assert plan["phase_deg"].between(0, 359).all()


def test_products_have_the_last_column_fastest():
    table = product_table(a=[1, 2], b=["x", "y"])
    assert table.to_numpy().tolist() == [[1, "x"], [1, "y"], [2, "x"], [2, "y"]]


def test_each_condition_comes_as_often_as_it_should():
    conditions = product_table(a=[1, 2, 3], b=[0, 1])
    plan = published_plan(conditions, timing=Timing(slots=3), repeats=4)(7)
    assert plan.groupby("condition")["repeat"].apply(sorted).tolist() == [[0, 1, 2, 3]] * 6
    pd.testing.assert_frame_equal(
        plan, published_plan(conditions, timing=Timing(slots=3), repeats=4)(7)
    )
    with pytest.raises(ConfigError, match=r"whole trials of 4 patterns.* = 6$"):
        published_plan(conditions, timing=Timing(), repeats=1)


def test_what_was_drawn_reaches_the_renderer():
    conditions = product_table(level=[10.0, 20.0])
    timing = Timing(num_frames=20, blank_pre=2, on=4, blank_post=2, slots=2, min_warmup=5)
    plan = published_plan(conditions, timing=timing, repeats=2, draw=random_phase)
    asked = []

    def render(condition, rng):
        asked.append(condition)
        return np.full((4, 3, 5), condition["level"] + condition["phase_deg"])

    stimuli = StimulusSet(conditions=conditions, render=render, timing=timing, plan=plan)
    schedule = stimuli.schedule(3)
    pd.testing.assert_frame_equal(schedule, plan(3))
    shown = schedule[schedule["trial"] == 1]
    movie = stimuli.trial(shown, 3, (3, 5))
    assert [set(condition) for condition in asked] == [{"level", "phase_deg"}] * 2
    assert not set(asked[0]) & set(SCHEDULE)
    for row in shown.itertuples():
        value = conditions["level"][row.condition] + row.phase_deg
        assert (movie[row.onset : row.onset + 4] == value).all()
