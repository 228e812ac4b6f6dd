"""in_vivo_analysis/ from exported stimuli to tables and figures, on a synthetic mouse."""

from pathlib import Path

import numpy as np
import pytest
from scripts import run_script
from tables_of_truth import write_truth

from viv1t.data.synthetic import load_truth
from viv1t.errors import ConfigError
from viv1t.in_vivo.comparisons import compare_surrounds
from viv1t.results.in_vivo_tables import FLIP_SHARES, FLIPS, MODULATION, NEURONS, SCORES
from viv1t.results.store import read_result, write_result

GRATINGS = "grating_contextual_modulation"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def places(seen):
    """A data folder with days 1 and 2 of a mouse, and results with predictions of the truth."""
    truth = load_truth(seen.mouse.folder)
    write_truth(seen.results, truth)
    assert call(seen, "predict_session", "--responder", "truth", export=True) == 0
    assert call(seen, "check_cross_session_reliability", "--criterion", "correlation") == 0
    assert call(seen, "read_responses") == 0
    assert call(seen, f"{GRATINGS}/read_data", "--field_deg", "120") == 0
    return seen


def call(places, script, *flags, data=True, export=False):
    given = ["--output_dir", places.results, "--mouse_ids", "S1", "--verbose", "0", *flags]
    given += ["--data_dir", places.data] if data else []
    given += ["--export_dir", places.export] if export else []
    return run_script(f"in_vivo_analysis/{script}.py", *given)


def figures(places):
    return {path.name for path in Path(places.results / "figures").glob("*.png")}


def test_tables(places):
    neurons = read_result(places.results, NEURONS)
    assert neurons["matched"].sum() == 9
    assert neurons.loc[~neurons["matched"], "across"].isna().all()
    assert neurons.attrs["method"]["criterion"] == "correlation"
    scores = read_result(places.results, SCORES)
    assert set(scores["responder"]) == {"recorded", "predicted"}
    key = ["stimulus", "neuron"]
    both = scores[scores["responder"] == "recorded"].merge(
        scores[scores["responder"] == "predicted"], on=key
    )
    assert np.corrcoef(both["response_x"], both["response_y"])[0, 1] > 0.9
    modulation, counts = read_result(places.results, MODULATION), {"predicted": 12, "recorded": 9}
    assert modulation["shift"].isna().all()
    assert modulation.groupby("responder")["neuron"].nunique().to_dict() == counts
    kept = set(modulation.loc[modulation["kept"], "neuron"])
    assert set(read_result(places.results, FLIPS)["neuron"]) == kept
    shares = read_result(places.results, FLIP_SHARES).set_index(["responder", "definition"])
    assert len(shares) == 3
    assert (shares["num_neurons"] == len(kept)).all()


def test_both_results_of_the_filter_across_days(places, tmp_path):
    script = "in_vivo_analysis/check_cross_session_reliability.py"
    given = ("--data_dir", places.data, "--mouse_ids", "S1", "--verbose", "0")
    stable = {}
    for name, flags in (("sensible", ()), ("published", ("--as_published",))):
        assert run_script(script, *given, "--output_dir", tmp_path / name, *flags) == 0
        table = read_result(tmp_path / name, NEURONS)
        assert table.attrs["as_published"] is (name == "published")
        stable[name] = table["stable"].to_numpy(bool)
    # Frames divided by 12 neurons: a tenth of them within the band is enough.
    assert stable["published"].sum() > stable["sensible"].sum()


def test_figures_of_gratings(places):
    assert call(places, f"{GRATINGS}/visualize_contextual_modulation", data=False) == 0
    assert call(places, f"{GRATINGS}/flip_neuron_vs_threshold", data=False) == 0
    assert call(places, f"{GRATINGS}/visualize_response_traces", "--as_published") == 0
    drawn = {"in_vivo_modulation_recorded.png", "in_vivo_flip_shares.png", "in_vivo_neurons.png"}
    assert drawn <= figures(places)


