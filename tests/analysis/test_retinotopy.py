"""Receptive fields: what is there is found, with its uncertainty; noise is not."""

import numpy as np
import pytest
from golden_cases import GOLDEN, facts

from viv1t.analysis.gaussian_fit import (
    PARAMETERS,
    fit_gaussians,
    gaussian_2d,
    null_peak,
    smoothed_peaks,
)
from viv1t.analysis.retinotopy import (
    NoiseMaps,
    centre_errors,
    fit_energy_maps,
    fit_noise_maps,
    noise_maps,
)
from viv1t.analysis.retinotopy_published import COLUMNS, as_receptive_fields, published_fit

SHAPE = (36, 64)


def noise(n, seed=0):
    return np.random.default_rng(seed).standard_normal((n, *SHAPE)).astype(np.float32)


def blobs(n, *, height, seed=1):
    """Gaussians of known place, one a map, of either sign."""
    rng = np.random.default_rng(seed)
    place = rng.uniform((5, 5), (58, 30), (n, 2))
    sigma = rng.uniform(1.5, 4, (n, 2))
    theta, sign = rng.uniform(-1.5, 1.5, n), rng.choice([-1, 1], n)
    parameters = np.column_stack([sign * height, place, sigma, theta, np.zeros(n)])
    return np.stack([gaussian_2d(SHAPE, p) for p in parameters]), parameters


def gabors(n, *, height, seed=2):
    """Gabors of sigma 2.4 px and any phase, and their centres."""
    rng = np.random.default_rng(seed)
    place = rng.uniform((8, 8), (55, 27), (n, 2))
    angle, phase = rng.uniform(0, np.pi, n), rng.uniform(0, 2 * np.pi, n)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    maps = []
    for (x0, y0), turn, shift in zip(place, angle, phase, strict=True):
        along = np.cos(turn) * (x - x0) + np.sin(turn) * (y - y0)
        envelope = np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / (2 * 2.4**2))
        maps.append(height * envelope * np.cos(0.95 * along + shift))
    return np.stack(maps), place


def test_a_fit_recovers_the_gaussian_without_noise():
    maps, true = blobs(20, height=8)
    found, residual = fit_gaussians(maps, smoothed_peaks(maps))
    values = found[list(PARAMETERS)].to_numpy()
    np.testing.assert_allclose(values[:, :3], true[:, :3], atol=1e-3)
    # a Gaussian turned by 90 degrees with its axes swapped is the same
    np.testing.assert_allclose(np.sort(values[:, 3:5]), np.sort(true[:, 3:5]), atol=1e-3)
    assert np.abs(residual).max() < 1e-2
    assert found["r2"].min() > 0.999


def test_standard_errors_of_the_centre_are_those_of_repeated_noise():
    maps, true = blobs(1, height=6)
    repeated = maps + noise(150)
    found, _ = fit_gaussians(repeated, smoothed_peaks(repeated))
    for axis, column in (("x", 1), ("y", 2)):
        distance = found[f"{axis}_px"] - true[0, column]
        assert np.std(distance) == pytest.approx(found[f"{axis}_se_px"].mean(), rel=0.25)
        assert abs(distance.mean()) < 0.1


def test_fits_stay_in_the_frame_and_within_sizes():
    maps = noise(40) + np.stack([gaussian_2d(SHAPE, (9, -3, 18, 30, 30, 0, 0))] * 40)
    found, _ = fit_gaussians(maps, smoothed_peaks(maps))
    assert found["x_px"].between(0, 63).all()
    assert found["y_px"].between(0, 35).all()
    assert found[["sigma_x_px", "sigma_y_px"]].stack().between(0.7, 20).all()
    assert found["theta_rad"].between(-np.pi / 2, np.pi / 2).all()


def test_maps_of_noise_are_rejected():
    maps = NoiseMaps(sta=noise(300, 3), second_moment=noise(300, 4))
    table = fit_noise_maps(maps, rng=np.random.default_rng(0))
    assert table["bad_fit"].mean() >= 0.95
    assert table.loc[table["bad_fit"], ["x_px", "sigma_x_px", "x_se_px"]].isna().all(axis=None)


