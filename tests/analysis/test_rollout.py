"""Rollout: golden numbers, what it must recover, and no slope where there is none."""

import numpy as np
import pytest
from golden_cases import arrays, facts

from viv1t.analysis.rollout import (
    RolloutTally,
    agreement,
    fold,
    fold_as_published,
    mean_received,
    min_max,
    patch_contrast,
    patch_means,
    received_beyond_lag,
    received_per_query,
    rollout,
    share_by_lag,
    share_inside,
)
from viv1t.errors import ConfigError

N = 12


def of_lag(weights_of_lag, *, is_causal=True):
    """(n, n) attention that depends on the lag alone."""
    q, j = np.mgrid[:N, :N]
    weights = np.where((j <= q) | (not is_causal), weights_of_lag(q - j), 0.0)
    return weights / weights.sum(1, keepdims=True)


NULLS = {
    "itself": np.eye(N),
    "even": of_lag(np.ones_like),
    "fading": of_lag(lambda lag: np.exp(-np.abs(lag) / 2.5)),
    "even, all frames": of_lag(np.ones_like, is_causal=False),
    "fading, all frames": of_lag(lambda lag: np.exp(-np.abs(lag) / 2.5), is_causal=False),
}


def random_attention(*shape, seed=0):
    weights = np.random.default_rng(seed).random(shape) ** 4
    return weights / weights.sum(-1, keepdims=True)


