"""The physiology population is frozen, and has the effects that the analyses look for."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from viv1t.data.mice import find_mice
from viv1t.data.synthetic import Population, SyntheticMouse
from viv1t.data.synthetic.oracle import NUM_SEEDS, WITHOUT, oracle_truth, write_oracle
from viv1t.errors import ConfigError
from viv1t.stimuli.aperture import compose, disc
from viv1t.stimuli.grating import drifting_grating
from viv1t.units import DEFAULT_MONITOR, GREY

FROZEN = Path(__file__).parent.parent / "golden" / "oracle" / "truth.csv.gz"


def test_the_parameters_of_all_seeds_are_the_frozen_ones():
    frozen = pd.read_csv(FROZEN)
    assert sorted(frozen["seed"].unique()) == list(range(1, NUM_SEEDS + 1))
    for seed, table in frozen.groupby("seed"):
        made = oracle_truth(int(seed))
        assert list(made) == [name for name in table if name != "seed"]
        np.testing.assert_allclose(
            made.to_numpy(float), table.drop(columns="seed").to_numpy(float), rtol=1e-5, atol=1e-9
        )


def test_controls_lack_their_part_and_nothing_else():
    whole = oracle_truth(3)
    for part, columns in WITHOUT.items():
        control = oracle_truth(3, without=(part,))
        assert (control[list(columns)] == 0).all().all()
        kept = [name for name in whole if name not in columns]
        pd.testing.assert_frame_equal(control[kept], whole[kept])
    with pytest.raises(ConfigError, match="facilitation"):
        oracle_truth(3, without=("contrast",))


def test_kinds_of_cells_are_the_stated_shares():
    truth = oracle_truth(1)
    flips, feedback = truth["w_facilitation"] > 0, truth["w_feedback"] > 0
    assert flips.sum() == 12
    assert feedback.sum() == 14
    assert not (flips & feedback).any()
    assert (truth["feedback_latency_frames"] - truth["latency_frames"] == 3).all()
    assert (truth["rf_sigma_px"] >= 2).all()


def response(truth: pd.DataFrame, cell: int, show) -> float:
    """Noiseless mean response of one cell over 15-45 frames after the onset of `show(grating)`."""
    row = truth.iloc[cell]
    gratings = [
        drifting_grating(
            DEFAULT_MONITOR,
            direction_deg=45 * round(row["direction_deg"] / 45),
            num_frames=45,
            phase_deg=phase,
        )
        for phase in (0, 90)
    ]
    movies = torch.from_numpy(np.stack([show(grating) for grating in gratings]))[:, None]
    with torch.inference_mode():
        rates = Population(truth.iloc[[cell]])(movies.float())
    return float(rates[:, 0, 15:].mean())


@pytest.fixture(scope="module")
def cells():
    """A cell with feedback, and one without feedback or facilitation, with the strongest effect."""
    truth = oracle_truth(1)
    plain = truth["w_iso"].where((truth["w_feedback"] == 0) & (truth["w_facilitation"] == 0))
    return truth, int(truth["w_feedback"].argmax()), int(plain.argmax())


def on_cell(truth: pd.DataFrame, cell: int, *, sigmas: float) -> np.ndarray:
    row = truth.iloc[cell]
    size = DEFAULT_MONITOR.diameter_deg(sigmas * row["rf_sigma_px"])
    return disc(DEFAULT_MONITOR, size, centre_px=(row["rf_x_px"], row["rf_y_px"]))


def test_only_feedback_fills_a_hole_on_the_receptive_field(cells):
    truth, with_feedback, plain = cells
    for cell, is_driven in ((with_feedback, True), (plain, False)):
        hole = on_cell(truth, cell, sigmas=3)
        full = response(truth, cell, lambda movie: movie)
        inverse = response(truth, cell, lambda movie, hole=hole: compose(hole, GREY, movie))
        assert (inverse > 1.1 * full) == is_driven
        blank = response(truth, cell, lambda movie: np.full_like(movie, GREY))
        assert (inverse > 10 * blank) == is_driven


def test_a_population_without_surround_does_not_mind_what_is_around(cells):
    truth, _, cell = cells
    bare = oracle_truth(1, without=("surround",))
    hole = on_cell(truth, cell, sigmas=3)

    def suppression(table: pd.DataFrame) -> float:
        full = response(table, cell, lambda movie: movie)
        return 1 - full / response(table, cell, lambda movie: compose(hole, movie, GREY))

    assert suppression(truth) > 0.4
    assert abs(suppression(bare)) < 0.01


def test_a_population_without_tuning_answers_all_directions_alike():
    truth = oracle_truth(2, without=("tuning",))
    movies = [
        drifting_grating(DEFAULT_MONITOR, direction_deg=d, num_frames=30) for d in range(0, 360, 45)
    ]
    with torch.inference_mode():
        rates = Population(truth)(torch.from_numpy(np.stack(movies))[:, None])
    curve = rates.mean(2).numpy()
    np.testing.assert_allclose(curve / curve.mean(0), 1, atol=0.02)


def test_the_folder_answers_as_the_truth(tmp_path):
    assert len(write_oracle(tmp_path, num_seeds=1)) == 1 + len(WITHOUT)
    write_oracle(tmp_path, num_seeds=1)
    assert {"O1", "N_surround1", "N_tuning1"} <= set(find_mice(tmp_path))
    mouse = SyntheticMouse.open(tmp_path, ["O1"])
    movie = drifting_grating(DEFAULT_MONITOR, direction_deg=90, num_frames=20)
    with torch.inference_mode():
        expected = Population(oracle_truth(1))(torch.from_numpy(movie)[None, None])[0]
    np.testing.assert_allclose(mouse.predict(movie, "O1"), expected.numpy(), rtol=1e-4)
