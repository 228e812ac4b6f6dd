"""Attention rollout: where a transformer looked, by its attention weights alone.

Abnar & Zuidema 2020: each block passes on half of a token and mixes in half of what it attends
to, so the products of all blocks tell how much of each input token reaches each output token.
What this cannot tell: it ignores the sizes of the values that attention moves, what the layers
between do with them, and what the readout uses. See docs/attention.md.
"""

from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from viv1t.errors import ConfigError

FloatArray: TypeAlias = NDArray[np.floating]
Axis: TypeAlias = Literal["space", "time"]

# The fit of attention by lag: it converges within some ten steps.
MAX_STEPS: Final = 500
TOLERANCE: Final = 1e-9


def residual_attention(weights: FloatArray) -> FloatArray:
    """(..., blocks, n, n): the largest weight of any head plus the identity, rows of sum one.

    Args:
        weights: (..., blocks, heads, n, n), queries before keys.
    """
    mixed = weights.max(axis=-3) + np.eye(weights.shape[-1], dtype=weights.dtype)
    return mixed / mixed.sum(axis=-1, keepdims=True)


def rollout(weights: FloatArray) -> FloatArray:
    """(..., n, n): the share of each input token (last axis) in each output token.

    The product of the `residual_attention` of all blocks, the first block rightmost.

    Args:
        weights: (..., blocks, heads, n, n).
    """
    mixed = residual_attention(weights)
    found = mixed[..., 0, :, :]
    for block in range(1, mixed.shape[-3]):
        found = mixed[..., block, :, :] @ found
    return found


def mean_received(weights: FloatArray) -> FloatArray:
    """(..., n): the mean over queries of `rollout`, without its costly products of matrices.

    Args:
        weights: (..., blocks, heads, n, n).
    """
    mixed = residual_attention(weights)
    found = mixed[..., -1, :, :].mean(axis=-2, keepdims=True)
    for block in reversed(range(mixed.shape[-3] - 1)):
        found = found @ mixed[..., block, :, :]
    return found[..., 0, :]


def min_max(values: FloatArray) -> FloatArray:
    """(..., n) stretched to 0..1; zeros where all are equal.

    The published way to show attention over time. It also stretches rounding errors.
    """
    low, high = (f(axis=-1, keepdims=True) for f in (values.min, values.max))
    return (values - low) / np.where(high > low, high - low, 1)


def received_per_query(shares: FloatArray, *, is_causal: bool) -> FloatArray:
    """(n,): what each frame gives to an output frame, mean over those that can see it, times n.

    Under a causal mask frame j is seen by n - j queries; the published mean over all n queries
    favours early frames by construction. 1 is an even share of all frames.

    Args:
        shares: (n, n) rollout, rows of sum one.
        is_causal: whether a frame sees no later one.
    """
    num_frames = len(shares)
    num_queries = np.arange(num_frames, 0, -1) if is_causal else num_frames
    return shares.sum(axis=0) / num_queries * num_frames


def share_by_lag(weights: FloatArray, *, is_causal: bool) -> FloatArray:
    """Weights k of attention that depends on the lag alone, most like `weights`; sum one.

    Row q of such attention is k(q - j) over the frames j that q can see, scaled to the sum of the
    row. The maximum of the likelihood is found by scaling each lag until its sum is right
    (iterative proportional fitting). (2 n - 1,) of lags 1 - n to n - 1; those below 0 are 0 if
    causal.

    Args:
        weights: (n, n) of queries and keys.
        is_causal: whether a frame sees no later one.
    """
    num_frames = len(weights)
    lags, seen = _lags(num_frames, is_causal=is_causal)
    sums, size = weights.sum(axis=1), 2 * num_frames - 1
    observed = np.bincount(lags[seen], weights=weights[seen], minlength=size)
    # Query q sees the lags q to q + n - 1 (counted from 0), of which the causal mask hides some.
    first, last = np.arange(size) - num_frames + 1, np.arange(size) + 1
    first, last = first.clip(0), last.clip(max=num_frames)
    by_lag = np.where(np.bincount(lags[seen], minlength=size) > 0, 1 / size, 0)
    for _ in range(MAX_STEPS):
        upto = np.concatenate([[0], by_lag.cumsum()])
        scales = np.concatenate([[0], (sums / (upto[num_frames:] - upto[:num_frames])).cumsum()])
        fitted = by_lag * (scales[last] - scales[first])
        ratio = np.divide(observed, fitted, out=np.zeros(size), where=fitted > 0)
        change = np.abs(by_lag * (ratio - 1)).max()
        by_lag = by_lag * ratio
        by_lag /= by_lag.sum()
        if change < TOLERANCE:
            break
    return by_lag


