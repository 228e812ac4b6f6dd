"""Gaussian dots and flashed images: found in movies, and in responses to them."""

import numpy as np
import pytest
from golden_cases import GOLDEN

from viv1t.analysis.dots import (
    dot_features,
    dot_images,
    published_dot_features,
    published_sta,
    spatial_selectivity,
    spatial_tuning,
)
from viv1t.analysis.flashing import image_numbers, image_runs
from viv1t.analysis.gaussian_fit import gaussian_2d
from viv1t.data.synthetic.stimuli import Request, flashed_images, gaussian_dots

SHAPE = (36, 64)


def request(num_frames=150, seed=0):
    numbers = [np.random.default_rng(seed + i) for i in range(2)]
    return Request(number=0, num_frames=num_frames, frame=SHAPE, own=numbers[0], shared=numbers[1])


def test_dots_of_a_movie_are_placed_within_a_pixel_and_have_their_polarity():
    shown = gaussian_dots(request(300))
    dots = dot_features(shown.frames)
    first = dots["frame"].to_numpy()
    for name in ("x_px", "y_px", "radius_px"):
        true = shown.parameters[name][first]
        assert np.abs(dots[name] - true).max() < (0.75 if name != "radius_px" else 1)
    np.testing.assert_array_equal(dots["is_black"], shown.parameters["black"][first])
    assert dots["num_frames"].between(8, 9).iloc[:-1].all()


def test_a_dot_that_the_frame_cuts_off_keeps_its_centre_and_grey_has_none():
    movie = np.full((6, *SHAPE), 127.0)
    movie[:3] += gaussian_2d(SHAPE, (100, 1.2, 17, 5, 5, 0, 0))
    dots = dot_features(movie)
    assert dots["x_px"][0] == pytest.approx(1.2, abs=0.2)
    assert dots["num_frames"].tolist() == [3, 3]
    assert np.isnan(dots["x_px"][1])
    assert published_dot_features(movie[:1])[0, 0] > 2  # half of it is missing


def test_golden_dots_and_triggered_average():
    golden = np.load(GOLDEN / "tuning" / "gaussian_dots.npz")
    np.testing.assert_array_equal(published_dot_features(golden["video"]), golden["params"])
    dots = dot_features(golden["video"])
    assert np.abs(dots[["x_px", "y_px"]] - golden["truth"][:, :2]).max(axis=None) < 0.75
    np.testing.assert_array_equal(dots["is_black"], golden["truth"][:, 3])
    golden = np.load(GOLDEN / "tuning" / "sta_ssi.npz")
    halves = [(golden["responses"][:, part], golden["video"][part]) for part in ([0, 1], [2, 3])]
    np.testing.assert_allclose(published_sta(halves), golden["sta"], rtol=1e-5)


def test_coordinates_of_the_spatial_selectivity_belong_to_their_pixels():
    """science.md b5, trap 7: a narrow field is more selective, and axes are not exchanged."""
    maps = np.stack([gaussian_2d(SHAPE, (10, 40, 12, s, s, 0, 0)) for s in (2, 4, 8)])
    found = spatial_selectivity(maps, floor=0.0, deg_per_px=1.0)
    expected = -np.log(np.array([2.0, 4.0, 8.0]) ** 4)
    np.testing.assert_allclose(found[:2], expected[:2], atol=0.1)
    assert found[0] > found[1] > found[2]
    smaller_pixels = spatial_selectivity(maps, floor=0.0, deg_per_px=0.5)
    np.testing.assert_allclose(smaller_pixels - found, np.log(16), atol=1e-6)
    assert np.isnan(spatial_selectivity(np.zeros((1, *SHAPE)), floor=1.0, deg_per_px=1.0)).all()


def seen_dots(num=90, num_cells=20, gain=1.0, late=3):
    """Traces (n, k, w) of cells with known centres to dots, and the dots drawn."""
    rng = np.random.default_rng(4)
    places = rng.uniform((10, 8), (54, 28), (num_cells, 2))
    movies = [gaussian_dots(request(seed=7 * i)).frames for i in range(num // 18 + 1)]
    dots = [dot_features(movie).iloc[:18] for movie in movies]
    images = np.concatenate([dot_images(part, SHAPE) for part in dots])[:num]
    fields = np.stack([gaussian_2d(SHAPE, (1, x, y, 2, 2, 0, 0)) for x, y in places])
    drive = gain * np.einsum("nhw,khw->nk", fields, images) / 25
    trace = rng.gamma(4, 0.25, (num_cells, num, 18)) * 0.2
    trace[:, :, late : late + 8] += drive[:, :, None]
    return trace, images, places


def test_spatial_tuning_finds_place_and_latency():
    trace, images, places = seen_dots()
    table, maps = spatial_tuning(trace, images, on=8, deg_per_px=3.37, rng=np.random.default_rng(0))
    assert maps.shape == (20, *SHAPE)
    assert table["latency_frames"].eq(3).all()
    assert table["bad_fit"].mean() <= 0.1
    errors = np.hypot(*(table[["x_px", "y_px"]].to_numpy() - places).T)
    assert np.nanmedian(errors) < 1.5  # dots are 4 to 9 px in radius, and there are 90
    assert table["x_se_px"].max() < 2


def test_cells_that_do_not_see_dots_have_no_spatial_tuning():
    trace, images, _ = seen_dots(num_cells=40, gain=0.0)
    table, _ = spatial_tuning(trace, images, on=8, deg_per_px=3.37, rng=np.random.default_rng(0))
    assert table["bad_fit"].mean() >= 0.95


def test_flashed_images_are_told_apart_and_recognised():
    movies = [flashed_images(request(seed=seed)) for seed in (0, 5)]
    shown = [movies[i].frames for i in (0, 1, 0)]
    for as_published in (False, True):
        found = list(image_numbers(shown, as_published=as_published))
        np.testing.assert_array_equal(found[0], found[2])
        for numbers, movie in zip(found, [movies[i].parameters for i in (0, 1)], strict=False):
            np.testing.assert_array_equal(numbers == -1, movie["image"] == -1)
            pairs = set(zip(numbers, movie["image"], strict=True))
            assert len(pairs) == len(np.unique(numbers)) == len(np.unique(movie["image"]))
        assert not set(found[0]) & set(found[1]) - {-1}


def test_a_uniform_picture_is_an_image_but_not_as_published():
    movie = np.full((40, *SHAPE), 127.0)
    movie[10:20] = 200
    movie[20:30] = np.arange(64)
    (found,) = image_numbers([movie])
    (published,) = image_numbers([movie], as_published=True)
    assert [found[i] for i in (5, 15, 25, 35)] == [-1, 0, 1, -1]
    assert [published[i] for i in (5, 15, 25, 35)] == [-1, -1, 0, -1]
    assert image_runs(found)["num_frames"].tolist() == [10, 10, 10, 10]


def test_golden_flashing():
    golden = np.load(GOLDEN / "tuning" / "flashing.npz")
    for as_published in (True, False):
        found = image_numbers([golden["video0"], golden["video1"]], as_published=as_published)
        for numbers, name in zip(found, ("ids0", "ids1"), strict=True):
            np.testing.assert_array_equal(numbers, golden[name])
