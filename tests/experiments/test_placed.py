"""Stimuli at each neuron's own place: groups, tables, and what an interrupt leaves."""

import sys
from pathlib import Path

import golden_cases
import numpy as np
import pandas as pd
import pytest
from small_twins import CAUSAL, assert_same, small_twin

from viv1t.errors import ConfigError, DataError, MissingResultError
from viv1t.experiments import run as running
from viv1t.experiments.placed import Group, Placement, place, run_placed
from viv1t.experiments.published import published_place
from viv1t.experiments.saved import load_experiment, load_facts, load_table
from viv1t.experiments.stimuli import StimulusSet
from viv1t.experiments.tally import Reduction
from viv1t.experiments.timing import Timing
from viv1t.stimuli.aperture import compose, disc
from viv1t.units import DEFAULT_MONITOR, Monitor

sys.path.insert(0, str(Path(__file__).parent))
from pixels import Pixels, Stops, StopsAfter

SMALL = Monitor(width_cm=56.5, height_cm=31.8, distance_cm=15.0, width_px=16, height_px=12)
TIMING = Timing(num_frames=20, blank_pre=2, on=4, blank_post=2, slots=2, min_warmup=5)
PLACES = np.array([[3, 4], [3, 4], [12, 8], [7, 2]])
FIELDS = pd.DataFrame(
    {
        "neuron": [0, 1, 2, 3],
        "bad_fit": [False, False, False, True],
        "x_px": [3.2, 2.9, 12.4, 7.0],
        "y_px": [4.1, 3.8, 8.0, 2.0],
    }
)
ARRAYS = ("mean", "sem", "trace", "trace_sem", "amplitude")


def spots(placement, *, repeats=3, levels=(60.0, 200.0)):
    """Discs of one grey value plus noise; the second condition is a screen of grey."""
    conditions = pd.DataFrame({"level": levels, "size_deg": [20.0] * len(levels)})

    def render(condition, rng):
        mask = disc(placement.monitor, condition["size_deg"], centre_px=placement.centre_px)
        frames = condition["level"] + rng.normal(size=(TIMING.on, *mask.shape))
        return compose(mask, frames, 127)

    return StimulusSet(conditions=conditions, render=render, timing=TIMING, repeats=repeats)


def groups(**options):
    options = {"mode": "neuron", "receptive_fields": FIELDS} | options
    return place(4, monitor=SMALL, **options)


def assert_identical(first, second):
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    for name in ("conditions", "presentations", "neurons"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name))
    assert (first.on, first.reduction, first.source) == (
        second.on,
        second.reduction,
        second.source,
    )


def test_neurons_that_share_a_rounded_centre_share_a_group():
    found = groups()
    assert [group.neurons.tolist() for group in found] == [[0, 1], [2]]
    assert [group.placement.centre_px for group in found] == [(3, 4), (12, 8)]
    assert all(group.placement.direction_deg is None for group in found)
    finer = groups(round_px=0.5)
    assert [g.placement.centre_px for g in finer] == [(3.0, 4.0), (12.5, 8.0)]
    finest = groups(round_px=0.25)
    assert [g.placement.centre_px for g in finest] == [(3.0, 3.75), (3.25, 4.0), (12.5, 8.0)]


def test_bad_fits_and_those_beyond_the_screen_have_no_place():
    fields = FIELDS.assign(x_px=[16.2, -0.7, 12.4, 7.0])
    assert [g.neurons.tolist() for g in groups(receptive_fields=fields)] == [[2]]
    fields = FIELDS.assign(x_px=[np.nan, 15.4, 12.4, 7.0])
    assert [g.neurons.tolist() for g in groups(receptive_fields=fields)] == [[2], [1]]
    assert groups(receptive_fields=fields)[1].placement.centre_px == (15, 4)
    with pytest.raises(ConfigError, match=r"none of 4 neurons has a place: no receptive field"):
        groups(receptive_fields=FIELDS.assign(bad_fit=True))
    with pytest.raises(ConfigError, match="need the table aRF"):
        groups(receptive_fields=None)


def test_rows_of_the_table_may_be_missing_or_in_another_order():
    found = groups(receptive_fields=FIELDS.iloc[[2, 0]])
    assert [group.neurons.tolist() for group in found] == [[0], [2]]


def test_the_population_is_at_the_median_of_good_fits():
    (found,) = groups(mode="population")
    assert found.neurons.tolist() == [0, 1, 2, 3]
    assert found.placement.centre_px == (3, 4)
    outlier = pd.concat([FIELDS, FIELDS.iloc[:1].assign(neuron=4, x_px=216.0)])
    assert place(5, monitor=SMALL, mode="population", receptive_fields=outlier)[
        0
    ].placement.centre_px == (3, 4)


def test_the_screen_needs_no_table():
    (found,) = groups(mode="screen", receptive_fields=None)
    assert found.placement == Placement(monitor=SMALL, centre_px=None)
    assert found.neurons.tolist() == [0, 1, 2, 3]