def test_figures_of_surrounds(places, capsys):
    # No neuron of four repeats needs to be stable here.
    name = "single_neuron_grating_vs_generated"
    script = f"{name}/visualize_grating_vs_generated_surround_response"
    assert call(places, script, "--every_neuron", "--with_inhibiting", data=False) == 0
    script = "population_center_surround/visualize_static_vs_dynamic_response"
    assert call(places, script, "--every_neuron", data=False) == 0
    script = "population_full_field/visualize_full_field_population_response"
    assert call(places, script, "--every_neuron", data=False) == 0
    drawn = {f"{name}_recorded.png", f"{name}_predicted.png", f"{name}_prediction.png"}
    drawn |= {"population_center_surround_fields_excite.png", "population_full_field_fields.png"}
    assert drawn <= figures(places)
    script = "single_neuron_static_vs_dynamic/visualize_static_vs_dynamic_surround_response"
    assert call(places, script, "--every_neuron", data=False) == 2
    assert "no neuron that passed the filters has stimuli" in capsys.readouterr().err


def test_static_and_dynamic_surrounds(places, tmp_path):
    """Responses to grating centres, called natural static ones."""
    scores = read_result(places.results, SCORES)
    around = {"grating": "natural", "natural": "natural", "generated": "generated"}
    moves = {"none": "none", "grating": "static", "natural": "dynamic", "generated": "dynamic"}
    renamed = scores[scores["centre"].eq("grating") & scores["made_for"].ge(0)].copy()
    renamed["surround_motion"] = renamed["surround"].map(moves)
    renamed["surround"] = renamed["surround"].replace(around)
    renamed = renamed.assign(centre="natural", centre_motion="static")
    write_result(tmp_path, SCORES, renamed, method={})
    name = "single_neuron_static_vs_dynamic"
    script = f"in_vivo_analysis/{name}/visualize_static_vs_dynamic_surround_response.py"
    given = ("--output_dir", tmp_path, "--verbose", "0", "--every_neuron")
    assert run_script(script, *given) == 0
    assert (tmp_path / f"figures/{name}_recorded.png").is_file()
    only = renamed[renamed["goal"] != "excite"]
    write_result(tmp_path, SCORES, only, method={"goal": "inhibit"})
    with pytest.raises(ConfigError, match="give --with_inhibiting"):
        compare_surrounds(tmp_path, name, every_neuron=True)


def test_stimuli_are_drawn(places, capsys):
    flags = ("--analysis", "single_neuron_grating_vs_generated", "--neurons", 3)
    assert call(places, "visualize_stimuli", *flags, export=True) == 0
    assert "single_neuron_grating_vs_generated_stimuli_mouseS1_neuron3.png" in figures(places)
    flags = ("--analysis", "single_neuron_static_vs_dynamic", "--neurons", 3)
    assert call(places, "visualize_stimuli", *flags, export=True) == 2
    assert "there are stimuli of the neurons 1, 3, 5, 8" in capsys.readouterr().err


def test_gratings_are_made_and_a_day_is_simulated(places):
    flags = ("--stimulus_size", 25, "--name", "more")
    assert call(places, f"{GRATINGS}/make_gratings", *flags) == 0
    assert (places.results / "most_exciting_stimulus/more/mouseS1.h5").is_file()
    given = ("--data_dir", places.data, "--mouse_ids", "S1", "--verbose", 0)
    given += ("--export_dir", places.export, "--day", 5, "--num_repeats", 1, "--no-surround")
    assert run_script("in_vivo_analysis/simulate_session.py", *given, "--animal", "a") == 0
    assert (places.folder.parent / "S1_day5/session.yaml").is_file()


def test_a_day_that_nobody_has(places, capsys):
    assert call(places, "read_responses", "--day", "9") == 2
    assert "S1_day9/session.yaml does not exist" in capsys.readouterr().err
