"""Scores over neurons, mice, depths and amounts of training data."""

import numpy as np
import pandas as pd
import pytest

from viv1t.analysis.scores import (
    across_mice,
    gains,
    share_of_full,
    training_commands,
    with_planes,
)
from viv1t.errors import ConfigError


def scores():
    return pd.DataFrame(
        {
            "model": "A",
            "mouse": ["M", "M", "M", "N"],
            "correlation": [0.1, 0.3, np.nan, 0.6],
            "z_um": [100.0, 103.0, 200.0, np.nan],
        }
    )


def test_mice_count_alike_whatever_their_neurons():
    (row,) = across_mice(scores(), "correlation", by=["model"]).to_dict("records")
    assert row["mean"] == pytest.approx((0.2 + 0.6) / 2)
    assert row["sem"] == pytest.approx(np.std([0.2, 0.6], ddof=1) / np.sqrt(2))
    assert (row["num_mice"], row["num_neurons"]) == (2, 3)


def test_neurons_of_one_plane_share_a_depth():
    planes = with_planes(scores())["depth_um"]
    assert planes[:3].tolist() == [101.5, 101.5, 200.0]
    assert np.isnan(planes[3])


def test_gains_are_those_over_the_reference():
    table = pd.DataFrame({"model": ["A", "B"], "depth_um": 100.0, "mean": [0.2, 0.3]})
    assert gains(table, reference="A")["gain_percent"].tolist() == pytest.approx([0, 50])


def test_the_run_with_most_data_is_100_percent():
    runs = pd.DataFrame(
        {
            "limit_neurons": [10, 10, np.inf, np.inf, np.inf],
            "limit_data": [35, np.inf, 35, np.inf, np.inf],
            "score": [0.1, 0.2, 0.3, 0.5, 0.3],
        }
    )
    grid, full = share_of_full(runs)
    assert full == pytest.approx(0.4)
    np.testing.assert_allclose(grid, [[25, 50], [75, 100]])
    with pytest.raises(ConfigError, match="most trials"):
        share_of_full(runs.iloc[:3])


def test_commands_cover_the_grid_in_order():
    commands = training_commands(
        num_trials=350, num_neurons=[10, 600], steps=10, output_dir="runs/x", rest="--seed 1"
    )
    assert len(commands) == 20
    assert commands[0] == (
        "python train.py --output_dir runs/x/001_35data_0010neuron --limit_data 35 "
        "--limit_neurons 10 --seed 1"
    )
    assert "--limit_data 350 --limit_neurons 600" in commands[-1]
