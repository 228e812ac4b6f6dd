"""Gratings, discs and noise are what they are asked to be, on every screen."""

import math

import numpy as np
import pandas as pd
import pytest

from viv1t.experiments.stimuli import StimulusSet
from viv1t.stimuli.aperture import compose, disc, visible_share
from viv1t.stimuli.grating import drifting_grating
from viv1t.stimuli.noise import white_noise
from viv1t.units import DEFAULT_MONITOR, Monitor

FAR_MONITOR = Monitor(width_cm=51.0, height_cm=29.0, distance_cm=20.0)
MONITORS = (DEFAULT_MONITOR, FAR_MONITOR)
# direction -> pixels that bars move in x (right) and y (down)
STEPS = {0: (-1, 0), 45: (-1, 1), 90: (0, 1), 135: (1, 1)}
STEPS |= {180: (1, 0), 225: (1, -1), 270: (0, -1), 315: (-1, -1)}
PADDED = 1024


def spatial_peak(frame):
    """(x, y) in cycles/pixel of the strongest spatial frequency of an image."""
    height, width = frame.shape
    window = np.hanning(height)[:, None] * np.hanning(width)
    power = np.abs(np.fft.fft2((frame - frame.mean()) * window, (PADDED, PADDED))) ** 2
    y, x = np.unravel_index(power.argmax(), power.shape)
    return np.fft.fftfreq(PADDED)[[x, y]]


@pytest.mark.parametrize("monitor", MONITORS, ids=["sensorium", "rochefort"])
@pytest.mark.parametrize("direction_deg", [0, 45, 90, 120])
@pytest.mark.parametrize("cpd", [0.04, 0.08])
def test_spatial_frequency(monitor, direction_deg, cpd):
    found = []
    for phase in (0, 90):  # the mirrored peak pulls one way at one phase, the other at the next
        frame = drifting_grating(
            monitor, direction_deg=direction_deg, num_frames=1, cpd=cpd, phase_deg=phase
        )[0]
        found.append(np.hypot(*spatial_peak(frame)) / monitor.deg_per_px)
    assert np.mean(found) == pytest.approx(cpd, rel=0.03)
    x, y = spatial_peak(frame)
    angle = math.degrees(math.atan2(-y, x)) % 180
    assert abs((angle - direction_deg + 90) % 180 - 90) < 3


@pytest.mark.parametrize("hz", [1.0, 2.0, 4.0])
def test_temporal_frequency(hz):
    movie = drifting_grating(DEFAULT_MONITOR, direction_deg=30, num_frames=30, hz=hz)
    power = np.abs(np.fft.rfft(movie - movie.mean(axis=0), axis=0)) ** 2
    assert power.sum(axis=(1, 2)).argmax() == hz  # 30 frames are a second


@pytest.mark.parametrize("direction_deg", STEPS)
def test_bars_move_where_the_direction_says(direction_deg):
    dx, dy = STEPS[direction_deg]
    per_px = 0.05 * DEFAULT_MONITOR.deg_per_px
    movie = drifting_grating(
        DEFAULT_MONITOR,
        direction_deg=direction_deg,
        num_frames=4,
        cpd=0.05,
        hz=per_px * math.hypot(dx, dy) * 30,
        phase_deg=40,
    )
    moved = np.roll(movie[:-1], (dy, dx), axis=(1, 2))
    np.testing.assert_allclose(movie[1:, 2:-2, 2:-2], moved[:, 2:-2, 2:-2], atol=1e-3)
    backwards = np.roll(movie[:-1], (-dy, -dx), axis=(1, 2))
    assert np.abs(movie[1:] - backwards)[:, 2:-2, 2:-2].max() > 50


@pytest.mark.parametrize("contrast", [0.0, 0.05, 0.5, 1.0])
def test_contrast_is_around_grey(contrast):
    movie = drifting_grating(
        FAR_MONITOR, direction_deg=0, num_frames=30, contrast=contrast, phase_deg=90
    )
    assert movie.dtype == np.float32
    np.testing.assert_allclose(movie.mean(axis=0), 127, atol=1e-4)
    assert movie.max() <= 127 * (1 + contrast)
    assert movie.min() >= 127 * (1 - contrast)
    assert movie.max() - movie.min() == pytest.approx(2 * 127 * contrast, rel=0.02)


def test_periods_are_equal_bit_for_bit():
    movie = drifting_grating(DEFAULT_MONITOR, direction_deg=77, num_frames=40, hz=2.0)
    np.testing.assert_array_equal(movie[:25], movie[15:])
    assert (movie[0] != movie[7]).any()
    odd = drifting_grating(DEFAULT_MONITOR, direction_deg=77, num_frames=40, hz=math.pi)
    assert len(np.unique(odd[:, 5, 5])) == 40


