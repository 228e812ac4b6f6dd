"""Discs and holes: the published ones to the byte, ours on the receptive field."""

import golden_cases
import numpy as np
import pandas as pd
import pytest

from viv1t.config.flags import from_values
from viv1t.data.synthetic import Population, SyntheticMouse
from viv1t.data.synthetic.oracle import oracle_truth
from viv1t.errors import ConfigError, MissingResultError
from viv1t.experiments import feedback_published
from viv1t.experiments.discs import DiscPlacement
from viv1t.experiments.feedback import (
    ONSET_REDUCTION,
    SIZE_REDUCTION,
    OnsetConfig,
    ShownTo,
    SizeConfig,
    example_movies,
    onset_set,
    size_set,
)
from viv1t.experiments.feedback_responses import (
    load_shown,
    mean_traces,
    single_responses,
    size_traces,
)
from viv1t.experiments.placed import Placement, place, run_placed
from viv1t.experiments.table import ResponseTable, tabulate
from viv1t.units import DEFAULT_MONITOR, GREY

HERE = Placement(monitor=DEFAULT_MONITOR, centre_px=(30.0, 17.0), direction_deg=90.0)
SMALL = SizeConfig(num_repeats=2, sizes_deg=(0.0, 20.0, 40.0, 80.0))


def shown(stimuli, seed=0, **condition):
    """The movie (on, h, w) of the first presentation of a condition."""
    match = (stimuli.conditions[list(condition)] == pd.Series(condition)).all(axis=1)
    schedule = stimuli.schedule(seed)
    chosen = (schedule["condition"] == np.flatnonzero(match)[0]) & (schedule["repeat"] == 0)
    row = schedule[chosen]
    onset = int(row["onset"].iloc[0])
    return stimuli.trial(row, seed, (36, 64))[onset : onset + stimuli.timing.on]


def test_golden_sequence_of_sizes():
    golden = golden_cases.arrays("sequence_feedback", "tuning")
    facts = golden_cases.facts("sequence_feedback", "tuning")
    centre = tuple(facts["rf_center_xy"])
    stimuli = feedback_published.size_set(
        Placement(monitor=DEFAULT_MONITOR, centre_px=centre, direction_deg=12.0)
    )
    schedule = stimuli.schedule(facts["seed"])
    shown_rows = stimuli.conditions.iloc[schedule["condition"]].to_numpy(np.float32)
    np.testing.assert_array_equal(shown_rows.reshape(120, 4, 3), golden["parameters"])
    trial = schedule[schedule["trial"] == facts["trial"]]
    movie = stimuli.trial(trial, facts["seed"], (36, 64))
    first, last = golden["video_frame_range"]
    np.testing.assert_array_equal(movie[first:last], golden["video"][0])
    np.testing.assert_allclose(movie.mean(axis=(1, 2)), golden["frame_means"], rtol=1e-5)


def test_published_parameters_are_written(tmp_path):
    golden = golden_cases.arrays("sequence_onset", "tuning")["parameters"]
    stimuli = feedback_published.onset_set(10, 20.0, feedback_published.screen_placement())
    path = feedback_published.write_parameters(tmp_path, stimuli, seed=1234)
    np.testing.assert_array_equal(np.load(path), golden)
    assert stimuli.timing.window(0) == slice(90, 105)


def test_disc_and_hole_are_complements():
    stimuli = size_set(SMALL, HERE)
    disc = shown(stimuli, size_deg=40.0, direction=0.0, inverse=0.0)
    hole = shown(stimuli, size_deg=40.0, direction=0.0, inverse=1.0)
    full = shown(stimuli, size_deg=0.0, direction=0.0, inverse=1.0)
    inside = DEFAULT_MONITOR.disc(40.0, centre_px=(30.0, 17.0))
    assert (disc[:, ~inside] == GREY).all()
    assert (hole[:, inside] == GREY).all()
    # Equal phases at equal repeats: together they are the full field.
    np.testing.assert_array_equal(np.where(inside, disc, hole), full)
    assert (shown(stimuli, size_deg=0.0, direction=0.0, inverse=0.0) == GREY).all()
    back = shown(stimuli, size_deg=0.0, direction=180.0, inverse=1.0)
    assert not np.array_equal(back, full)
    assert full.std(axis=2).max() < 1e-3  # horizontal bars that move down