def test_directions_part_groups():
    found = groups(directions_deg=[358.0, 100.0, 20.0, 10.0])
    keys = [(g.placement.centre_px, g.placement.direction_deg) for g in found]
    assert keys == [((3, 4), 0), ((3, 4), 105), ((12, 8), 15)]
    (only,) = groups(mode="screen", directions_deg=[np.nan, 44.0, np.nan, np.nan])
    assert only.neurons.tolist() == [1]
    assert only.placement == Placement(monitor=SMALL, centre_px=None, direction_deg=45)
    with pytest.raises(ConfigError, match="no preferred direction"):
        groups(mode="screen", directions_deg=[np.nan] * 4)


def test_golden_rf_centers_as_published():
    facts = golden_cases.facts("rf_centers", "tuning")
    columns = {"center_x": "x_px", "center_y": "y_px"}
    table = pd.DataFrame(facts["table"]).rename(columns=columns)
    for mouse in ("A", "B"):
        fields = table[table["mouse"] == mouse]
        options = {"monitor": DEFAULT_MONITOR, "receptive_fields": fields}
        (found,) = published_place(len(fields), mode="population", **options)
        assert found.placement.centre_px == tuple(facts[f"population_{mouse}"])
        assert found.neurons.tolist() == list(range(len(fields)))
    fields = table[table["mouse"] == "A"]
    found = published_place(8, monitor=DEFAULT_MONITOR, mode="neuron", receptive_fields=fields)
    centres = np.array(facts["unique_centers_A"])
    known = np.isfinite(centres[:, 0])
    assert [list(g.placement.centre_px) for g in found] == centres[known].tolist()
    members = [np.flatnonzero(np.array(facts["groups_A"]) == n) for n in np.flatnonzero(known)]
    assert [g.neurons.tolist() for g in found] == [m.tolist() for m in members]
    lost = fields.assign(x_px=-0.6)
    with pytest.raises(ConfigError, match="has a place"):
        published_place(8, monitor=DEFAULT_MONITOR, mode="neuron", receptive_fields=lost)


def test_each_neuron_sees_the_stimulus_at_its_own_place():
    table = run_placed(spots, Pixels(PLACES), "A", groups(), seed=3)
    assert table.neurons["placed"].tolist() == [True, True, True, False]
    assert table.neurons["centre_x_px"].tolist()[:3] == [3, 3, 12]
    assert np.isnan(table.neurons.loc[3, ["centre_x_px", "centre_y_px"]].to_numpy(float)).all()
    np.testing.assert_allclose(table.mean[:3], [[60, 200]] * 3, atol=2)
    for name in ARRAYS:
        values = getattr(table, name)
        assert np.isnan(values[3]).all()
        assert np.isfinite(values[:3]).all()
    np.testing.assert_array_equal(table.mean[0], table.mean[1])  # one movie, one pixel
    elsewhere = run_placed(spots, Pixels(PLACES), "A", groups(mode="screen"), seed=3)
    np.testing.assert_allclose(elsewhere.mean[:3], 127, atol=1e-3)


def test_all_groups_see_one_order_and_the_same_random_numbers():
    everywhere = Pixels([[3, 4]] * 4)
    found = [
        Group(placement=Placement(monitor=SMALL, centre_px=(3, 4)), neurons=np.array(rows))
        for rows in ([0, 2], [1, 3])
    ]
    table = run_placed(spots, everywhere, "A", found)
    np.testing.assert_array_equal(table.trace[[0, 2]], table.trace[[1, 3]])


def test_conditions_must_not_depend_on_the_place():
    def design(placement):
        return spots(placement, levels=(placement.centre_px[0], 1.0))

    with pytest.raises(ConfigError, match="should be the same at every place"):
        run_placed(design, Pixels(PLACES), "A", groups())
    with pytest.raises(ConfigError, match="got no group"):
        run_placed(spots, Pixels(PLACES), "A", [])


@pytest.mark.parametrize("num_calls", [0, 1, 2, 3, 4, 5])
def test_an_interrupted_run_ends_as_an_unbroken_one(tmp_path, monkeypatch, num_calls):
    monkeypatch.setattr(running, "SAVE_SECONDS", 0.0)
    whole = run_placed(spots, Pixels(PLACES), "A", groups(), seed=5)
    broken = StopsAfter(PLACES)
    broken.num_calls = num_calls
    with pytest.raises(Stops):
        run_placed(spots, broken, "A", groups(), seed=5, folder=tmp_path)
    assert not (tmp_path / "mouseA.h5").exists()
    rest = Pixels(PLACES)
    table = run_placed(spots, rest, "A", groups(), seed=5, folder=tmp_path)
    assert_identical(table, whole)
    assert rest.calls == 6 - num_calls  # 2 groups of 3 trials
    assert [path.name for path in tmp_path.iterdir()] == ["mouseA.h5"]
    again = Pixels(PLACES)
    assert_identical(run_placed(spots, again, "A", groups(), seed=5, folder=tmp_path), whole)
    assert again.calls == 0


