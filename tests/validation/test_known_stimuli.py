"""Tests (a) to (j) of most exciting stimuli, on neurons whose best stimulus is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from viv1t.most_exciting_stimulus.ascent import AscentConfig
from viv1t.most_exciting_stimulus.constraints import HeldContrast
from viv1t.most_exciting_stimulus.parameters import Pixel
from viv1t.units import GREY, Monitor
from viv1t.validation import known_stimuli as known
from viv1t.validation import stimulus_controls as controls

# A part of the screen, with pixels of the same size.
SMALL = Monitor(width_cm=51 / 2, height_cm=29 * 2 / 3, distance_cm=20, width_px=32, height_px=24)
HELD = known.Recipe(name="RMS 30", rms=30.0, config=AscentConfig(num_steps=120))
SHORT = replace(HELD, config=AscentConfig(num_steps=30))
NEURONS = known.known_neurons(SMALL)


@pytest.fixture(scope="module", params=[1, 9])
def found(request: pytest.FixtureRequest):
    case = known.known_case(NEURONS[request.param], SMALL)
    generated = known.make(case, HELD, seeds=(2, 3))
    rows = known.measure(generated, case).assign(**known.grating_values(case, HELD.rms))
    return case, generated, rows


def test_a_tuning_of_the_neuron_is_in_the_stimulus(found):
    _, _, rows = found
    assert (rows["direction_error"] <= 10).all()
    assert rows["sf_ratio"].between(0.85, 1.15).all()
    assert (rows["tf_error"] <= 0.016).all()
    assert (rows["direction_index"] > 0.5).all()


def test_b_energy_lies_on_the_receptive_field(found):
    _, _, rows = found
    assert (rows["centre_error"] <= 2).all()


def test_c_beats_the_best_gratings_of_its_contrast(found):
    _, _, rows = found
    assert (rows["value"] >= 1.3 * rows[["sine", "square"]].max(axis=1)).all()
    assert (rows["value"] >= rows["small"]).all()
    assert (rows["small"] > rows["sine"]).all()


def test_d_converges_and_says_so(found):
    case, generated, rows = found
    assert (rows["last_gain"] < 0.01).all()
    assert generated.converged.all()
    early = known.make(case, replace(HELD, config=AscentConfig(num_steps=10)), seeds=(2,))
    assert not early.converged.any()


def test_g_pixels_outside_the_mask_are_grey(found):
    case, generated, _ = found
    outside = generated.video[..., case.canvas.free == 0]
    assert outside.size > 0
    assert (outside == GREY).all()


def test_h_saved_parameters_give_the_saved_video(found):
    case, generated, _ = found
    pixel = Pixel(shape=(24, 32), num_frames=known.NUM_FRAMES)
    signal = HeldContrast(rms=30.0)(
        pixel.movie(generated.param), torch.from_numpy(case.canvas.free)
    )
    np.testing.assert_array_equal(case.canvas.show(signal).numpy(), generated.video)
    again = [known.value_of(case.asked, movie) for movie in generated.video]
    np.testing.assert_allclose(again, generated.value, rtol=1e-5)
    steps = generated.values[generated.step, np.arange(2)]
    np.testing.assert_allclose(steps, generated.value, rtol=1e-4)


def test_i_contrast_is_that_asked_for(found):
    _, _, rows = found
    assert rows["rms"].to_numpy() == pytest.approx(30, rel=0.01)
    assert rows["low"].min() >= 0
    assert rows["high"].max() <= 255


def test_e_surround_is_found_and_only_where_there_is_one():
    neuron = replace(NEURONS[4], suppression=3.0)
    case = known.known_case(neuron, SMALL)
    field = controls.around_grey(case, SHORT, seeds=(2,))
    assert field["inhibit"] < 0.9 * field["blank"] < field["excite"]
    centre = known.make(case, SHORT, seeds=(2,)).video[0]
    ring = controls.around_centre(case, SHORT, centre, seeds=(2,))
    assert ring["inhibit"] < 0.9 * ring["blank"]
    assert ring["blank"] < ring["excite"]
    blind = known.known_case(replace(neuron, suppression=0.0, reach_px=9.0), SMALL)
    assert SMALL.radius_px(controls.CENTRE_DEG) > 9
    ring = controls.around_centre(blind, SHORT, centre, seeds=(2,))
    assert ring["inhibit"] == ring["blank"] == ring["excite"]


def test_f_direction_is_not_read_off_a_neuron_without_one():
    neuron = replace(NEURONS[4], is_directional=False)
    with_direction, without = (
        controls.signed_direction_indices(known.known_case(n, SMALL), SHORT, seeds=(1, 2, 3, 4))
        for n in (NEURONS[4], neuron)
    )
    assert (with_direction > 0.7).all()
    assert without.min() < 0 < without.max()


def test_j_noise_gains_nothing_on_a_held_out_model():
    gains = controls.held_out_gains(SHORT, seed=0, seeds=(1,))
    assert np.abs(gains).max() < 0.05
