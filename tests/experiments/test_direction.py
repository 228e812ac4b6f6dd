"""Gratings on the receptive field, and replayed Gabors: the truth of a population is recovered."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from viv1t.analysis.direction import direction_tuning
from viv1t.analysis.tuning_curves import Design, circular_distance
from viv1t.data.synthetic import Population, SyntheticMouse
from viv1t.data.synthetic.noisy import NoisyResponder
from viv1t.data.synthetic.oracle import oracle_truth
from viv1t.data.synthetic.presets import PRESETS
from viv1t.errors import ConfigError, DataError, MissingResultError
from viv1t.experiments.direction import (
    REDUCTION,
    DirectionConfig,
    direction_set,
    gabor_samples,
    gabor_table,
    grating_samples,
)
from viv1t.experiments.placed import Placement, groups_that_share, run_placed
from viv1t.results.responses import ResponseAttributes, ResponseFile, TrialLabels
from viv1t.units import FPS, GREY

MONITOR = PRESETS["full"].monitor
QUICK = DirectionConfig(num_directions=8, num_repeats=4)


def probe(truth: pd.DataFrame, *, centre=(32.0, 18.0), noise: int | None = None) -> pd.DataFrame:
    """Indexes of a population all of whose receptive fields are at `centre`, in pixels."""
    truth = truth.assign(rf_x_px=centre[0], rf_y_px=centre[1])
    mouse = SyntheticMouse({"O": Population(truth)})
    responder = mouse if noise is None else NoisyResponder(mouse, seed=noise)
    groups = groups_that_share(len(truth), MONITOR, centres=np.tile(centre, (len(truth), 1)))
    design = partial(direction_set, QUICK)
    table = run_placed(design, responder, "O", groups, reduction=REDUCTION, batch_size=8)
    found = grating_samples(table)
    shown = Design.of(found.direction_deg)
    return direction_tuning(found.responses, shown, baseline=found.baseline)[0]


def hits(table: pd.DataFrame, truth: pd.DataFrame) -> np.ndarray:
    """Whether the preferred direction falls into the bin of 45 degrees of the true one."""
    found, true = (np.rint(x / 45) % 8 for x in (table["preferred_direction_deg"], truth))
    return found.to_numpy() == true.to_numpy()


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    return oracle_truth(1)


@pytest.mark.parametrize("noise", [None, pytest.param(5, marks=pytest.mark.proof)])
def test_the_truth_is_recovered(truth, noise):
    """Tolerances of science.md b3, and with the noise of decisions.md."""
    table = probe(truth, noise=noise)
    error = circular_distance(table["preferred_orientation_deg"], truth["direction_deg"], 180)
    assert np.median(error) <= 5
    axis = np.rint(truth["direction_deg"] / 45) % 4
    assert (np.rint(table["preferred_orientation_deg"] / 45) % 4 == axis).mean() >= 0.9
    clear = (truth["direction_selectivity"] > 0.4) & (truth["w_feedback"] == 0)
    assert hits(table, truth["direction_deg"])[clear].mean() >= 0.9
    dsi = table["dsi"].corr(truth["direction_selectivity"], method="spearman")
    assert dsi >= 0.85
    assert table["orientation_selective"].mean() >= 0.95


def test_without_tuning_nothing_is_found():
    parts = [probe(oracle_truth(s, without=("tuning",)), noise=s) for s in (1, 2)]
    table = pd.concat(parts)
    for name in ("orientation", "direction"):
        assert (table[f"p_{name}"] <= 0.05).mean() <= 0.1  # 80 cells, 5 % expected
        assert table[f"{name}_selective"].mean() <= 0.02


def test_turned_and_shifted_populations(truth):
    """Metamorphic: filters turned by 90 degrees prefer 90 more; a shift of everything changes
    nothing."""
    few = truth.iloc[:12].reset_index(drop=True)
    straight = probe(few)
    turned = probe(few.assign(direction_deg=(few["direction_deg"] + 90) % 360))
    gap = circular_distance(
        turned["preferred_orientation_deg"], straight["preferred_orientation_deg"] + 90, 180
    )
    assert gap.max() < 4
    shifted = probe(few, centre=(29.0, 17.0))
    np.testing.assert_allclose(shifted["osi"], straight["osi"], atol=0.03)


def test_the_stimulus_is_a_grating_in_an_aperture():
    placement = Placement(monitor=MONITOR, centre_px=(20.0, 12.0))
    stimuli = direction_set(DirectionConfig(size_deg=40.0), placement)
    assert stimuli.conditions["direction_deg"].tolist() == [22.5 * i for i in range(16)]
    row = {"direction_deg": 90.0}
    first, second = (stimuli.render(row, np.random.default_rng(seed)) for seed in (0, 1))
    inside = MONITOR.disc(40.0, centre_px=(20.0, 12.0))
    assert (first[:, ~inside] == GREY).all()
    assert np.ptp(first[:, inside]) > 240
    assert not np.allclose(first[0], second[0])  # phases are random
    assert np.abs(first[:, 12, 18] - first[:, 12, 22]).max() < 1e-3  # bars are horizontal
    for flags in ({"num_directions": 7}, {"num_repeats": 1}, {"size_deg": 0.0}):
        with pytest.raises(ConfigError, match=next(iter(flags))):
            DirectionConfig(**flags)


def gabor_blocks() -> pd.DataFrame:
    """Two trials of one movie of six blocks, and one of another."""
    parts = []
    for trial, video in ((3, 0), (5, 0), (8, 1)):
        block = np.arange(6)
        parts.append(
            pd.DataFrame(
                {
                    "trial": trial,
                    "block": block,
                    "video_id": video,
                    "start_frame": 25 * block,
                    "num_frames": 150,
                    "direction_deg": 45.0 * ((block + 3 * video) % 8),
                    "wavelength": np.where(block % 2, 0.38, 0.65),
                    "speed_rank": video,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def responses(tmp_path) -> ResponseFile:
    """Each neuron answers with trial + its own number + the frame of the movie."""
    file = ResponseFile(tmp_path / "mouseS.h5")
    about = ResponseAttributes(
        mouse="S",
        unit_ids=np.arange(2),
        neuron_idx=np.array([4, 6]),
        units="recorded",
        source="recorded",
        skip_frames=50,
        fps=FPS,
    )
    with file.update(about, tiers=["live_bonus"]) as writer:
        for trial in (3, 5, 8):
            frame = np.arange(50, 150) + 1000 * trial
            values = np.stack([frame, frame + 0.5])
            writer.write(trial, values, TrialLabels(tier="live_bonus", video_id=0))
    return file


def test_replayed_gabors(responses):
    table = gabor_table(responses, gabor_blocks(), coordinates=np.arange(21.0).reshape(7, 3))
    assert table.neurons["neuron"].tolist() == [4, 6]
    assert table.neurons["z_um"].tolist() == [14, 20]
    found = gabor_samples(table)
    assert found.responses.shape == (2, 12)
    # The first two blocks fall into the 50 frames that are not there, the first 3 frames of a
    # block still answer the one before.
    expected = 3000 + 50 + np.arange(3, 25).mean()
    assert found.responses[0, 0] == pytest.approx(expected)
    assert found.direction_deg[0] == 90
    assert np.bincount(found.unit).tolist() == [2] * 4 + [1] * 4
    assert len(np.unique(found.condition)) == 4


def test_responses_that_do_not_fit(responses):
    blocks = gabor_blocks()
    with pytest.raises(DataError, match="at most 5 neurons"):
        gabor_table(responses, blocks, coordinates=np.zeros((5, 3)))
    with pytest.raises(MissingResultError, match=r"predict\.py"):
        gabor_table(responses, blocks.assign(trial=99), coordinates=np.zeros((7, 3)))
