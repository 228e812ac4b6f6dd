"""Mean, spread and exact median of numbers that do not fit into memory."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

MOMENTS: Final = ("mean", "std", "min", "max", "median")
_HALF: Final = 16


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Float32 arrays of one shape: of everything (), or one value a row (rows,).

    The standard deviation is that of the population (divided by the number of samples).
    """

    mean: np.ndarray
    std: np.ndarray
    min: np.ndarray
    max: np.ndarray
    median: np.ndarray

    def select(self, rows: np.ndarray) -> "Moments":
        """The moments of some rows."""
        return Moments(**{name: getattr(self, name)[rows] for name in MOMENTS})


def row_moments(values: np.ndarray) -> Moments:
    """The moments of each row of `values` (rows, samples); NaN for rows that are NaN throughout."""
    result = np.full((len(MOMENTS), len(values)), np.nan, dtype=np.float32)
    for row, samples in enumerate(values):
        if not np.isnan(samples).all():
            mean = samples.mean(dtype=np.float64)
            std = np.sqrt(np.square(samples - mean, dtype=np.float64).mean())
            result[:, row] = mean, std, samples.min(), samples.max(), np.median(samples)
    return Moments(**dict(zip(MOMENTS, result, strict=True)))


def streamed_moments(chunks: Callable[[], Iterable[np.ndarray]]) -> Moments:
    """The moments of all numbers in the float32 arrays that `chunks()` yields, each of shape ().

    The median is exact: a first pass counts the upper halves of the numbers' bit patterns, a
    second the lower halves of those that share the median's upper half.

    Args:
        chunks: called twice; must yield the same finite numbers both times.
    """
    upper = np.zeros(1 << _HALF, dtype=np.int64)
    total = square = 0.0
    low, high = np.inf, -np.inf
    for chunk in chunks():
        upper += np.bincount(_sortable(chunk) >> _HALF, minlength=1 << _HALF)
        total += chunk.sum(dtype=np.float64)
        square += np.square(chunk, dtype=np.float64).sum()
        low, high = min(low, chunk.min()), max(high, chunk.max())
    count = int(upper.sum())
    mean = total / count
    std = np.sqrt(max(square / count - mean * mean, 0.0))
    values = (mean, std, low, high, _median(chunks, upper, count))
    return Moments(**{k: np.array(v, np.float32) for k, v in zip(MOMENTS, values, strict=True)})


def _median(
    chunks: Callable[[], Iterable[np.ndarray]], upper: np.ndarray, count: int
) -> np.float32:
    """The mean of the two middle numbers, whose upper halves are counted in `upper`."""
    ranks = ((count - 1) // 2, count // 2)
    ends = np.cumsum(upper)
    halves = [int(np.searchsorted(ends, rank, side="right")) for rank in ranks]
    lower = {half: np.zeros(1 << _HALF, dtype=np.int64) for half in halves}
    for chunk in chunks():
        keys = _sortable(chunk)
        for half, counts in lower.items():
            inside = keys[(keys >> _HALF) == half] & ((1 << _HALF) - 1)
            counts += np.bincount(inside, minlength=1 << _HALF)
    middle = []
    for rank, half in zip(ranks, halves, strict=True):
        within = rank - (int(ends[half]) - int(upper[half]))
        low = int(np.searchsorted(np.cumsum(lower[half]), within, side="right"))
        middle.append(_number((half << _HALF) | low))
    return np.float32((middle[0] + middle[1]) / 2)


def _sortable(values: np.ndarray) -> np.ndarray:
    """Bit patterns of float32 `values` as 1-D uint32 that sort as the numbers do."""
    bits = np.ascontiguousarray(values, dtype=np.float32).reshape(-1).view(np.uint32)
    return np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))


def _number(key: int) -> float:
    """The float32 number of one sortable bit pattern."""
    bits = key & 0x7FFFFFFF if key >> 31 else ~key & 0xFFFFFFFF
    return float(np.uint32(bits).view(np.float32))
