"""Experiments on twins, on the synthetic truth, and on responses that exist already."""

import numpy as np
import pandas as pd
import pytest
from small_twins import CAUSAL, assert_same, small_twin

from viv1t.data.synthetic import Population, SyntheticMouse
from viv1t.data.synthetic.presets import PRESETS
from viv1t.data.synthetic.truth import TruthConfig, sample_truth
from viv1t.errors import ConfigError, DataError
from viv1t.experiments import run as running
from viv1t.experiments.run import neuron_table, run_experiment
from viv1t.experiments.stimuli import StimulusSet
from viv1t.experiments.table import tabulate
from viv1t.experiments.tally import Reduction
from viv1t.experiments.timing import Timing
from viv1t.insilico.responder import Responder

TIMING = Timing(num_frames=20, blank_pre=2, on=4, blank_post=2, slots=2, min_warmup=5)
ALL = Reduction(skip=1, before=2, after=1)


def flicker(condition, rng):
    """Frames of one grey value, with random pixels."""
    return condition["level"] + condition["contrast"] * rng.normal(size=(4, 12, 16))


def flickers(repeats=3, render=flicker):
    conditions = pd.DataFrame({"level": [100, 150, 100, 150], "contrast": [0.0, 0.0, 20.0, 20.0]})
    return StimulusSet(conditions=conditions, render=render, timing=TIMING, repeats=repeats)


def by_hand(stimuli, twin, seed, neurons=slice(None), **given):
    """Responses to all presentations, from whole predictions: (p, n, 2 + 4 + 1)."""
    schedule = stimuli.schedule(seed)
    found = []
    for _, row in schedule.iterrows():
        shown = schedule[schedule["trial"] == row["trial"]]
        response = twin.predict(stimuli.trial(shown, seed, (12, 16)), "A", **given)[neurons]
        found.append(response[:, row["onset"] - 2 : row["onset"] + 5])
    return schedule, np.stack(found)


@pytest.fixture(scope="module")
def twin():
    return small_twin(**CAUSAL)


def test_a_trial_shows_its_presentations_on_grey():
    stimuli = flickers()
    schedule = stimuli.schedule(3)
    assert schedule.groupby("condition").size().tolist() == [3, 3, 3, 3]
    assert schedule.groupby("trial")["slot"].apply(list).tolist() == [[0, 1]] * 6
    shown = schedule[schedule["trial"] == 2]
    movie = stimuli.trial(shown, 3, (12, 16))
    assert movie.shape == (20, 12, 16)
    blank = np.ones(20, dtype=bool)
    for row in shown.itertuples():
        window = slice(row.onset, row.onset + 4)
        condition = stimuli.conditions.iloc[row.condition]
        assert abs(movie[window].mean() - condition["level"]) < 5
        assert (movie[window].std() > 1) == (condition["contrast"] > 0)
        blank[window] = False
    assert blank.sum() == 12
    assert (movie[blank] == 127).all()


def test_seeds():
    stimuli = flickers()
    pd.testing.assert_frame_equal(stimuli.schedule(1), stimuli.schedule(1))
    assert not stimuli.schedule(1).equals(stimuli.schedule(2))
    assert len(flickers(repeats=1).schedule(0)) == 4
    # What is drawn depends on condition and repeat, not on where it comes.
    drawn = {}
    for seed_of_order in (1, 2):
        schedule = stimuli.schedule(seed_of_order)
        row = schedule[(schedule["condition"] == 3) & (schedule["repeat"] == 1)]
        movie = stimuli.trial(row, 1, (12, 16))
        drawn[seed_of_order] = movie[row["onset"].item() :][:4]
    np.testing.assert_array_equal(drawn[1], drawn[2])


@pytest.mark.parametrize("batch_size", [1, 4])
def test_the_table_holds_means_over_repeats(twin, batch_size):
    stimuli = flickers()
    table = run_experiment(stimuli, twin, "A", seed=5, reduction=ALL, batch_size=batch_size)
    schedule, expected = by_hand(stimuli, twin, 5)
    pd.testing.assert_frame_equal(table.presentations, schedule)
    amplitude = expected[:, :, 3:6].mean(axis=2)
    assert_same(table.amplitude, amplitude.T)
    for condition in range(4):
        rows = schedule["condition"] == condition
        assert_same(table.mean[:, condition], amplitude[rows].mean(axis=0))
        spread = amplitude[rows].std(axis=0, ddof=1) / np.sqrt(3)
        assert_same(table.sem[:, condition], spread)
        assert_same(table.trace[:, condition], expected[rows].mean(axis=0))
        spread = expected[rows].std(axis=0, ddof=1) / np.sqrt(3)
        assert_same(table.trace_sem[:, condition], spread)
    assert table.trace.shape == (6, 4, 7)
    assert table.mean.dtype == table.sem.dtype == table.trace.dtype == np.float32
    assert table.mean[:, 0].std() > 0


