"""Movies are natural-like and of the right brightness; stimuli show the stored parameters."""

import numpy as np
import pytest
from scipy import fft

from viv1t.data.synthetic.movies import FAMILIES, natural_movie, phase_scramble, to_grey, unit
from viv1t.data.synthetic.stimuli import DIRECTIONS, FREQUENCIES, STIMULI, WAVELENGTHS, Request
from viv1t.units import GREY

FRAME = (36, 64)


def shown(kind, *, number=0, num_frames=150, seed=3):
    request = Request(
        number=number,
        num_frames=num_frames,
        frame=FRAME,
        own=np.random.default_rng([seed, number]),
        shared=np.random.default_rng(seed),
    )
    return STIMULI[kind](request)


@pytest.fixture(scope="module")
def movies():
    return [natural_movie(75, FRAME, np.random.default_rng(seed)) for seed in range(24)]


def test_brightness_is_that_of_the_recordings(movies):
    grey = np.stack(movies)
    assert grey.dtype == np.uint8
    assert 70 < grey.mean() < 90
    assert 48 < grey.std() < 66
    assert len({movie.tobytes() for movie in movies}) == len(movies)


def test_no_movie_is_a_grating(movies):
    """No pair of spatiotemporal frequencies holds much of the power, as it does in a grating."""

    def largest_share(movie):
        power = np.abs(fft.fftn(movie - movie.mean(axis=(1, 2), keepdims=True))) ** 2
        return power.max() / power.sum()

    x = np.arange(64)[None, None]
    grating = np.broadcast_to(np.cos(x * 0.8 + np.arange(75)[:, None, None] * 0.4), (75, *FRAME))
    assert max(largest_share(movie) for movie in movies) < 0.12
    assert largest_share(grating) > 0.3


@pytest.mark.parametrize("family", FAMILIES)
def test_families_move_and_have_more_power_at_low_frequencies(family):
    signal = FAMILIES[family](40, FRAME, np.random.default_rng(5))
    assert signal.shape == (40, *FRAME)
    assert np.abs(np.diff(signal, axis=0)).mean() > 0.01 * signal.std()
    power = (np.abs(fft.rfft(unit(signal), axis=2)) ** 2).mean((0, 1))
    assert power[1:6].mean() > 1.5 * power[20:].mean()


def test_phase_scrambling_keeps_the_spectrum_only():
    rng = np.random.default_rng(0)
    signal = FAMILIES["dead_leaves"](30, FRAME, rng)
    scrambled = phase_scramble(signal, rng)
    np.testing.assert_allclose(
        np.abs(fft.rfftn(scrambled))[1:15, 1:18, 1:-1],
        np.abs(fft.rfftn(signal))[1:15, 1:18, 1:-1],
        rtol=0.05,
        atol=2.0,
    )
    assert abs(np.corrcoef(scrambled.ravel(), signal.ravel())[0, 1]) < 0.5


def test_moving_patches_separate_centre_from_surround():
    signal = FAMILIES["moving_patches"](75, FRAME, np.random.default_rng(0))
    energy = np.abs(np.diff(signal, axis=0))
    centre, ring = energy[:, 15:21, 29:35].mean((1, 2)), energy[:, 15:21, 45:51].mean((1, 2))
    assert np.corrcoef(centre, ring)[0, 1] < 0.6


def test_gabors_have_their_wavelength_direction_and_frequency():
    for number in range(2):
        stimulus = shown("drifting_gabor", number=number)
        table = stimulus.parameters
        for start in range(0, 150, 25):
            block = stimulus.frames[start : start + 25] - 127.5
            values = {name: table[name][start] for name in table}
            assert all((table[name][start : start + 25] == values[name]).all() for name in table)
            size = (96, 72, 128)
            power = np.abs(fft.fftn(block, s=size))
            ft, fy, fx = np.unravel_index(power.argmax(), size)
            step = np.array(
                [fft.fftfreq(size[0])[ft] * 24, fft.fftfreq(size[1])[fy], fft.fftfreq(size[2])[fx]]
            )
            step = step if step[0] > 0 else -step
            unit_px = np.array([35 / 2, 63 / (2 * 64 / 36)])
            cycles = np.hypot(*(step[1:] * unit_px))
            angle = np.degrees(np.arctan2(-step[1] * unit_px[0], step[2] * unit_px[1])) % 360
            turned = (angle - values["direction_deg"] + 180) % 360 - 180
            assert abs(turned) < 15
            assert cycles == pytest.approx(1 / values["wavelength"], rel=0.2, abs=0.3)
            assert step[0] == pytest.approx(64 * values["frequency"], abs=0.4)