def test_the_phase_is_that_of_the_middle():
    for phase, value in ((0, 254), (90, 127), (180, 0)):
        movie = drifting_grating(DEFAULT_MONITOR, direction_deg=45, num_frames=1, phase_deg=phase)
        assert movie[0, 18, 32] == pytest.approx(value, abs=1e-3)


@pytest.mark.parametrize("monitor", MONITORS, ids=["sensorium", "rochefort"])
@pytest.mark.parametrize("size_deg", [20, 30, 40, 60])
def test_discs_have_the_area_of_their_size(monitor, size_deg):
    area = disc(monitor, size_deg, centre_px=(31.3, 17.6)).sum()
    radius_cm = monitor.distance_cm * math.tan(math.radians(size_deg / 2))
    assert area == pytest.approx(math.pi * (radius_cm / monitor.cm_per_px) ** 2, rel=0.05)


def test_discs_without_a_centre_are_in_the_middle():
    for centre in (None, (math.nan, 3.0)):
        mask = disc(DEFAULT_MONITOR, 30, centre_px=centre)
        np.testing.assert_array_equal(mask, disc(DEFAULT_MONITOR, 30, centre_px=(32, 18)))
    assert not disc(DEFAULT_MONITOR, 0).any()


def test_the_visible_share_of_a_disc():
    assert visible_share(DEFAULT_MONITOR, 30) == 1
    assert visible_share(DEFAULT_MONITOR, 0) == 1
    assert visible_share(DEFAULT_MONITOR, 60, centre_px=(0, 18)) == pytest.approx(0.5, abs=0.05)
    assert visible_share(DEFAULT_MONITOR, 60, centre_px=(0, 0)) == pytest.approx(0.25, abs=0.05)
    assert visible_share(DEFAULT_MONITOR, 20, centre_px=(-30, 0)) == 0


def test_centre_and_surround_meet_at_the_mask():
    centre = drifting_grating(DEFAULT_MONITOR, direction_deg=90, num_frames=2)
    surround = drifting_grating(DEFAULT_MONITOR, direction_deg=0, num_frames=2)
    mask = disc(DEFAULT_MONITOR, 30)
    movie = compose(mask, centre, surround)
    np.testing.assert_array_equal(movie[:, mask], centre[:, mask])
    np.testing.assert_array_equal(movie[:, ~mask], surround[:, ~mask])
    np.testing.assert_array_equal(compose(mask, centre, centre), centre)
    assert (compose(mask, 127, surround)[:, mask] == 127).all()


def test_only_what_the_monitor_concerns_changes_with_it():
    """Order, phases, blanks and contrast stay; size and spatial frequency in pixels follow."""
    conditions = pd.DataFrame({"direction_deg": [0.0, 90.0], "size_deg": [30.0, 30.0]})

    def stimuli(monitor):
        def render(condition, rng):
            phase = rng.uniform(0, 360)
            grating = drifting_grating(
                monitor, direction_deg=condition["direction_deg"], num_frames=30, phase_deg=phase
            )
            return compose(disc(monitor, condition["size_deg"]), grating, 127)

        return StimulusSet(conditions=conditions, render=render, repeats=2)

    near, far = (stimuli(monitor) for monitor in MONITORS)
    pd.testing.assert_frame_equal(near.schedule(3), far.schedule(3))
    first, second = (s.trial(s.schedule(3), 3, (36, 64)) for s in (near, far))
    shown = (first != 127).any(axis=(1, 2))
    np.testing.assert_array_equal(shown, (second != 127).any(axis=(1, 2)))
    np.testing.assert_array_equal(first[:, 18, 32], second[:, 18, 32])  # the phases
    places = [(movie != 127).any(axis=0).sum() for movie in (first, second)]
    ratio = (FAR_MONITOR.radius_px(30) / DEFAULT_MONITOR.radius_px(30)) ** 2
    assert places[1] / places[0] == pytest.approx(ratio, rel=0.08)


def test_noise_is_white_and_a_function_of_its_number():
    images = white_noise(3, range(400), (9, 16))
    assert images.dtype == np.float32
    assert 0 <= images.min() < 0.001 < 0.999 < images.max() < 1
    assert images.mean() == pytest.approx(0.5, abs=0.005)
    assert images.var() == pytest.approx(1 / 12, rel=0.02)
    neighbours = np.corrcoef(images[:, :, :-1].ravel(), images[:, :, 1:].ravel())[0, 1]
    assert abs(neighbours) < 0.02
    np.testing.assert_array_equal(white_noise(3, [7, 2], (9, 16)), images[[7, 2]])
    assert (white_noise(4, [7], (9, 16)) != images[7]).mean() > 0.99