def test_some_neurons_in_a_state(twin):
    state = {"behavior": np.array([2.0, 0.5]), "pupil_center": np.array([1.0, -1.0])}
    table = run_experiment(
        flickers(), twin, "A", seed=5, reduction=ALL, neurons=[4, 2], units="model", **state
    )
    given = {name: np.repeat(values[:, None], 20, axis=1) for name, values in state.items()}
    _, expected = by_hand(flickers(), twin, 5, neurons=[4, 2], units="model", **given)
    assert_same(table.amplitude.T, expected[:, :, 3:6].mean(axis=2))
    assert table.neurons["neuron"].tolist() == [4, 2]


def test_only_the_frames_of_the_stimuli_are_asked_for(twin, monkeypatch):
    asked = []
    predict = twin.predict

    def recorded(*args, **kwargs):
        asked.append(kwargs["frames"])
        return predict(*args, **kwargs)

    monkeypatch.setattr(twin, "predict", recorded)
    run_experiment(flickers(repeats=1), twin, "A")
    assert asked == [slice(6, 18)] * 2


def test_memory_need_not_grow_with_repeats(twin):
    lean = Reduction(trace=False, presentations=False)
    once, often = (run_experiment(flickers(repeats=n), twin, "A", reduction=lean) for n in (1, 5))
    arrays = ("mean", "sem", "trace", "trace_sem", "amplitude")
    sizes = [
        [np.size(getattr(t, a)) for a in arrays if getattr(t, a) is not None] for t in (once, often)
    ]
    assert sizes[0] == sizes[1] == [24, 24]
    assert np.isnan(once.sem).all()
    assert (often.sem[:, 2:] > 0).all()
    assert_same(often.mean, run_experiment(flickers(repeats=5), twin, "A").mean)


class Interrupted(Exception):
    """What stops a run in these tests."""


def stops_after(twin, num_calls):
    """A predict that raises at the call after `num_calls`."""
    calls = []

    def predict(*args, **kwargs):
        calls.append(kwargs)
        if len(calls) > num_calls:
            raise Interrupted
        return twin.predict(*args, **kwargs)

    return predict, calls


class Asked:
    """A responder with another `predict`."""

    def __init__(self, twin, predict):
        self._twin = twin
        self.predict = predict

    def __getattr__(self, name):
        return getattr(self._twin, name)


def test_an_interrupted_run_goes_on_where_it_ended(tmp_path):
    options = {"seed": 4, "reduction": ALL, "path": tmp_path / "a/flicker.h5"}
    whole = run_experiment(flickers(), small_twin(**CAUSAL), "A", seed=4, reduction=ALL)
    twin = small_twin(**CAUSAL)
    predict, _ = stops_after(twin, 2)
    with pytest.raises(Interrupted):
        run_experiment(flickers(), Asked(twin, predict), "A", **options)
    predict, calls = stops_after(twin, 9)
    table = run_experiment(flickers(), Asked(twin, predict), "A", **options)
    assert len(calls) == 4
    for name in ("mean", "sem", "trace", "trace_sem", "amplitude"):
        assert_same(getattr(table, name), getattr(whole, name))
    predict, calls = stops_after(twin, 0)
    again = run_experiment(flickers(), Asked(twin, predict), "A", **options)
    assert not calls
    np.testing.assert_array_equal(again.trace, table.trace)


def test_an_interrupt_while_a_trial_is_taken_loses_no_more_than_that(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "SAVE_SECONDS", 0.0)
    twin, path = small_twin(**CAUSAL), tmp_path / "flicker.h5"
    taken = []
    add_trial = running.add_trial

    def breaks(tally, shown, *args, **kwargs):
        taken.append(shown)
        if len(taken) == 4:
            add_trial(tally, shown.iloc[:1], *args, **kwargs)
            raise KeyboardInterrupt
        add_trial(tally, shown, *args, **kwargs)

    monkeypatch.setattr(running, "add_trial", breaks)
    with pytest.raises(KeyboardInterrupt):
        run_experiment(flickers(), twin, "A", path=path)
    table = run_experiment(flickers(), twin, "A", path=path)
    assert len(taken) == 4 + 3
    assert_same(table.sem, run_experiment(flickers(), twin, "A").sem)


def test_a_file_of_another_experiment_is_refused(tmp_path, twin):
    path = tmp_path / "flicker.h5"
    run_experiment(flickers(), twin, "A", path=path, provenance={"weights": "abc"})
    for change in (
        {"seed": 1},
        {"units": "model"},
        {"neurons": [0]},
        {"reduction": Reduction(skip=1)},
        {"behavior": np.zeros(2)},
        {"provenance": {"weights": "abd"}},
    ):
        options = {"provenance": {"weights": "abc"}, "path": path} | change
        with pytest.raises(
            ConfigError, match=r"flicker.h5 holds an experiment with other .*: delete"
        ):
            run_experiment(flickers(), twin, "A", **options)
    brighter = flickers(render=lambda condition, rng: flicker(condition, rng) + 1)
    with pytest.raises(ConfigError, match="with other first_trial"):
        run_experiment(brighter, twin, "A", path=path, provenance={"weights": "abc"})
    path.write_bytes(b"nonsense")
    with pytest.raises(DataError, match=r"no readable result .*delete it"):
        run_experiment(flickers(), twin, "A", path=path)