def test_the_null_has_its_level_whatever_the_seed():
    threshold = null_peak(SHAPE, level=0.05, rng=np.random.default_rng(5))
    share = (smoothed_peaks(noise(2000, 6)).z > threshold).mean()
    assert 0.03 < share < 0.07


def test_a_blob_a_gabor_and_a_complex_cell_are_each_found_by_their_map():
    blob, true_blob = blobs(10, height=8)
    gabor, centre = gabors(10, height=12)
    energy, true_energy = blobs(10, height=8, seed=9)
    energy, true_energy = np.abs(energy), np.abs(true_energy)
    nothing = np.zeros((10, *SHAPE))
    maps = NoiseMaps(
        sta=np.concatenate([blob, gabor, nothing]) + noise(30, 7),
        second_moment=np.concatenate([nothing, nothing, energy]) + noise(30, 8),
    )
    table = fit_noise_maps(maps, rng=np.random.default_rng(1))
    assert not table["bad_fit"].any()
    kinds = table["method"].to_numpy().reshape(3, 10)
    assert (kinds[0] == "sta").sum() >= 9
    assert (kinds[1] == "sta_energy").sum() >= 9
    assert (kinds[2] == "second_moment").all()
    true = np.concatenate([true_blob[:, 1:3], centre, true_energy[:, 1:3]])
    errors = np.hypot(*(table[["x_px", "y_px"]].to_numpy() - true).T)
    assert np.median(errors) < 0.3
    assert errors.max() < 1.5
    # the sigma is that of the envelope, in all three
    sigma = np.sqrt(table["sigma_x_px"] * table["sigma_y_px"]).to_numpy()
    envelope = np.sqrt(true_energy[:, 3] * true_energy[:, 4]) * np.sqrt(2)
    np.testing.assert_allclose(np.median(sigma[10:20]), 2.4, rtol=0.15)
    np.testing.assert_allclose(sigma[20:], envelope, rtol=0.35)


def test_shifted_maps_have_shifted_centres_and_scaled_responses_the_same():
    rng = np.random.default_rng(0)
    images = rng.random((1500, 16, 20), dtype=np.float32)
    filters = np.stack(
        [gaussian_2d((16, 20), (1, x, y, 1.5, 2, 0.3, 0)) for x, y in ((8, 6), (10, 9), (13, 5))]
    )
    responses = np.einsum("bhw,nhw->bn", images - 0.5, filters) + rng.normal(0, 0.3, (1500, 3))

    def table_of(images, responses):
        v = images - 0.5
        q = v**2 - 1 / 12
        sums = {
            "num_images": len(images),
            "r": responses.sum(0),
            "rr": (responses**2).sum(0),
            "v": v.sum(0),
            "q": q.sum(0),
            "rv": np.einsum("bn,bhw->nhw", responses, v),
            "rq": np.einsum("bn,bhw->nhw", responses, q),
        }
        return fit_noise_maps(noise_maps(**sums), rng=np.random.default_rng(0))

    plain = table_of(images, responses)
    shifted = table_of(np.roll(images, (2, 3), axis=(1, 2)), responses)
    scaled = table_of(images, 10 * responses + 100)
    order = rng.permutation(len(images))
    shuffled = table_of(images[order], responses[order])
    wrong = [table_of(rng.permutation(images), responses)["bad_fit"] for _ in range(10)]
    assert not plain["bad_fit"].any()
    for name, step in (("x_px", 3), ("y_px", 2)):
        np.testing.assert_allclose(shifted[name], plain[name] + step, atol=0.1)
        for same in (scaled, shuffled):
            np.testing.assert_allclose(same[name], plain[name], atol=1e-2)
    assert np.mean(wrong) >= 0.9


