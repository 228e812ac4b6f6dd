"""Fresh predictions of finished stimuli: values, traces, tables that keep what others wrote."""

import numpy as np
import pandas as pd
import pytest
import torch
from stimulus_sets import FRAMES, HEIGHT, WIDTH, fill, stimulus, surrounds, witness

from viv1t.errors import DataError, MissingResultError
from viv1t.most_exciting_stimulus.adopted import adopt_checkpoint, kind_of_folder
from viv1t.most_exciting_stimulus.library import read_libraries
from viv1t.most_exciting_stimulus.predict import PAD, predict_libraries, predict_optimal
from viv1t.most_exciting_stimulus.published import presentation_mask, save_checkpoint
from viv1t.most_exciting_stimulus.traces import read_traces
from viv1t.results.store import read_result, write_result
from viv1t.units import GREY


def test_values_and_peaks_are_those_of_the_frames(tmp_path):
    frames = fill(tmp_path, "a", [stimulus("x", 3), stimulus("y", 5), stimulus("z", 3)])
    predict_libraries(tmp_path, read_libraries(tmp_path), witness())
    table = read_result(tmp_path, "stimulus_responses")
    assert len(table) == 3 * 2
    for row in table.to_dict("records"):
        shown = 0.01 * frames["xyz".index(row["stimulus"])][:, 0, row["neuron"]]
        assert row["value"] == pytest.approx(shown.sum(), rel=1e-5)
        assert row["peak"] == pytest.approx(shown.max(), rel=1e-5)
        assert row["made_for"] == (5 if row["stimulus"] == "y" else 3)
    assert table.attrs["method"] == {"grey": GREY}
    assert table["lead_frames"].eq(50).all()


def test_traces_show_the_grey_around(tmp_path):
    frames = fill(tmp_path, "a", [stimulus("x", 3), stimulus("y", 5)])
    predict_libraries(tmp_path, read_libraries(tmp_path), witness())
    traces = read_traces(tmp_path, "a", "run", "S1")
    assert traces.window == slice(PAD, PAD + FRAMES)
    found = traces.read("y", 3)
    assert found.shape == (FRAMES + 2 * PAD,)
    np.testing.assert_allclose(found[traces.window], 0.01 * frames[1, :, 0, 3], rtol=1e-5)
    np.testing.assert_allclose(found[:PAD], 0.01 * GREY, rtol=1e-5)
    np.testing.assert_allclose(found[-PAD:], 0.01 * GREY, rtol=1e-5)
    mean = np.mean([traces.read("y", n) for n in (3, 5)], axis=0)
    np.testing.assert_allclose(traces.read("y", -1), mean, rtol=1e-6)
    with pytest.raises(MissingResultError, match="no response of neuron 4"):
        traces.read("y", 4)
    with pytest.raises(MissingResultError, match="no response to w"):
        traces.read("w", 3)
    with pytest.raises(MissingResultError, match="truth was not asked"):
        read_traces(tmp_path, "a", "truth", "S1")


def test_a_stimulus_of_the_population_is_shown_to_all(tmp_path):
    fill(tmp_path, "a", [stimulus("x", 3), stimulus("y", -1)])
    predict_libraries(tmp_path, read_libraries(tmp_path), witness())
    assert len(read_result(tmp_path, "stimulus_responses")) == 2 * WIDTH


def test_rows_of_other_libraries_and_responders_stay(tmp_path):
    for seed, name in enumerate("ab"):
        fill(tmp_path, name, [stimulus("x", 3)], seed)
    predict_libraries(tmp_path, read_libraries(tmp_path), witness())
    predict_libraries(tmp_path, read_libraries(tmp_path, ["a"]), witness("truth", 1.0))
    before = read_result(tmp_path, "stimulus_responses")
    assert len(before) == 3
    predict_libraries(tmp_path, read_libraries(tmp_path, ["b"]), witness(gain=2.0))
    after = read_result(tmp_path, "stimulus_responses")
    key = ["library", "responder"]
    changed = before.set_index(key)["value"] != after.set_index(key)["value"].reindex(
        before.set_index(key).index
    )
    assert changed.to_dict() == {("a", "run"): False, ("b", "run"): True, ("a", "truth"): False}


def test_rows_say_how_long_grey_was(tmp_path):
    for name in "ab":
        fill(tmp_path, name, [stimulus("x", 3)])
    predict_libraries(tmp_path, read_libraries(tmp_path, ["a"]), witness())
    predict_libraries(tmp_path, read_libraries(tmp_path, ["b"]), witness(), as_published=True)
    table = read_result(tmp_path, "stimulus_responses").set_index("library")
    assert table["lead_frames"].to_dict() == {"a": 50, "b": 135}


def test_a_table_of_another_version_is_written_anew(tmp_path, caplog):
    fill(tmp_path, "a", [stimulus("x", 3)])
    predict_libraries(tmp_path, read_libraries(tmp_path), witness())
    path = tmp_path / "tables" / "stimulus_responses.parquet"
    pd.read_parquet(path).drop(columns="lead_frames").to_parquet(path)
    predict_libraries(tmp_path, read_libraries(tmp_path), witness("truth", 1.0))
    assert list(read_result(tmp_path, "stimulus_responses")["responder"]) == ["truth"]
    assert "lacks lead_frames" in caplog.text