def test_the_synthetic_truth_answers_too():
    config = TruthConfig(num_neurons=5, monitor=PRESETS["full"].monitor, clustered=False)
    population = Population(sample_truth(config, np.random.default_rng(0))).eval()
    truth = SyntheticMouse({"A": population})
    assert isinstance(truth, Responder)
    shape = truth.video_shape

    def image(condition, rng):
        return np.broadcast_to(rng.integers(0, 256, shape), (4, *shape))

    stimuli = flickers(repeats=1, render=image)
    table = run_experiment(stimuli, truth, "A", neurons=[3, 1], reduction=ALL)
    shown = table.presentations[table.presentations["trial"] == 0]
    expected = truth.predict(stimuli.trial(shown, 0, shape), "A")[[3, 1]]
    for row in shown.itertuples():
        assert_same(table.trace[:, row.condition], expected[:, row.onset - 2 : row.onset + 5])
    np.testing.assert_array_equal(
        table.neurons[["x_um", "y_um", "z_um"]], truth.neuron_coordinates("A")[[3, 1]]
    )


def test_recorded_trials_become_the_same_table(twin):
    stimuli = flickers()
    schedule = stimuli.schedule(5)
    trials = {
        int(trial): twin.predict(stimuli.trial(shown, 5, (12, 16)), "A")
        for trial, shown in schedule.groupby("trial")
    }
    recorded = tabulate(
        [*sorted(trials.items(), reverse=True), (77, trials[0])],
        conditions=stimuli.conditions,
        presentations=schedule,
        on=4,
        reduction=ALL,
        source="recorded",
        neurons=neuron_table(twin, "A"),
    )
    predicted = run_experiment(stimuli, twin, "A", seed=5, reduction=ALL)
    for name in ("mean", "sem", "trace", "trace_sem", "amplitude"):
        assert_same(getattr(recorded, name), getattr(predicted, name))
    assert (recorded.source, predicted.source) == ("recorded", "predicted")
    del trials[2]
    with pytest.raises(ConfigError, match="no responses to trials 2"):
        tabulate(
            trials.items(),
            conditions=stimuli.conditions,
            presentations=schedule,
            on=4,
            reduction=ALL,
            source="recorded",
        )


def test_select_and_tuning(twin):
    table = run_experiment(flickers(), twin, "A", reduction=ALL)
    dark = table.select(neurons=[5, 0], level=100)
    assert dark.conditions["contrast"].tolist() == [0.0, 20.0]
    np.testing.assert_array_equal(dark.mean, table.mean[[5, 0]][:, [0, 2]])
    np.testing.assert_array_equal(dark.trace, table.trace[[5, 0]][:, [0, 2]])
    for condition in range(2):
        shown = dark.presentations["condition"] == condition
        average = dark.amplitude[:, shown].mean(axis=1)
        assert_same(average, dark.mean[:, condition])
    curve, levels = table.tuning("contrast", "level")
    assert [x.tolist() for x in levels] == [[0.0, 20.0], [100, 150]]
    np.testing.assert_allclose(curve, table.mean.reshape(6, 2, 2), rtol=1e-6)
    curve, _ = table.tuning("contrast")
    np.testing.assert_allclose(curve, table.mean.reshape(6, 2, 2).mean(axis=2), rtol=1e-5)
    curve, _ = table.select(level=[100, 150], contrast=20.0).tuning("level")
    np.testing.assert_allclose(curve, table.mean[:, 2:], rtol=1e-6)
    with pytest.raises(ConfigError, match="no column 'size' in the conditions; there are 'level'"):
        table.tuning("size")
    with pytest.raises(ConfigError, match=r"no condition has \{'level': 5\}"):
        table.select(level=5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reduction": Reduction(after=3)}, "asks for frames 6 to 21 of trials of 20 frames"),
        ({"reduction": Reduction(skip=4)}, "skip must be less than the 4 frames"),
        ({"behavior": np.zeros((2, 20))}, "constant"),
    ],
)
def test_impossible_questions_are_refused(twin, change, message):
    with pytest.raises(ConfigError, match=message):
        run_experiment(flickers(), twin, "A", **change)


def test_impossible_sets_are_refused(twin):
    with pytest.raises(DataError, match=r"4 frames of \(12, 16\) pixels, gave shape \(4, 12, 15\)"):
        run_experiment(flickers(render=lambda *_: np.zeros((4, 12, 15))), twin, "A")
    with pytest.raises(ConfigError, match="must not be negative"):
        Reduction(before=-1)
    with pytest.raises(ConfigError, match="0 repeats"):
        flickers(repeats=0)
