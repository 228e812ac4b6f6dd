"""Contrast held equal, and the best grating of neurons whose tuning is known."""

import numpy as np
import pytest
import torch

from viv1t.data.synthetic.energy import EnergyNeuron, EnergyNeurons
from viv1t.errors import ConfigError, DataError
from viv1t.most_exciting_stimulus.canvas import centre_disc, full_field
from viv1t.most_exciting_stimulus.constraints import mean_luminance, rms_contrast
from viv1t.most_exciting_stimulus.gratings import Grating, GratingSpace, GridConfig, best_grating
from viv1t.most_exciting_stimulus.objective import one_neuron
from viv1t.most_exciting_stimulus.respond import ask_of
from viv1t.most_exciting_stimulus.search import match_contrast
from viv1t.stimuli.aperture import soft_disc
from viv1t.units import DEFAULT_MONITOR, GREY

MONITOR = DEFAULT_MONITOR.with_px(width_px=40, height_px=24)
SMALL = GratingSpace(
    directions_deg=(0, 60, 120, 180, 240, 300), hz=(2.0, 4.0), phases_deg=(0, 180), rounds=2
)
PLACE = (18.0, 11.0)


def neuron(**changes):
    given = {"x_px": PLACE[0], "y_px": PLACE[1], "direction_deg": 60.0, "cpp": 0.12, "cpf": 0.1}
    return EnergyNeuron(**(given | changes))


def best(*neurons, size_deg=70.0, space=SMALL, goal="excite", **options):
    asked = ask_of(EnergyNeurons.of(neurons, frame=(24, 40)), "K", neurons=[0])
    canvas = centre_disc(MONITOR, size_deg=size_deg, centre_px=PLACE)
    found = best_grating(
        asked, one_neuron(0, goal=goal), canvas, MONITOR, space=space, num_frames=20, **options
    )
    return found, asked, canvas


def contrast(frames, region):
    movie, free = torch.from_numpy(frames)[None], torch.from_numpy(np.asarray(region, np.float32))
    return float(rms_contrast(movie, free)), float(mean_luminance(movie, free))


@pytest.mark.parametrize("edge_px", [0.0, 4.0])
@pytest.mark.parametrize(("rms", "mean"), [(5, 127.5), (40, 127.5), (60, 110), (90, 127.5)])
def test_contrast_and_mean_are_as_asked(rms, mean, edge_px):
    frames = np.random.default_rng(0).gamma(2.0, 40, (10, 24, 40)).clip(0, 255).astype(np.float32)
    region = soft_disc(MONITOR, 60, centre_px=PLACE, soft_px=edge_px)
    matched = match_contrast(frames, region, rms, mean)
    found_rms, found_mean = contrast(matched, region)
    assert found_rms == pytest.approx(rms, rel=0.01)
    assert found_mean == pytest.approx(mean, abs=0.01 * rms)
    assert matched.min() >= 0
    assert matched.max() <= 255
    np.testing.assert_array_equal(matched[:, region == 0], frames[:, region == 0])
    again = match_contrast(matched, region, rms, mean)
    np.testing.assert_allclose(again, matched, atol=0.02 * rms)
    # Order is kept: brighter stays brighter.
    inside = region > 0
    order = np.argsort(frames[:, inside], axis=None)
    assert (np.diff(matched[:, inside].ravel()[order]) >= 0).all()


def test_what_has_no_contrast_cannot_be_matched():
    flat = np.full((3, 24, 40), 80.0)
    everywhere = np.ones((24, 40), bool)
    with pytest.raises(DataError, match="one grey value"):
        match_contrast(flat, everywhere, 20)
    with pytest.raises(DataError, match="without pixels"):
        match_contrast(flat, np.zeros((24, 40)), 20)
    dot = flat.copy()
    dot[:, 0, 0] = 200
    with pytest.raises(DataError, match="ask for a lower contrast"):
        match_contrast(dot, everywhere, 120)


