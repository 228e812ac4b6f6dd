"""Similarity of neighbours: planted lengths recovered, flat where nothing was planted."""

import numpy as np
import pytest

from viv1t.analysis.similarity import (
    Bins,
    Pairs,
    fit_decay,
    similarity_by_distance,
    similarity_matrix,
)

ANGLES = np.radians(np.arange(8) * 45.0)
LENGTH_UM = 40.0
FEW = {"num_bootstraps": 20, "num_permutations": 20, "min_distance_um": 0.0}


def cells(num: int, *, clustered: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Positions (n, 3) in one plane of 615 µm, and cosine curves (n, 8).

    Clustered: preferences are the phase of a random field with correlation exp(-d / 40 µm), for a
    fifth of the cells any (salt and pepper).
    """
    rng = np.random.default_rng(seed)
    position = np.column_stack([rng.uniform(0, 615, (num, 2)), np.full(num, 200.0)])
    preferred = rng.uniform(0, 2 * np.pi, num)
    if clustered:
        waves = rng.normal(size=(2000, 2)) / np.abs(rng.normal(size=(2000, 1))) / LENGTH_UM
        phases = np.exp(2j * np.pi * rng.uniform(size=2000)) * rng.normal(size=2000)
        smooth = np.angle(np.exp(1j * position[:, :2] @ waves.T) @ phases)
        preferred = np.where(rng.uniform(size=num) < 0.8, smooth, preferred)
    return position, 1 + np.cos(ANGLES - preferred[:, None])


def test_planted_length_is_recovered():
    lengths = []
    for seed in range(2):
        position, curves = cells(1500, clustered=True, seed=seed)
        found = similarity_by_distance(position, curves, curves, **FEW, seed=seed)
        (fit,) = found.fits.to_dict("records")
        lengths.append(fit["length_um"])
        assert fit["slope_per_100um_high"] < 0
        assert fit["p_slope"] <= 0.05
        assert found.bins["p"].iloc[0] <= 0.05
    assert np.mean(lengths) == pytest.approx(LENGTH_UM, rel=0.3)


def test_salt_and_pepper_is_flat():
    position, curves = cells(1500, clustered=False)
    found = similarity_by_distance(position, curves, curves, **FEW)
    (fit,) = found.fits.to_dict("records")
    assert fit["slope_per_100um_low"] < 0 < fit["slope_per_100um_high"]
    assert fit["p_slope"] > 0.05
    np.testing.assert_allclose(found.bins["similarity"], found.bins["chance"], atol=0.08)


def test_noise_shared_by_neighbours_is_no_similarity():
    rng = np.random.default_rng(1)
    shared = rng.normal(size=(2, 1, 8))
    a, b = (rng.normal(size=(300, 8)) + shared[i] for i in range(2))
    pairs = np.triu_indices(300, 1)
    assert similarity_matrix(a, a)[pairs].mean() > 0.3
    assert (
        abs(similarity_matrix(a, b)[pairs].mean() - float(np.corrcoef(*shared[:, 0])[0, 1])) < 0.5
    )
    independent = rng.normal(size=(2, 300, 8))
    assert abs(similarity_matrix(*independent)[pairs].mean()) < 0.02


def test_bins_are_named_by_their_centres():
    position = np.array([[0, 0, 200], [10, 0, 200], [0, 30, 225], [0, 0, 300], [400, 0, 200.0]])
    pairs = Pairs.of(position)
    assert len(pairs.first) == 6
    table = Bins.of(pairs).table
    assert table[["depth_um", "distance_um", "num_pairs"]].to_numpy().tolist() == [
        [0, 12.5, 1],
        [25, 37.5, 2],
        [75, 12.5, 2],
        [75, 37.5, 1],
    ]
    # Two cells above each other may be one cell that was seen twice.
    assert len(Pairs.of(position, min_distance_um=10.0).first) == 5


def test_decay_of_an_exact_exponential():
    distance = np.arange(12.5, 175, 25)
    amplitude, length, offset, slope = fit_decay(
        distance, 0.3 * np.exp(-distance / 50) + 0.1, np.ones(7)
    )
    assert (amplitude, length, offset) == pytest.approx((0.3, 50, 0.1), rel=0.03)
    assert slope < 0
    assert np.isnan(fit_decay(distance[:2], np.ones(2), np.ones(2))[:3]).all()


def test_order_of_neurons_does_not_matter():
    position, curves = cells(200, clustered=True)
    order = np.random.default_rng(2).permutation(200)
    first = similarity_by_distance(position, curves, curves, **FEW)
    second = similarity_by_distance(position[order], curves[order], curves[order], **FEW)
    np.testing.assert_allclose(first.bins["similarity"], second.bins["similarity"], atol=1e-6)


def test_too_few_pairs_have_no_slope():
    position = np.array([[0, 0, 200], [5, 0, 200], [300, 300, 225.0], [310, 300, 225]])
    curves = 1 + np.cos(ANGLES - np.arange(4)[:, None])
    fits = similarity_by_distance(position, curves, curves, **FEW).fits
    assert fits[["slope_per_100um", "p_slope", "length_um"]].isna().all(axis=None)