def test_stimuli_follow_the_receptive_field_and_its_direction():
    moved = Placement(monitor=DEFAULT_MONITOR, centre_px=(36.0, 20.0), direction_deg=0.0)
    condition = {"size_deg": 20.0, "direction": 0.0, "inverse": 0.0}
    here = shown(size_set(SMALL, HERE), **condition) != GREY
    there = shown(size_set(SMALL, moved), **condition) != GREY
    first, second = (np.argwhere(m.any(axis=0)).mean(axis=0) for m in (here, there))
    np.testing.assert_allclose(second - first, [3, 6], atol=0.6)


def test_phases_are_evenly_spaced_and_shared_by_sizes():
    stimuli = size_set(SizeConfig(num_repeats=4, sizes_deg=SMALL.sizes_deg), HERE)
    schedule = stimuli.schedule(3)
    of_condition = schedule.sort_values("repeat").groupby("condition")["phase_deg"].apply(list)
    np.testing.assert_allclose(np.diff(of_condition.iloc[0]), 90.0)
    forward = stimuli.conditions["direction"] == 0
    assert of_condition[forward].map(tuple).nunique() == 1


def test_onsets_use_a_disc_of_the_neurons_own_size():
    own = DiscPlacement(monitor=DEFAULT_MONITOR, centre_px=(30.0, 17.0), radius_px=6.0)
    stimuli = onset_set(OnsetConfig(num_repeats=3), own)
    assert stimuli.conditions["disc_sigmas"].unique().tolist() == [2.5]
    hole = shown(stimuli, direction=0.0, inverse=1.0)
    y, x = np.mgrid[:36, :64]
    assert ((hole == GREY).all(axis=0) >= (np.hypot(x - 30, y - 17) < 6)).all()
    fixed = onset_set(OnsetConfig(num_repeats=3, stimulus_size=20.0), HERE)
    assert fixed.conditions["size_deg"].unique().tolist() == [20.0]


def test_settings_that_cannot_work():
    with pytest.raises(ConfigError, match=r"--sizes_deg must be 4 or more, ascending from 0"):
        from_values(SizeConfig, {"sizes_deg": (10.0, 20.0, 30.0, 40.0)})
    with pytest.raises(ConfigError, match=r"--num_repeats must be 2"):
        OnsetConfig(num_repeats=1)
    with pytest.raises(ConfigError, match=r"must be positive"):
        OnsetConfig(stimulus_size=0.0)
    with pytest.raises(ConfigError, match=r"--max_neurons must be 1"):
        ShownTo(max_neurons=0)


def test_a_missing_experiment_names_its_script(tmp_path):
    with pytest.raises(MissingResultError, match=r"tuning_feedbackRF/predict_onset\.py"):
        load_shown(tmp_path, "feedbackRF_onset")


def numbered_table(stimuli, reduction):
    """Responses that say which presentation they answer."""
    schedule = stimuli.schedule(0)
    rows = stimuli.conditions.iloc[schedule["condition"]].reset_index(drop=True)
    codes = rows["size_deg"] + 0.5 * rows["inverse"] + 0.25 * (rows["direction"] > 0)
    codes = (codes + 0.01 * schedule["repeat"]).to_numpy(np.float32)
    of_condition = stimuli.conditions
    mean = (of_condition["size_deg"] + 0.5 * of_condition["inverse"]).to_numpy(np.float32)
    trace = np.repeat(mean[None, :, None], 60, axis=2)
    return ResponseTable(
        conditions=of_condition,
        presentations=schedule,
        neurons=pd.DataFrame({"neuron": [5]}),
        mean=mean[None],
        sem=mean[None],
        trace=trace,
        trace_sem=np.full_like(trace, 2.0),
        amplitude=codes[None],
        on=30,
        reduction=reduction,
        source="predicted",
    )


def test_responses_are_sorted_by_stimulus():
    table = numbered_table(size_set(SMALL, HERE), SIZE_REDUCTION)
    sizes, responses = single_responses(table)
    assert sizes.tolist() == list(SMALL.sizes_deg)
    assert responses.shape == (1, 4, 2, 2, 2)
    expected = (
        sizes[:, None, None, None]
        + 0.5 * np.arange(2)[:, None, None]
        + 0.25 * np.arange(2)[:, None]
        + 0.01 * np.arange(2)
    )
    np.testing.assert_allclose(responses[0], expected, rtol=1e-5)
    traces = size_traces(table)
    one = traces.query("size_deg == 40 and stimulus == 'inverse'")
    assert (one["mean"] == 40.5).all()
    np.testing.assert_allclose(one["sem"], 2 / 2**0.5, rtol=1e-6)
    assert one["time_s"].iloc[0] == -0.5
    means, sems = mean_traces(table.select(size_deg=20.0))
    assert means.shape == sems.shape == (1, 2, 60)
    np.testing.assert_allclose(means[0, :, 0], [20, 20.5])