def test_two_runs_of_one_seed_are_identical(tmp_path):
    first, second = (
        run_placed(spots, small_twin(**CAUSAL), "A", _of(6), seed=7, folder=tmp_path / name)
        for name in ("a", "b")
    )
    assert_identical(first, second)
    assert_identical(load_table(tmp_path / "a/mouseA.h5"), load_table(tmp_path / "b/mouseA.h5"))
    other = run_placed(spots, small_twin(**CAUSAL), "A", _of(6), seed=8)
    assert (other.amplitude != first.amplitude).any()


def _of(num_neurons):
    """Two groups on the screen of the small twins."""
    rows = np.arange(num_neurons)
    return [
        Group(placement=Placement(monitor=SMALL, centre_px=(x, 5)), neurons=rows[rows % 2 == part])
        for part, x in enumerate((4, 11))
    ]


def test_a_twin_that_was_interrupted_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "SAVE_SECONDS", 0.0)
    whole = run_placed(spots, small_twin(**CAUSAL), "A", _of(6), seed=5)
    twin = small_twin(**CAUSAL)
    predict, calls = twin.predict, []

    def stops(*args, **kwargs):
        calls.append(1)
        if len(calls) > 4:
            raise Stops
        return predict(*args, **kwargs)

    monkeypatch.setattr(twin, "predict", stops)
    with pytest.raises(Stops):
        run_placed(spots, twin, "A", _of(6), seed=5, folder=tmp_path)
    table = run_placed(spots, small_twin(**CAUSAL), "A", _of(6), seed=5, folder=tmp_path)
    assert_identical(table, whole)


def test_what_is_stored_is_not_taken_for_another_experiment(tmp_path):
    options = {"folder": tmp_path, "seed": 2, "provenance": {"weights": "a"}}
    run_placed(spots, Pixels(PLACES), "A", groups(), **options)
    changes = (
        {"seed": 3},
        {"provenance": {"weights": "b"}},
        {"behavior": [1.0, 2.0]},
        {"reduction": Reduction(skip=1)},
    )
    for change in changes:
        with pytest.raises(ConfigError, match=r"mouseA.h5 holds an experiment with other"):
            run_placed(spots, Pixels(PLACES), "A", groups(), **options | change)
    with pytest.raises(ConfigError, match="with other groups, first_trials: delete"):
        run_placed(spots, Pixels(PLACES), "A", groups(round_px=0.5), **options)
    facts = load_facts(tmp_path / "mouseA.h5")
    assert (facts["seed"], facts["provenance"]) == (2, {"weights": "a"})
    (tmp_path / "mouseA.h5").write_bytes(b"nonsense")
    with pytest.raises(DataError, match=r"mouseA.h5 is no readable result .*delete it"):
        run_placed(spots, Pixels(PLACES), "A", groups(), **options)


def test_an_unfinished_experiment_is_not_taken_for_another(tmp_path):
    broken = StopsAfter(PLACES)
    broken.num_calls = 2
    with pytest.raises(Stops):
        run_placed(spots, broken, "A", groups(), seed=5, folder=tmp_path)
    with pytest.raises(ConfigError, match=r"mouseA holds an experiment with other seed.*: delete"):
        run_placed(spots, Pixels(PLACES), "A", groups(), seed=6, folder=tmp_path)


def test_memory_does_not_grow_with_repeats(tmp_path):
    lean = Reduction(trace=False, presentations=False)
    sizes = []
    for repeats in (2, 20):
        folder = tmp_path / str(repeats)
        run_placed(
            lambda placement, repeats=repeats: spots(placement, repeats=repeats),
            Pixels(PLACES),
            "A",
            groups(),
            folder=folder,
            reduction=lean,
        )
        table = load_table(folder / "mouseA.h5")
        assert table.trace is table.trace_sem is table.amplitude is None
        sizes.append(table.mean.nbytes + table.sem.nbytes)
    assert sizes[0] == sizes[1]


def test_tables_are_found_by_name(tmp_path):
    folder = tmp_path / "experiments/spots"
    stored = run_placed(spots, Pixels(PLACES), "A", groups(), folder=folder)
    command = "tuning_spots/predict.py"
    found = load_experiment(tmp_path, "spots", command=command)
    assert list(found) == ["A"]
    assert_identical(found["A"], stored)
    with pytest.raises(
        MissingResultError,
        match=r"no responses of mouse B; .*: python tuning_spots/predict.py --output_dir "
        r"\S+ --mouse_ids B$",
    ):
        load_experiment(tmp_path, "spots", command=command, mouse_ids=["A", "B"])
    with pytest.raises(MissingResultError, match=r"dots holds no file; .*predict.py --output_dir"):
        load_experiment(tmp_path, "dots", command=command)


def test_text_and_truth_values_survive_a_file(tmp_path):
    def design(placement):
        stimuli = spots(placement)
        named = stimuli.conditions.assign(kind=["dark", "bright"], is_bright=[False, True])
        return StimulusSet(
            conditions=named, render=stimuli.render, timing=stimuli.timing, repeats=2
        )

    whole = run_placed(design, Pixels(PLACES), "A", groups(), folder=tmp_path)
    stored = load_table(tmp_path / "mouseA.h5")
    assert_identical(stored, whole)
    assert stored.select(kind="bright").mean.shape == (4, 1)
    assert_same(stored.select(kind="bright").mean[:3], whole.mean[:3, 1:])
