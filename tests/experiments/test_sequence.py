"""The published order of presentations, against what the published system stored."""

import itertools

import numpy as np
import pandas as pd

from viv1t.experiments.sequence import draw_phase, published_plan
from viv1t.experiments.timing import Timing


def plan(seed=0, repeats=4):
    conditions = pd.DataFrame(
        list(itertools.product([0.0, 10.0], [90.0, 270.0])), columns=["size_deg", "direction_deg"]
    )
    return published_plan(conditions, repeats=repeats, timing=Timing(), draw=draw_phase, seed=seed)


def test_every_condition_comes_as_often_as_asked():
    found = plan()
    assert found.groupby("condition")["repeat"].apply(sorted).tolist() == [[0, 1, 2, 3]] * 4
    assert found["trial"].tolist() == np.repeat(np.arange(4), 4).tolist()
    assert found["onset"].tolist() == [75, 135, 195, 255] * 4


def test_the_seed_decides():
    pd.testing.assert_frame_equal(plan(1), plan(1))
    assert not plan(1)["phase_deg"].equals(plan(2)["phase_deg"])