def test_golden_reduction():
    golden = golden_cases.arrays("size_tuning", "tuning")
    columns = ["size_deg", "direction", "inverse"]
    rows = pd.DataFrame(golden["parameters"].reshape(-1, 3).astype(float), columns=columns)
    presentations = pd.DataFrame(
        {"condition": range(40), "repeat": 0, "trial": range(40), "onset": 15}
    )
    blocks = golden["responses"].astype(np.float32).reshape(4, 40, 60)
    table = tabulate(
        ((trial, blocks[:, trial]) for trial in range(40)),
        conditions=rows,
        presentations=presentations,
        on=30,
        reduction=SIZE_REDUCTION,
        source="predicted",
    )
    assert table.amplitude is not None
    average = golden["pattern_average"].reshape(4, 40)
    np.testing.assert_allclose(table.amplitude, average, rtol=1e-5)
    sizes, responses = single_responses(table)
    assert sizes.tolist() == list(range(0, 100, 10))
    np.testing.assert_allclose(responses.mean(axis=(3, 4)), golden["reshaped"], rtol=1e-5)


def test_example_movies():
    movies = example_movies(HERE, [0.0, 30.0])
    assert {name: movie.shape for name, movie in movies.items()} == {
        "classical": (2, 30, 36, 64),
        "inverse": (2, 30, 36, 64),
    }
    assert (movies["classical"][0] == GREY).all()
    assert movies["inverse"][0].std() > movies["inverse"][1].std() > 50


@pytest.mark.proof
def test_the_synthetic_population_is_read_as_it_is():
    """Noiseless: who is driven by holes, and 100 ms between disc and hole."""
    from viv1t.analysis.onset import response_onsets
    from viv1t.analysis.size import size_tuning
    from viv1t.experiments.discs import disc_radius_px, with_discs

    truth = oracle_truth(3)
    driven = np.flatnonzero(truth["w_feedback"] > 0)[:3]
    chosen = np.sort([*driven, *np.flatnonzero(truth["w_feedback"] == 0)[:3]])
    truth = truth.iloc[chosen].reset_index(drop=True)
    mouse = SyntheticMouse({"A": Population(truth).eval()})
    sigma = truth["rf_sigma_px"]
    fields = pd.DataFrame(
        {
            "neuron": np.arange(6),
            "bad_fit": False,
            "x_px": truth["rf_x_px"],
            "y_px": truth["rf_y_px"],
            "sigma_x_px": sigma,
            "sigma_y_px": sigma,
        }
    )
    directions = truth["direction_deg"].to_numpy()
    where = {"monitor": DEFAULT_MONITOR, "mode": "neuron", "receptive_fields": fields}
    groups = place(6, **where, directions_deg=directions)
    table = run_placed(
        lambda p: size_set(SizeConfig(num_repeats=2), p),
        *(mouse, "A", groups),
        reduction=SIZE_REDUCTION,
        batch_size=10,
    )
    sizes, responses = single_responses(table)
    found = size_tuning(responses, sizes, rng=np.random.default_rng(0), num_bootstrap=5)
    has_feedback = (truth["w_feedback"] > 0).to_numpy()
    assert found["classical_tuned"].all()
    assert (found["inverse_tuned"] == has_feedback).all()
    assert (found.loc[~has_feedback, "inverse_deg"] == 0).all()
    assert found["classical_deg"].between(15, 45).all()

    groups = with_discs(groups, disc_radius_px(fields, 2.5, 6))
    table = run_placed(
        lambda p: onset_set(OnsetConfig(num_repeats=5), p),
        *(mouse, "A", groups),
        reduction=ONSET_REDUCTION,
        batch_size=4,
    )
    onsets = response_onsets(*mean_traces(table), before=15, on=15, rng=np.random.default_rng(0))
    delay_ms = 1000 * onsets.loc[has_feedback, "delay_s"]
    assert delay_ms.median() == pytest.approx(100, abs=25)