def rollout_of_lags(weights: FloatArray, *, is_causal: bool) -> FloatArray:
    """(n, n): the rollout that there would be if attention in each block depended on lag alone.

    Args:
        weights: (blocks, n, n), the largest of any head.
        is_causal: whether a frame sees no later one.
    """
    lags, seen = _lags(weights.shape[-1], is_causal=is_causal)
    of_lags = [
        _of_lags(share_by_lag(block, is_causal=is_causal), lags, seen)
        * block.sum(axis=1, keepdims=True)
        for block in weights
    ]
    return rollout(np.stack(of_lags)[:, None])


def received_beyond_lag(shares: FloatArray, weights: FloatArray, *, is_causal: bool) -> FloatArray:
    """(n,): what each frame gives, over what it would if attention depended on the lag alone.

    1 throughout for attention that no content of a frame attracts: to itself, even, or fading with
    time, in any number of blocks. Of these the published mean and `received_per_query` make slopes.

    Args:
        shares: (n, n) rollout, rows of sum one.
        weights: (blocks, n, n) of which it was made, the largest of any head.
        is_causal: whether a frame sees no later one.
    """
    expected = rollout_of_lags(weights, is_causal=is_causal)
    return shares.sum(axis=0) / expected.sum(axis=0)


class RolloutTally:
    """Rollouts of one movie, taken from its attention some sequences at a time.

    Args:
        as_published: the published summaries, see `results`.
    """

    def __init__(self, *, as_published: bool = False) -> None:
        self.as_published = as_published
        self._places: list[FloatArray] = []
        self._shares: FloatArray | None = None
        self._weights: FloatArray | None = None
        self._num_places = 0
        self._is_causal = False

    def add(self, axis: Axis, weights: FloatArray, *, is_causal: bool) -> None:
        """Take the attention of some frames (space) or of some places (time), in order.

        Args:
            axis: along which tokens attend to one another.
            weights: (s, blocks, heads, n, n) of s sequences.
            is_causal: whether a token sees no later one.
        """
        if axis == "space":
            self._places.append(mean_received(weights))
            return
        shares = rollout(weights).sum(axis=0, dtype=np.float64)
        largest = weights.max(axis=2).sum(axis=0, dtype=np.float64)
        self._shares = shares if self._shares is None else self._shares + shares
        self._weights = largest if self._weights is None else self._weights + largest
        self._num_places += len(weights)
        self._is_causal = is_causal

    def results(self) -> dict[str, FloatArray]:
        """What was found, by name; what the core does not have is left out.

        * spatial_attentions (t, p): mean over queries of the rollout within each frame, times p: 1
          is an even share. Published: not times p.
        * temporal_attentions (t,): `received_beyond_lag`. Published: mean over queries and places,
          `min_max`.
        * temporal_per_query (t,): `received_per_query`, not if published.
        * temporal_lags (2 t - 1,): `share_by_lag`, not if published.
        """
        found: dict[str, FloatArray] = {}
        if self._places:
            places = np.concatenate(self._places)
            even = 1 if self.as_published else places.shape[1]
            found["spatial_attentions"] = places * even
        if self._shares is not None and self._weights is not None:
            weights = self._weights / self._num_places
            shares, kind = self._shares / self._num_places, {"is_causal": self._is_causal}
            if self.as_published:
                found["temporal_attentions"] = min_max(shares.mean(axis=0))
            else:
                found["temporal_attentions"] = received_beyond_lag(shares, weights, **kind)
                found["temporal_per_query"] = received_per_query(shares, **kind)
                found["temporal_lags"] = share_by_lag(shares, **kind)
        return {name: values.astype(np.float32) for name, values in found.items()}