def test_the_best_of_each_kind_is_predicted_anew(tmp_path):
    rows = [stimulus("x", 3, value=1.0, seed=0), stimulus("y", 3, value=2.0, seed=1)]
    rows += surrounds(5)
    frames = fill(tmp_path, "a", rows)
    asked = [witness(), witness("truth", 1.0)]
    predict_optimal(tmp_path, read_libraries(tmp_path), asked)
    table = read_result(tmp_path, "optimal_stimuli")
    assert len(table) == 2 * (1 + 7)
    best = table[(table["neuron"] == 3)].set_index("responder")
    assert set(best["stimulus"]) == {"y"}
    assert set(best["value_made"]) == {2.0}
    assert best.loc["truth", "value"] == pytest.approx(frames[1, :, 0, 3].sum(), rel=1e-5)
    assert best.loc["run", "value"] == pytest.approx(0.01 * frames[1, :, 0, 3].sum(), rel=1e-5)


def test_the_population_is_weighted_and_as_published_it_is_not(tmp_path):
    frames = fill(tmp_path, "a", [stimulus("y", -1)])
    with pytest.raises(MissingResultError, match="estimate_neuron_reliability"):
        predict_optimal(tmp_path, read_libraries(tmp_path), [witness()])
    correlation = np.zeros(WIDTH)
    correlation[[2, 4]] = 0.25, 0.75
    ranks = pd.DataFrame(
        {
            "mouse": "S1",
            "neuron": np.arange(WIDTH),
            "rank": 1.0,
            "trial_reliability": 1.0,
            "correlation": correlation,
        }
    )
    write_result(tmp_path, "neuron_reliability", ranks, method={})
    sums = 0.01 * frames[0].sum(axis=0)[0]
    for as_published, expected in ((False, 0.25 * sums[2] + 0.75 * sums[4]), (True, sums.mean())):
        predict_optimal(tmp_path, read_libraries(tmp_path), [witness()], as_published=as_published)
        value = read_result(tmp_path, "optimal_stimuli")["value"].item()
        assert value == pytest.approx(expected, rel=1e-5)


def saved_checkpoint(folder, *, neuron, blank=4):
    """A published file; its frames."""
    frames = np.random.default_rng(1).uniform(0, 255, (FRAMES, HEIGHT, WIDTH)).astype(np.float32)
    video = np.full((1, FRAMES + 2 * blank, HEIGHT, WIDTH), GREY, np.float32)
    video[0, blank:-blank] = frames
    length = video.shape[1] - 2  # a model that gives fewer frames than it takes
    response = torch.arange(float(length))
    save_checkpoint(
        folder,
        param=torch.zeros(2),
        video=torch.from_numpy(video),
        response=response if neuron is not None else response.expand(7, -1),
        step=12,
        mouse="S1",
        neuron=neuron,
        presentation_mask=torch.from_numpy(presentation_mask(blank, FRAMES)),
    )
    return frames


@pytest.mark.parametrize("neuron", [3, None])
def test_a_published_checkpoint_becomes_a_library(tmp_path, neuron):
    where = "natural_center/static_center_dynamic_surround/001/mouseS1/neuron0003/most_inhibiting"
    frames = saved_checkpoint(tmp_path / where, neuron=neuron)
    library = adopt_checkpoint(tmp_path / "run", tmp_path / where)
    row = library.table.iloc[0]
    assert row["library"] == "predict_" + str(tmp_path / where)[1:].replace("/", "_")
    assert row["neuron"] == (-1 if neuron is None else neuron)
    assert (row["centre"], row["centre_motion"]) == ("natural", "static")
    assert (row["surround"], row["surround_motion"]) == ("generated", "dynamic")
    assert row["goal"] == "inhibit"
    # responses are aligned at the end: frames 2 to 7 of the response are those of the stimulus
    assert row["value"] == sum(range(2, 2 + FRAMES))
    np.testing.assert_array_equal(library.frames(0), frames)
    predict_libraries(tmp_path / "run", library, witness())
    assert len(read_result(tmp_path / "run", "stimulus_responses")) == (
        1 if neuron is not None else WIDTH
    )


def test_folders_tell_the_kind(tmp_path):
    full = kind_of_folder(tmp_path / "generated/full_field/static/001/mouseA/most_exciting")
    assert full == {"goal": "excite", "centre": "full_generated", "centre_motion": "static"}
    centre = kind_of_folder(tmp_path / "grating_center/dynamic_center_static_surround/0/center")
    assert centre == {"goal": "excite", "centre": "grating", "centre_motion": "dynamic"}
    assert kind_of_folder(tmp_path / "elsewhere") == {"goal": "excite"}


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(MissingResultError, match=r"ckpt\.pt does not exist"):
        adopt_checkpoint(tmp_path, tmp_path)
    save_checkpoint(
        tmp_path,
        param=torch.zeros(1),
        video=torch.zeros(1, 20, 4, 4),
        response=torch.zeros(20),
        step=0,
        mouse="S1",
    )
    with pytest.raises(DataError, match="presentation mask"):
        adopt_checkpoint(tmp_path, tmp_path)