def test_a_square_wave_is_black_and_white():
    sine, square = (
        Grating(direction_deg=60, cpd=0.04, hz=2, wave=wave).draw(MONITOR, 6)
        for wave in ("sine", "square")
    )
    assert set(np.unique(square)) == {0.0, 2.0 * GREY}
    np.testing.assert_array_equal(square > GREY, sine >= GREY)


@pytest.mark.parametrize("rms", [None, 30.0])
def test_the_tuning_is_recovered(rms):
    found, asked, canvas = best(neuron(), rms=rms)
    grating = found.grating
    assert abs(grating.direction_deg - 60) <= 10
    assert grating.cpd * MONITOR.deg_per_px == pytest.approx(0.12, rel=0.15)
    assert grating.hz / 30 == pytest.approx(0.1, abs=0.016)
    assert found.value == pytest.approx(found.tried["value"].max(), rel=1e-5)
    shown = torch.from_numpy(found.frames)[None]
    assert float(asked(shown).sum()) == pytest.approx(found.value, rel=1e-5)
    inside = canvas.free > 0
    assert (found.frames[:, ~inside] == GREY).all()
    if rms is None:
        assert grating.wave == "square"
        assert (found.frames.min(), found.frames.max()) == (0, 255)
    else:
        assert contrast(found.frames, canvas.free)[0] == pytest.approx(rms, rel=0.01)
        assert grating.wave == "sine"


def test_no_grating_tried_beats_the_best_at_equal_contrast():
    """Against a dense grid around the truth, which the search does not know."""
    found, asked, canvas = best(neuron(), rms=30.0)
    values = []
    for direction in range(30, 100, 5):
        for cpp in (0.09, 0.1, 0.11, 0.12, 0.13, 0.14):
            grating = Grating(direction_deg=direction, cpd=cpp / MONITOR.deg_per_px, hz=3.0)
            frames = match_contrast(grating.draw(MONITOR, 20), canvas.free, 30.0)
            values.append(float(asked(canvas.show(torch.from_numpy(frames)[None])).sum()))
    assert found.value >= 0.98 * max(values)


def test_a_neuron_without_a_direction_is_driven_by_both():
    for is_directional in (True, False):
        found, _, _ = best(neuron(is_directional=is_directional), rms=30.0)
        grid = found.tried[: len(SMALL.grid())].groupby("direction_deg")["value"].max()
        opposite = grid[(grid.idxmax() + 180) % 360]
        assert (opposite >= 0.97 * grid.max()) == (not is_directional)


def test_inhibiting_and_still_gratings():
    space = GratingSpace(directions_deg=(0, 90, 180, 270), hz=(0.0,), cpds=(0.02, 0.04), rounds=1)
    still, _, _ = best(neuron(), space=space, rms=20.0)
    np.testing.assert_array_equal(still.frames, np.broadcast_to(still.frames[0], (20, 24, 40)))
    lowest, _, _ = best(neuron(suppression=2.0), space=space, rms=20.0, goal="inhibit")
    assert lowest.value == pytest.approx(lowest.tried["value"].min(), rel=1e-5)
    assert lowest.value < still.value
    with pytest.raises(DataError, match="no grating can have"):
        best(neuron(), space=space, rms=160.0)


def test_the_published_grating_takes_every_screen_for_one():
    config = GridConfig(num_frames=4)
    far = DEFAULT_MONITOR.with_px(width_px=64, height_px=36)
    near = type(far)(
        width_cm=51, height_cm=29, distance_cm=20, width_px=far.width_px, height_px=far.height_px
    )
    published = [config.draw(m, 30, 45, as_published=True) for m in (far, near)]
    np.testing.assert_array_equal(*published)
    assert published[0].dtype == np.uint8
    own = [config.draw(m, 30, 45) for m in (far, near)]
    assert np.abs(own[0] - own[1]).max() > 100
    assert np.abs(own[0] - published[0]).max() <= 2
    with pytest.raises(ConfigError, match="--cpd must be positive"):
        GridConfig(cpd=0)
    assert full_field(far).free.all()