def test_gabor_conditions_are_complete_and_balanced():
    tables = [shown("drifting_gabor", number=i, num_frames=300).parameters for i in range(6)]
    names = ("direction_deg", "wavelength", "frequency")
    conditions = np.concatenate([np.stack([t[n][::25] for n in names], 1) for t in tables])
    assert len(np.unique(conditions, axis=0)) == len(conditions) == 72
    half = conditions[:40, 0]
    assert [int((half == d).sum()) for d in DIRECTIONS] == [5] * 8
    assert set(conditions[:, 1]) == set(WAVELENGTHS)
    assert set(conditions[:, 2]) == set(FREQUENCIES)


def test_dots_are_where_the_table_says():
    stimulus = shown("gaussian_dots")
    table = stimulus.parameters
    changes = np.flatnonzero(np.diff(table["x_px"])) + 1
    assert set(np.diff(changes)) == {8, 9}
    rows, columns = np.mgrid[:36, :64]
    for t in range(0, 150, 9):
        signal = stimulus.frames[t].astype(float) - GREY
        weight = np.abs(signal) > np.abs(signal).max() / 2
        assert (signal[weight].mean() < 0) == bool(table["black"][t])
        assert columns[weight].mean() == pytest.approx(table["x_px"][t], abs=0.75)
        assert rows[weight].mean() == pytest.approx(table["y_px"][t], abs=0.75)
        assert np.sqrt(weight.sum() / np.pi) == pytest.approx(table["radius_px"][t], abs=0.75)


@pytest.mark.parametrize("kind", ["random_dot_kinematogram", "directional_pink_noise"])
def test_motion_follows_its_direction(kind):
    errors = []
    for number in range(4):
        stimulus = shown(kind, number=number)
        for start in range(0, 150, 30):
            angle = np.radians(stimulus.parameters["direction_deg"][start])
            block = stimulus.frames[start : start + 30].astype(float) - stimulus.frames.mean()
            power = np.abs(fft.fftn(block)) ** 2
            ft, fy, fx = np.meshgrid(*(fft.fftfreq(n) for n in block.shape), indexing="ij")
            along = np.cos(angle) * fx - np.sin(angle) * fy
            drift = ft * along
            errors.append((power * drift).sum() / (power * np.abs(drift)).sum())
    assert np.mean(np.array(errors) > 0.1) > 0.9


def test_images_flash_between_grey():
    stimulus = shown("image", number=1, num_frames=300)
    image = stimulus.parameters["image"]
    assert (stimulus.frames[image == -1] == GREY).all()
    edges = np.flatnonzero(np.diff(image)) + 1
    runs = np.split(np.arange(300), edges)[1:-1]
    for run in runs:
        frames = stimulus.frames[run]
        assert (frames == frames[0]).all()
        shows = image[run[0]] >= 0
        assert len(run) in ((16, 17) if shows else range(12, 19))
        assert (frames[0].std() > 20) == shows
    assert len({image[run[0]] for run in runs} - {-1}) == sum(image[run[0]] >= 0 for run in runs)
    other = shown("image", number=2, num_frames=300).parameters["image"]
    assert not set(other[other >= 0]) & set(image[image >= 0])


def test_grey_levels_stay_within_a_byte():
    extreme = to_grey(np.array([-100.0, 0.0, 100.0]))
    assert extreme[0] == 0
    assert extreme[2] == 255