def test_golden_attention():
    golden = arrays("attention", "tuning")
    published = RolloutTally(as_published=True)
    for axis in ("space", "time"):
        for part in np.split(golden["attention"], 2):  # as it comes, some sequences at a time
            published.add(axis, part, is_causal=True)
    found = published.results()
    np.testing.assert_allclose(found["spatial_attentions"], golden["spatial"], rtol=1e-5)
    np.testing.assert_allclose(found["temporal_attentions"], golden["temporal"], atol=1e-5)
    case = facts("attention", "tuning")["fold"]
    left, _, top, *_ = case["pad"]
    patch, stride = case["patch"], case["stride"]
    height, width = case["frame"]
    columns = (width + sum(case["pad"][:2]) - patch) // stride + 1
    folded = fold_as_published(
        golden["patch_attention"],
        frame_shape=(height, width),
        grid=(case["n"] // columns, columns),
        patch_px=patch,
        stride_px=stride,
        left_px=left,
        top_px=top,
    )
    np.testing.assert_allclose(folded, golden["folded"], rtol=1e-5)


def test_golden_rollout_of_the_model():
    golden = arrays("modules", "model")
    attention = golden["rollout/attention"]
    np.testing.assert_allclose(rollout(attention[0]), golden["rollout/single"], rtol=1e-5)
    np.testing.assert_allclose(mean_received(attention), golden["rollout/spatial"], rtol=1e-5)
    temporal = min_max(rollout(attention).mean(axis=(0, 1)))
    np.testing.assert_allclose(temporal, golden["rollout/temporal"], atol=1e-5)


def test_the_mean_over_queries_needs_no_products_of_matrices():
    attention = random_attention(3, 4, 2, N, N)
    np.testing.assert_allclose(mean_received(attention), rollout(attention).mean(axis=-2))


@pytest.mark.parametrize("as_published", [False, True])
def test_identity_attention_of_one_head_is_uniform(as_published):
    tally = RolloutTally(as_published=as_published)
    identity = np.broadcast_to(np.eye(N, dtype=np.float32), (5, 3, 1, N, N))
    tally.add("space", identity, is_causal=False)
    tally.add("time", identity, is_causal=True)
    found = tally.results()
    even = np.float32(1 / N if as_published else 1)
    np.testing.assert_array_equal(found["spatial_attentions"], np.full((5, N), even))
    assert np.ptp(found["temporal_attentions"]) == 0


@pytest.mark.parametrize("place", [0, 4, N - 1])
@pytest.mark.parametrize("as_published", [False, True])
def test_attention_to_one_patch_has_its_maximum_there(place, as_published):
    one_hot = np.zeros((2, 3, 1, N, N))
    one_hot[..., place] = 1
    tally = RolloutTally(as_published=as_published)
    tally.add("space", one_hot, is_causal=False)
    values = tally.results()["spatial_attentions"]
    assert (values.argmax(axis=1) == place).all()
    others = np.delete(values, place, axis=1)
    assert np.ptp(others) == 0
    assert others.max() < values[:, place].min()


def in_blocks(weights, depth):
    """The same attention in each of some blocks, with one head."""
    return np.broadcast_to(weights, (depth, 1, *weights.shape))


@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("frame", [1, 4, 8])
def test_a_frame_that_all_later_ones_look_at_stands_out(frame, depth):
    for name in ("itself", "even", "fading"):
        weights = NULLS[name].copy()
        weights[frame:] *= 0.5
        weights[frame:, frame] += 0.5
        blocks = in_blocks(weights, depth)
        beyond = received_beyond_lag(rollout(blocks), blocks[:, 0], is_causal=True)
        assert beyond.argmax() == frame
        assert beyond[frame] > 1.2


@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("name", NULLS)
def test_no_frame_stands_out_where_only_the_lag_matters(name, depth):
    blocks, is_causal = in_blocks(NULLS[name], depth), "all" not in name
    beyond = received_beyond_lag(rollout(blocks), blocks[:, 0], is_causal=is_causal)
    np.testing.assert_allclose(beyond, 1, atol=2e-3)


def test_lags_are_recovered():
    by_lag = share_by_lag(NULLS["fading"], is_causal=True)
    expected = np.exp(-np.arange(N) / 2.5)
    np.testing.assert_allclose(by_lag[N - 1 :], expected / expected.sum(), rtol=1e-3)
    assert (by_lag[: N - 1] == 0).all()


def test_what_the_other_means_make_of_the_mask():
    """Slopes that are no property of any frame: why neither of the two is the default."""
    published = NULLS["even"].mean(axis=0)
    assert published[0] > 10 * published[-1]
    per_query = received_per_query(NULLS["even"], is_causal=True)
    assert per_query[0] / per_query[-1] < published[0] / published[-1] / 3
    itself = received_per_query(NULLS["itself"], is_causal=True)
    assert itself[-1] == pytest.approx(N * itself[0])


def test_order_of_frames_moves_with_them():
    """Later frames or other places of the same attention: results move, or stay."""
    attention = random_attention(4, 2, 2, N, N)
    order = np.random.default_rng(1).permutation(N)
    moved = attention[..., order, :][..., order]
    np.testing.assert_allclose(mean_received(moved), mean_received(attention)[..., order])
    shares = rollout(attention).mean(axis=0)
    shuffled = rollout(attention[[2, 0, 3, 1]]).mean(axis=0)
    np.testing.assert_allclose(shares, shuffled)


GEOMETRY = {"frame_shape": (9, 12), "grid": (3, 4), "patch_px": 3, "stride_px": 3}


def test_fold_paints_every_patch_where_it_was_cut():
    values = np.arange(12.0)
    folded = fold(values, **GEOMETRY, left_px=0, top_px=0)
    np.testing.assert_array_equal(folded, np.kron(values.reshape(3, 4), np.ones((3, 3))))


def test_fold_averages_overlaps_and_leaves_uncovered_pixels_empty():
    values = np.array([1.0, 3.0])
    options = {"grid": (1, 2), "patch_px": 4, "stride_px": 2, "top_px": 0}
    folded = fold(values, frame_shape=(4, 8), **options, left_px=0)
    np.testing.assert_array_equal(folded[0], [1, 1, 2, 2, 3, 3, np.nan, np.nan])
    padded = fold(values, frame_shape=(4, 4), **options, left_px=1)
    np.testing.assert_array_equal(padded[0], [1, 2, 2, 3])
    with pytest.raises(ConfigError, match="1 x 2 patches"):
        fold(np.ones(3), frame_shape=(4, 8), **options, left_px=0)


def test_share_inside_a_region():
    mask = np.zeros((4, 6), dtype=bool)
    mask[1:3, 2:4] = True
    assert share_inside(np.ones((5, 4, 6)), mask) == pytest.approx(np.ones(5))
    assert share_inside(mask.astype(float), mask) == pytest.approx(mask.size / mask.sum())


def test_patch_means_undo_a_fold():
    values = np.random.default_rng(0).random((5, 12))
    geometry = {**GEOMETRY, "left_px": 0, "top_px": 0}
    np.testing.assert_allclose(patch_means(fold(values, **geometry), **geometry), values)
    assert patch_contrast(fold(values, **geometry), **geometry).max() < 1e-6
    noise = np.random.default_rng(1).normal(0, 2, (5, 9, 12))
    expected = noise.reshape(5, 3, 3, 4, 3).std(axis=(2, 4)).reshape(5, 12)
    np.testing.assert_allclose(patch_contrast(noise, **geometry), expected)


def test_agreement_of_what_agrees_and_of_what_does_not():
    rng = np.random.default_rng(0)
    one, other = rng.random((2, 400, 30))
    assert agreement(one, np.exp(one)) == pytest.approx(1)
    assert agreement(one, -one) == pytest.approx(-1)
    assert abs(agreement(one, other)) < 0.03
    both_vary = np.arange(400)[:, None] * 10.0  # frames that differ as a whole do not agree
    assert abs(agreement(one + both_vary, other + both_vary)) < 0.03
    assert np.isnan(agreement(one, np.ones_like(one)))
