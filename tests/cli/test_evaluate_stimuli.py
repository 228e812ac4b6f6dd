"""From a library of stimuli to tables and figures, with the truth as responder."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scripts import run_script
from tables_of_truth import write_mouse, write_truth

from viv1t.data.synthetic.presets import PRESETS
from viv1t.most_exciting_stimulus.library import POPULATION, library_folder, write_library
from viv1t.results.stimulus_score_tables import CONFUSION, RANKS, SCORES
from viv1t.results.store import read_result
from viv1t.stimuli.grating import drifting_grating
from viv1t.units import GREY

FOLDER = "most_exciting_stimulus"
FRAMES = 12
MONITOR = PRESETS["test"].monitor
SURROUNDS = [
    *product(("natural", "generated"), ("static", "dynamic")),
    ("grating", "dynamic"),
]


def movie(direction_deg: float, contrast: float, where=None) -> np.ndarray:
    """A grating, in some pixels only."""
    shown = drifting_grating(
        MONITOR, direction_deg=direction_deg, num_frames=FRAMES, contrast=contrast
    )
    return shown if where is None else np.where(where, shown, np.float32(GREY))


def stimuli(truth: pd.DataFrame) -> tuple[pd.DataFrame, list[np.ndarray]]:
    """Centres, surrounds and full fields of every neuron, full fields of the population."""
    rows, movies = [], []

    def add(neuron, x, y, shown, **kind):
        place = {"neuron": neuron, "centre_x_px": x, "centre_y_px": y, "value": 1.0}
        rows.append({**place, "rms": float(shown.std()), "mean": float(shown.mean()), **kind})
        movies.append(shown)

    for neuron, cell in truth.iterrows():
        x, y, direction = cell["rf_x_px"], cell["rf_y_px"], cell["direction_deg"]
        inside = MONITOR.disc(30.0, centre_px=(x, y))
        for centre, moves in (("grating", "dynamic"), ("natural", "static")):
            kind = {"centre": centre, "centre_motion": moves}
            disc = movie(direction, 0.5, inside)
            add(neuron, x, y, disc, goal="excite", **kind)
            for (surround, motion), goal in product(SURROUNDS, ("excite", "inhibit")):
                around = movie(direction + 90 * (goal == "inhibit"), 0.4)
                shown = np.where(inside, disc, around)
                more = {"surround": surround, "surround_motion": motion, "goal": goal}
                add(neuron, x, y, shown, **kind, **more)
        full = {"centre_motion": "dynamic", "goal": "excite"}
        add(neuron, x, y, movie(direction, 1.0), centre="full_generated", **full)
    for (origin, motion), goal in product(SURROUNDS, ("excite", "inhibit")):
        shown = movie(0.0, 0.8 if goal == "excite" else 0.1)
        kind = {"centre": f"full_{origin}", "centre_motion": motion, "goal": goal}
        add(POPULATION, np.nan, np.nan, shown, **kind)
    table = pd.DataFrame(rows)
    table["stimulus"] = [f"s{number}" for number in range(len(table))]
    names = ("surround", "surround_motion")
    return table.fillna(dict.fromkeys(names, "none")), movies


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """(data, results): three neurons with all stimuli, evaluated and predicted."""
    data, results = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("results")
    truth = write_mouse(data, num_neurons=3)
    write_truth(results, truth)
    table, movies = stimuli(truth)
    write_library(library_folder(results, "all"), "S1", table, movies, method={})
    asked = ("--output_dir", results, "--data_dir", data, "--responder", "truth", "--verbose", 0)
    assert run_script(f"{FOLDER}/evaluate_stimuli.py", *asked, "--num_scrambles", 2) == 0
    assert run_script(f"{FOLDER}/predict_stimulus.py", *asked) == 0
    return data, results


def test_tables_hold_all_stimuli(folders):
    _, results = folders
    scores = read_result(results, SCORES)
    assert set(scores["version"]) == {
        *("as made", "shift", "rotate", "reverse", "scramble", "contrast")
    }
    assert set(scores["responder"]) == {"truth"}
    made = scores[scores["version"] == "as made"]
    assert len(made) == 3 * 23 + 3 * 10
    assert len(read_result(results, CONFUSION)) == 2 * 9
    own = read_result(results, RANKS).query("matched")
    assert own["rank"].median() <= 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "flags", "figure"),
    [
        ("visualize_controls", (), "stimulus_controls_truth"),
        ("visualize_static_vs_dynamic", ("--as_published",), "static_vs_dynamic_truth"),
        ("visualize_full_field_population", (), "full_field_population"),
        ("visualize_population_response_distribution", (), "population_responses"),
        (
            "visualize_stimuli",
            ("--responders", "truth", "--neurons", "1"),
            "stimuli_mouseS1_neuron0001",
        ),
    ],
)
def test_more_figures_are_written(folders, script, flags, figure):
    assert_drawn(folders, script, flags, figure)


@pytest.mark.parametrize(
    ("script", "figure"),
    [
        ("visualize_confusion", "stimulus_confusion_truth_mouseS1"),
        ("visualize_grating_vs_generated", "grating_vs_generated_truth"),
    ],
)
def test_figures_are_written(folders, script, figure):
    assert_drawn(folders, script, (), figure)


def assert_drawn(folders, script, flags, figure):
    _, results = folders
    name = f"{FOLDER}/{script}.py"
    assert run_script(name, "--output_dir", results, "--verbose", 0, *flags) == 0
    assert (results / "figures" / f"{figure}.pdf").is_file()
    assert list((results / "figures").glob(f"{figure}_*.csv"))


def test_a_grid_of_cutoffs(tmp_path, capsys):
    rows, values = np.array([0.2, 0.4, 0.6, 0.8, 1.0]), [3.0, 8.0, 9.0, 9.2, 9.3]
    kind = {"neuron": 0, "centre": "full_generated", "centre_motion": "dynamic"}
    place = {"goal": "excite", "centre_x_px": 8.0, "centre_y_px": 8.0, "rms": 1.0, "mean": 127.0}
    script = (f"{FOLDER}/visualize_grid_search.py", "--output_dir", tmp_path, "--verbose", 0)
    for spatial, temporal in product(range(5), range(5)):
        cutoffs = {"spatial_cutoff": rows[spatial], "temporal_cutoff": rows[temporal]}
        name = f"spatial{rows[spatial]:g}_temporal{rows[temporal]:g}"
        table = pd.DataFrame([{**kind, **place, "stimulus": "a"}])
        table["value"] = values[spatial] + values[temporal]
        method = {"settings": {"method": "cutoff", **cutoffs}}
        frames = np.full((1, 4, 6, 8), 127, np.uint8)
        write_library(library_folder(tmp_path, name), "S1", table, frames, method=method)
        if spatial == temporal == 0:
            assert run_script(*script) == 2
            assert "several cutoffs" in capsys.readouterr().err
    assert run_script(*script) == 0
    picks = pd.read_csv(tmp_path / "figures/cutoff_grid_picks.csv").iloc[0]
    assert picks.to_dict() == {"spatial": 0.4, "temporal": 0.4}
    gains = pd.read_csv(tmp_path / "figures/cutoff_grid_gains.csv")
    assert gains["gain_percent"].max() == 0  # relative to the highest cutoffs


def test_what_cannot_be_asked_is_said(folders, capsys):
    data, results = folders
    asked = (f"{FOLDER}/evaluate_stimuli.py", "--output_dir", results, "--data_dir", data)
    asked += ("--responder", "truth", "--verbose", 0)
    assert run_script(*asked, "--held_out", "truth") == 2
    assert "names that differ" in capsys.readouterr().err
    assert run_script(*asked, "--stimuli", "nothing") == 2
    assert "nothing" in capsys.readouterr().err
    assert run_script(*asked, "--contrasts", "2") == 2
    assert "--contrasts" in capsys.readouterr().err
