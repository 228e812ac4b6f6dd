"""The population behaves as its table of true parameters says."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from viv1t.data.synthetic import Population

PLAIN = {"w_iso": 0.0, "w_cross": 0.0, "w_untuned": 0.0, "w_feedback": 0.0, "w_facilitation": 0.0}


def test_prefers_its_true_direction(truth, gratings):
    selective = truth.assign(direction_selectivity=1.0, **PLAIN)
    directions = np.arange(0, 360, 15)
    curves = gratings.tuning(selective, directions)
    vector = (curves * np.exp(1j * np.radians(directions))[:, None]).sum(0)
    error = np.angle(vector * np.exp(-1j * np.radians(truth["direction_deg"].to_numpy())))
    assert np.degrees(np.abs(error)).max() < 15


def test_direction_selectivity_is_monotone(truth, gratings):
    table = truth.assign(**PLAIN, orientation_selectivity=1.0, exponent=1.0, half_saturation=1.0)
    own = Population(table)
    both = [
        np.diagonal(
            gratings.respond(own, [gratings.movie(d + turn) for d in table["direction_deg"]])
        )
        for turn in (0, 180)
    ]
    index = (both[0] - both[1]) / (both[0] + both[1])
    assert spearmanr(index, table["direction_selectivity"]).statistic > 0.9


@pytest.mark.parametrize(
    ("key", "option", "values"),
    [
        ("sf_cpd", "sf", np.geomspace(0.015, 0.12, 25)),
        ("tf_hz", "tf", np.geomspace(0.5, 8, 25)),
    ],
)
def test_prefers_its_true_frequency(truth, gratings, key, option, values):
    table = truth.iloc[:12].assign(**PLAIN, direction_deg=90.0, half_saturation=1.0)
    movies = [gratings.movie(90, **{option: value}) for value in values]
    best = values[gratings.respond(Population(table), movies).argmax(0)]
    assert np.median(np.abs(np.log2(best / table[key]))) < 0.35
    assert spearmanr(best, table[key]).statistic > 0.8


def test_simple_cells_are_modulated_by_phase_and_complex_cells_are_not(centred):
    table = centred.iloc[:2].assign(
        **PLAIN,
        simple_fraction=[0.0, 1.0],
        direction_deg=0.0,
        direction_selectivity=1.0,
        orientation_selectivity=1.0,
        tf_hz=2.0,
        sf_cpd=0.04,
        half_saturation=1.0,
        latency_frames=1,
        exponent=1.0,
        phase_deg=0.0,
        baseline=0.0,
    )
    x = np.arange(64) - 32
    wave = np.cos(2 * np.pi * (0.04 * 3.3711 * x + 2 * np.arange(75)[:, None] / 30))
    movie = np.repeat(127 + 127 * wave[:, None], 36, axis=1)
    rate = Population(table)(torch.from_numpy(movie).float()[None, None])[0, :, 30:]
    modulation = (rate.amax(1) - rate.amin(1)) / rate.mean(1)
    assert modulation[1] > 2 > 0.8 > modulation[0]


def test_iso_surround_suppresses_more_than_cross(centred, gratings):
    table = centred.assign(w_feedback=0.0, w_facilitation=0.0, direction_deg=90.0)
    centre, inside = gratings.movie(90), gratings.disc(9)
    surrounds = (127.0, gratings.movie(90), gratings.movie(0))
    alone, iso, cross = gratings.respond(
        Population(table), [gratings.masked(inside, centre, s) for s in surrounds]
    )
    assert (iso < cross).mean() > 0.9
    assert spearmanr(alone / iso, table["w_iso"]).statistic > 0.9


def test_flip_cells_and_only_they_prefer_the_iso_surround_at_low_contrast(centred, gratings):
    table = centred.assign(w_feedback=0.0, direction_deg=90.0)
    population, inside = Population(table), gratings.disc(9)
    prefers_iso = {}
    for contrast in (0.05, 1.0):
        iso, cross = (
            gratings.masked(
                inside, gratings.movie(90, contrast=contrast), gratings.movie(d, contrast=contrast)
            )
            for d in (90, 0)
        )
        rates = gratings.respond(population, [iso, cross])
        prefers_iso[contrast] = rates[0] > rates[1]
    flips = (table["w_facilitation"] > 0).to_numpy()
    found = prefers_iso[0.05] & ~prefers_iso[1.0]
    assert 0.1 < flips.mean() < 0.6
    assert (found == flips).mean() > 0.9


def test_feedback_answers_a_hole_later_than_the_centre(centred, gratings):
    table = centred.assign(direction_deg=90.0, w_facilitation=0.0, baseline=0.0)
    hole, full = gratings.masked(~gratings.disc(8), gratings.movie(90)), gratings.movie(90)
    centre = gratings.masked(gratings.disc(6), gratings.movie(90))
    has = (table["w_feedback"] > 0).to_numpy()
    inverse, classical = gratings.respond(Population(table), [hole, full])
    assert (inverse[has] > classical[has]).mean() > 0.9
    assert (inverse[~has] < 0.1 * classical[~has]).all()

    grey = np.full((10, 36, 64), 127.0)
    population = Population(table[has].assign(smoothing_frames=0.01))
    onsets = []
    for movie in (centre, hole):
        frames = torch.from_numpy(np.concatenate([grey, movie])).float()[None, None]
        rate = population(frames)[0]
        onsets.append((rate > 0.25 * rate.amax(1, keepdim=True)).float().argmax(1).numpy())
    late = table[has]["feedback_latency_frames"] - table[has]["latency_frames"]
    assert (late == 3).all()
    assert 2 <= np.median(onsets[1] - onsets[0]) <= 5


def test_running_and_a_wide_pupil_raise_the_gain_as_the_table_says(truth):
    table = truth.assign(dilation=30.0, dilation_sd=4.0, smoothing_frames=0.01)
    population = Population(table)
    movie = torch.rand(1, 1, 30, 36, 64, generator=torch.Generator().manual_seed(0)) * 255
    states = torch.tensor([[30.0, 0.0], [30.0, 2.0], [34.0, 0.0]])[:, :, None].expand(3, 2, 30)
    still, run, wide = (population(movie, behaviors=s[None])[0] for s in states)
    gain = torch.tensor(table[["running_gain", "pupil_gain"]].to_numpy(), dtype=torch.float32)
    torch.testing.assert_close(run, still * (1 + gain[:, :1] / 2))
    torch.testing.assert_close(wide, still * (1 + gain[:, 1:]))


def test_the_eye_moves_the_receptive_fields(truth):
    table = truth.assign(gaze_x_px=0.5, gaze_y_px=-0.25, pupil_x=10.0, pupil_y=20.0)
    movie = torch.rand(1, 1, 20, 36, 64, generator=torch.Generator().manual_seed(0)) * 255
    pupil = torch.tensor([14.0, 12.0])[:, None].expand(1, 2, 20)
    moved = torch.roll(movie, shifts=(-2, -2), dims=(3, 4))
    central = np.flatnonzero(
        table["rf_x_px"].between(26, 38) & table["rf_y_px"].between(14, 22)
    ).tolist()
    drive = {"w_iso": 0.0, "w_cross": 0.0, "w_untuned": 0.0, "w_feedback": 0.0}
    local = Population(table.assign(**drive, w_facilitation=0.0))
    seen, expected = local(movie, pupil_centers=pupil), local(moved)
    torch.testing.assert_close(seen[:, central], expected[:, central], rtol=2e-2, atol=1e-3)
    assert (local(movie) - expected)[:, central].abs().max() > 0.1


def test_responses_up_to_a_frame_do_not_depend_on_later_ones(truth):
    population = Population(truth)
    movie = torch.rand(2, 1, 40, 36, 64, generator=torch.Generator().manual_seed(0)) * 255
    changed = movie.clone()
    changed[:, :, 25:] = 255 - changed[:, :, 25:]
    first, second = population(movie), population(changed)
    assert torch.equal(first[:, :, :25], second[:, :, :25])
    assert not torch.equal(first[:, :, 27:], second[:, :, 27:])


def test_gradients_reach_the_video_inside_the_receptive_field(truth):
    table = truth.iloc[:1].assign(rf_x_px=40.0, rf_y_px=12.0, w_feedback=0.0)
    movie = torch.rand(1, 1, 30, 36, 64, generator=torch.Generator().manual_seed(0)) * 255
    movie.requires_grad_()
    Population(table)(movie)[0, 0, -1].backward()
    power = movie.grad[0, 0].square().sum(0).numpy()
    y, x = np.unravel_index(power.argmax(), power.shape)
    assert np.hypot(x - 40, y - 12) < 6
    assert np.isfinite(power).all()
