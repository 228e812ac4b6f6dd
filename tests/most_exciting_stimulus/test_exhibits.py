"""What is shown of stimuli: in order, with responses, on one axis; animations of them."""

import numpy as np
import pytest
from PIL import Image
from scripts import run_script
from stimulus_sets import FRAMES, fill, stimulus, surrounds, witness

from viv1t.errors import MissingResultError
from viv1t.most_exciting_stimulus.exhibits import Choice, read_sets
from viv1t.most_exciting_stimulus.library import read_libraries
from viv1t.most_exciting_stimulus.predict import PAD, predict_libraries
from viv1t.units import GREY


@pytest.fixture
def run(tmp_path):
    """A folder with stimuli of neuron 3 and the population; two were asked."""
    rows = surrounds(3)
    rows.append(stimulus("less", 3, centre="grating", centre_motion="dynamic", value=0.5))
    rows.append(stimulus("full", -1, centre="full_natural", centre_motion="static"))
    fill(tmp_path, "a", rows)
    for asked in (witness(), witness("truth", 0.02)):
        predict_libraries(tmp_path, read_libraries(tmp_path), asked)
    return tmp_path


def test_the_best_of_each_kind_centres_first_the_population_last(run):
    neuron, population = read_sets(run, choice=Choice())
    assert neuron.name == "Mouse S1, neuron 3"
    assert population.name == "Mouse S1, population"
    assert [exhibit.row["stimulus"] for exhibit in neuron.exhibits] == [
        "centre3",
        *(f"{o}_{g}3" for o in ("grating", "natural", "generated") for g in ("excite", "inhibit")),
    ]
    assert [exhibit.is_generated for exhibit in neuron.exhibits] == [False] * 5 + [True] * 2
    everything = next(iter(read_sets(run, choice=Choice(everything=True, neurons=(3,)))))
    assert len(everything.exhibits) == 8
    names = [everything.file_name(exhibit) for exhibit in everything.exhibits]
    assert len(set(names)) == 8
    assert names[0] == "mouseS1_neuron003_grating_centre_video"
    assert population.file_name(population.exhibits[0]) == (
        "mouseS1_population_natural_full_field_image"
    )


def test_responses_and_frames_go_together(run):
    (shown,) = read_sets(run, choice=Choice(neurons=(3,)))
    for exhibit in shown.exhibits:
        assert set(exhibit.traces) == {"run", "truth"}
        np.testing.assert_allclose(exhibit.traces["run"], 0.01 * exhibit.framed[:, 0, 3], rtol=1e-5)
        assert (exhibit.framed[:PAD] == GREY).all()
        np.testing.assert_array_equal(exhibit.framed[PAD : PAD + FRAMES], exhibit.frames)
        pixel = exhibit.frames[:, 0, 3]
        assert exhibit.values["truth"] == pytest.approx((0.02 * pixel.sum(), 0.02 * pixel.max()))
        low, high = shown.limits
        assert low == 0
        assert high > exhibit.traces["truth"].max()
    (alone,) = read_sets(run, choice=Choice(neurons=(3,), responders=("run",)))
    assert alone.limits[1] == pytest.approx(shown.limits[1] / 2)


def test_what_is_not_there_is_said(run):
    with pytest.raises(MissingResultError, match="no stimulus of neurons 9; there are some of"):
        next(read_sets(run, choice=Choice(neurons=(9,))))
    with pytest.raises(MissingResultError, match="ln was not asked"):
        next(read_sets(run, choice=Choice(responders=("ln",))))
    fill(run, "b", [stimulus("x", 5)])
    with pytest.raises(MissingResultError, match="nobody was asked about the library b"):
        list(read_sets(run, choice=Choice()))


def test_animations_show_the_whole_of_a_set(run):
    script = "most_exciting_stimulus/animate_stimuli.py"
    options = ("--output_dir", run, "--neurons", -1, "--verbose", 0)
    assert run_script(script, *options) == 0
    (path,) = (run / "figures" / "most_exciting_stimulus").iterdir()
    assert path.name == "mouseS1_population_natural_full_field_image.gif"
    with Image.open(path) as image:
        assert image.n_frames == FRAMES + 2 * PAD
    assert run_script(script, "--output_dir", run, "--neurons", 9, "--verbose", 0) == 2