def fold(
    values: FloatArray,
    *,
    frame_shape: tuple[int, int],
    grid: tuple[int, int],
    patch_px: int,
    stride_px: int,
    left_px: int,
    top_px: int,
) -> FloatArray:
    """(..., h, w): each patch painted over its window, overlaps averaged; NaN where none is.

    Args:
        values: (..., p) of the patches, row by row.
        frame_shape: (h, w).
        grid: rows and columns of patches.
        patch_px: edge of a patch.
        stride_px: from one patch to the next.
        left_px: zeros left of the frame that the first column of patches begins with.
        top_px: zeros above it.

    Raises:
        ConfigError: values of another number of patches.
    """
    if values.shape[-1] != grid[0] * grid[1]:
        raise ConfigError(f"expected values of {grid[0]} x {grid[1]} patches, got {values.shape}")
    geometry = {"patch_px": patch_px, "stride_px": stride_px}
    rows = _windows(grid[0], frame_shape[0], before_px=top_px, **geometry)
    columns = _windows(grid[1], frame_shape[1], before_px=left_px, **geometry)
    painted = rows.T @ values.reshape(*values.shape[:-1], *grid) @ columns
    counts = rows.sum(axis=0)[:, None] * columns.sum(axis=0)
    return np.divide(painted, counts, out=np.full(painted.shape, np.nan), where=counts > 0)


def patch_means(
    pixels: FloatArray,
    *,
    frame_shape: tuple[int, int],
    grid: tuple[int, int],
    patch_px: int,
    stride_px: int,
    left_px: int,
    top_px: int,
) -> FloatArray:
    """(..., p): mean of the pixels (..., h, w) of the frame that each patch covers; see `fold`."""
    geometry = {"patch_px": patch_px, "stride_px": stride_px}
    rows = _windows(grid[0], frame_shape[0], before_px=top_px, **geometry)
    columns = _windows(grid[1], frame_shape[1], before_px=left_px, **geometry)
    counts = rows.sum(axis=1)[:, None] * columns.sum(axis=1)
    sums = rows @ pixels @ columns.T
    return (sums / counts).reshape(*pixels.shape[:-2], -1)


def patch_contrast(frames: FloatArray, **geometry: Any) -> FloatArray:  # noqa: ANN401
    """(..., p): standard deviation of the pixels (..., h, w) that each patch covers."""
    mean = patch_means(frames, **geometry)
    square = patch_means(np.square(frames, dtype=float), **geometry)
    return np.sqrt(np.maximum(square - mean**2, 0))


def agreement(one: FloatArray, other: FloatArray) -> float:
    """Spearman correlation over patches, mean over frames; NaN if nothing varies.

    Frames are taken one by one, so that what distinguishes frames does not count.

    Args:
        one: (t, p).
        other: (t, p).
    """
    varies = (np.ptp(one, axis=1) > 0) & (np.ptp(other, axis=1) > 0)
    if not varies.any():
        return float("nan")
    ranks = [rankdata(values[varies], axis=1) for values in (one, other)]
    ranks = [r - r.mean(axis=1, keepdims=True) for r in ranks]
    scale = np.sqrt((ranks[0] ** 2).sum(axis=1) * (ranks[1] ** 2).sum(axis=1))
    return float(((ranks[0] * ranks[1]).sum(axis=1) / scale).mean())


def fold_as_published(values: FloatArray, **geometry: Any) -> FloatArray:  # noqa: ANN401
    """`fold`, then each frame (h, w) divided by its largest value."""
    folded = fold(values, **geometry)
    return folded / np.nanmax(folded, axis=(-2, -1), keepdims=True)


def share_inside(folded: FloatArray, mask: NDArray[np.bool_]) -> FloatArray:
    """(...,): attention in a region over that expected of its area; 1 is an even share.

    Args:
        folded: (..., h, w).
        mask: (h, w), the region.
    """
    inside, whole = np.nanmean(folded[..., mask], axis=-1), np.nanmean(folded, axis=(-2, -1))
    return inside / whole


def _lags(num_frames: int, *, is_causal: bool) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(n, n) number of the lag of each query and key, and whether the query sees the key."""
    lags = np.arange(num_frames)[:, None] - np.arange(num_frames)
    return lags + num_frames - 1, (lags >= 0) | (not is_causal)


def _of_lags(by_lag: FloatArray, lags: NDArray[np.int64], seen: NDArray[np.bool_]) -> FloatArray:
    """(n, n) shares that depend on the lag alone."""
    weights = np.where(seen, by_lag[lags], 0)
    return weights / weights.sum(axis=1, keepdims=True)


def _windows(
    number: int, size: int, *, patch_px: int, stride_px: int, before_px: int
) -> FloatArray:
    """(number, size): one where a window covers a pixel."""
    offset = np.arange(size) + before_px - stride_px * np.arange(number)[:, None]
    return ((offset >= 0) & (offset < patch_px)).astype(float)