def test_the_mean_of_responses_does_not_leak_into_centred_maps():
    """science.md b5, trap 1: the published sum correlates all neurons, the covariance none."""
    rng = np.random.default_rng(0)
    images = rng.random((1000, 12, 14), dtype=np.float32) - np.float32(0.5)
    responses = 10 + rng.normal(0, 1, (1000, 8))
    q = images**2 - 1 / 12
    rv, rq = (np.einsum("bn,bhw->nhw", responses, f) for f in (images, q))
    maps = noise_maps(
        num_images=1000,
        r=responses.sum(0),
        rr=(responses**2).sum(0),
        v=images.sum(0),
        q=q.sum(0),
        rv=rv,
        rq=rq,
    )
    between = np.corrcoef(maps.sta.reshape(8, -1))[np.triu_indices(8, 1)]
    published = np.corrcoef(rv.reshape(8, -1))[np.triu_indices(8, 1)]
    assert np.abs(between).max() < 0.35
    assert published.min() > 0.9
    assert maps.sta.std() == pytest.approx(1, abs=0.05)
    assert maps.second_moment.std() == pytest.approx(1, abs=0.05)


def test_a_neuron_that_never_responds_is_bad_and_not_an_error():
    zero = np.zeros((2, *SHAPE))
    maps = noise_maps(
        num_images=10,
        r=np.array([0.0, 5.0]),
        rr=np.array([0.0, 2.5]),
        v=np.zeros(SHAPE),
        q=np.zeros(SHAPE),
        rv=zero,
        rq=zero,
    )
    table = fit_noise_maps(maps, rng=np.random.default_rng(0))
    assert table["bad_fit"].all()
    assert fit_energy_maps(zero)["bad_fit"].all()


def test_errors_count_good_fits_only():
    maps, true = blobs(6, height=10)
    table = fit_noise_maps(
        NoiseMaps(sta=maps + noise(6), second_moment=noise(6, 1)), rng=np.random.default_rng(0)
    )
    table.loc[2, "bad_fit"] = True
    errors = centre_errors(
        table, x_px=true[:, 1], y_px=true[:, 2], sigma_px=np.sqrt(true[:, 3] * true[:, 4])
    )
    assert errors["neuron"].tolist() == [0, 1, 3, 4, 5]
    assert errors["error_px"].max() < 1
    assert errors["sigma_ratio"].between(0.7, 1.3).all()


def test_golden_gaussian_and_published_fit():
    case, golden = facts("arf", "tuning"), np.load(GOLDEN / "tuning" / "arf.npz")
    found = gaussian_2d(SHAPE, case["gaussian2d_params"])
    np.testing.assert_allclose(found, golden["gaussian2d"], rtol=1e-12)
    maps = golden["arfs"][:, 0].astype(np.float32)
    fits = published_fit(maps)
    np.testing.assert_array_equal(fits["bad_fit"], golden["bad_fit"])
    good = ~golden["bad_fit"]
    values, expected = fits.loc[good, list(COLUMNS)].to_numpy(), golden["fit"][good]
    np.testing.assert_allclose(values[:, 1:3], expected[:, 1:3], atol=0.5)
    np.testing.assert_allclose(np.abs(values[:, 3:5]), np.abs(expected[:, 3:5]), rtol=0.15)
    assert published_fit(maps[:10])["bad_fit"].all() == case["n10_all_bad_fit"]
    table = as_receptive_fields(fits)
    assert table["method"].eq("published").all()
    np.testing.assert_array_equal(table["x_px"], fits["center_x"])
    # what is published as good may lie far beyond the frame; the default never does
    outside = ~fits.loc[good, "center_x"].between(-0.5, 63.5)
    assert outside.any()
    signed = (maps - maps.mean((1, 2), keepdims=True)) / maps.std((1, 2), keepdims=True)
    table = fit_noise_maps(
        NoiseMaps(sta=signed, second_moment=noise(len(maps))), rng=np.random.default_rng(0)
    )
    kept = ~table["bad_fit"].to_numpy()
    assert kept.mean() >= 0.8
    true = golden["truth"][kept]
    errors = np.hypot(*(table.loc[kept, ["x_px", "y_px"]].to_numpy() - true[:, 1:3]).T)
    assert np.median(errors) < 0.5
