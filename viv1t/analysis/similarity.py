"""Whether neurons that are near each other are tuned alike (after Ringach et al. 2016)."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import trange

from viv1t.analysis.tuning_curves import FloatArray

MAX_DISTANCE_UM: Final = 175.0
STEP_UM: Final = 25.0
DEPTH_STEP_UM: Final = 50.0
# Lengths that the exponential fit tries, and how much two correlations can differ.
_LENGTHS_UM: Final = tuple(np.geomspace(5, 500, 140).tolist())
_MAX_AMPLITUDE: Final = 2.0


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of neurons of one mouse.

    Attributes:
        first: (m,) row of one neuron.
        second: (m,) row of the other.
        distance_um: (m,) in the plane of the cortex.
        depth_um: (m,) difference in depth.
        num_neurons: that the rows are of.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    distance_um: FloatArray
    depth_um: FloatArray
    num_neurons: int

    @classmethod
    def of(
        cls,
        position_um: FloatArray,
        *,
        max_distance_um: float = MAX_DISTANCE_UM,
        min_distance_um: float = 0.0,
    ) -> "Pairs":
        """All pairs closer than `max_distance_um` in the plane.

        Pairs in different planes that are closer than `min_distance_um` may be one neuron seen
        twice and are left out.

        Args:
            position_um: (n, 3) x, y, z.
            max_distance_um: of the pairs.
            min_distance_um: of pairs in different planes.
        """
        position = np.asarray(position_um, dtype=float)
        n = len(position)
        chosen: list[tuple[NDArray[np.int64], ...]] = []
        for row in range(n - 1):  # one row at a time: n² numbers would not fit for 8,000 neurons
            gap = np.abs(position[row + 1 :] - position[row])
            distance = np.hypot(gap[:, 0], gap[:, 1])
            kept = distance < max_distance_um
            kept &= (gap[:, 2] == 0) | (distance >= min_distance_um)
            others = np.flatnonzero(kept)
            chosen.append((np.full(len(others), row), others + row + 1))
        first, second = (
            np.concatenate([pair[i] for pair in chosen]) if chosen else np.zeros(0, np.int64)
            for i in range(2)
        )
        gap = np.abs(position[first] - position[second])
        return cls(first, second, np.hypot(gap[:, 0], gap[:, 1]), gap[:, 2], n)


def similarity_matrix(half_a: FloatArray, half_b: FloatArray) -> NDArray[np.float32]:
    """(n, n) signal correlations that noise shared by neighbours cannot raise.

    One neuron's curve comes from one half of the presentations, the other's from the other half;
    mean of both ways round.

    Args:
        half_a: (n, d) curves of one half of the presentations.
        half_b: (n, d) of the other; the same array again for curves free of noise.
    """
    first, second = (_standardised(np.asarray(x, dtype=float)) for x in (half_a, half_b))
    cross = first @ second.T
    return ((cross + cross.T) / 2).astype(np.float32)


def _standardised(curves: FloatArray) -> FloatArray:
    centred = curves - curves.mean(1, keepdims=True)
    norm = np.linalg.norm(centred, axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(norm > 0, centred / norm, np.nan)


@dataclass(frozen=True, eq=False)
class Bins:
    """Which bin of distance and depth each pair is in.

    Attributes:
        of_pair: (m,) number of the bin.
        table: one row a bin: depth_um, distance_um (centres), mean_distance_um, num_pairs.
    """

    of_pair: NDArray[np.int64]
    table: pd.DataFrame

    @classmethod
    def of(cls, pairs: Pairs, *, step_um: float = STEP_UM) -> "Bins":
        """Bins of distance [0, 25), [25, 50), ... µm within steps of depth, named by their centres.

        Depths: the same plane (0), then (0, 50] as 25, (50, 100] as 75, and so on.

        Args:
            pairs: of neurons.
            step_um: width of the bins of distance.
        """
        across = np.floor(pairs.distance_um / step_um).astype(int)
        down = np.ceil(pairs.depth_um / DEPTH_STEP_UM).astype(int)
        keys, of_pair = np.unique(np.column_stack([down, across]), axis=0, return_inverse=True)
        of_pair = of_pair.ravel()
        counts = np.bincount(of_pair, minlength=len(keys))
        total = np.bincount(of_pair, weights=pairs.distance_um, minlength=len(keys))
        depth = np.where(keys[:, 0] == 0, 0.0, (keys[:, 0] - 0.5) * DEPTH_STEP_UM)
        table = pd.DataFrame(
            {
                "depth_um": depth,
                "distance_um": (keys[:, 1] + 0.5) * step_um,
                "mean_distance_um": total / counts,
                "num_pairs": counts,
            }
        )
        return cls(of_pair, table)

    def mean(self, values: NDArray[np.floating], weights: FloatArray | None = None) -> FloatArray:
        """(bins,) weighted mean of one value a pair; NaN values do not count."""
        weights = np.ones(len(values)) if weights is None else weights
        known = np.isfinite(values)
        weights = np.where(known, weights, 0.0)
        size = len(self.table)
        total = np.bincount(self.of_pair, weights=weights, minlength=size)
        summed = np.bincount(
            self.of_pair, weights=weights * np.where(known, values, 0), minlength=size
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(total > 0, summed / total, np.nan)


@dataclass(frozen=True, kw_only=True)
class Similarity:
    """How similarity falls with distance.

    Attributes:
        bins: one row a depth and distance: depth_um, distance_um, mean_distance_um, num_pairs,
            similarity, low, high (95 %, bootstrap over neurons), p (that neurons whose curves
            change places within their plane are as similar, upper tail), chance (mean of those).
        fits: one row a depth: depth_um, amplitude, length_um, offset of
            amplitude exp(-distance / length_um) + offset; slope_per_100um of a straight line; of
            length, amplitude and slope also _low and _high; p_slope (permutation, two-sided).
        num_neurons: that were compared.
    """

    bins: pd.DataFrame
    fits: pd.DataFrame
    num_neurons: int


def similarity_by_distance(
    position_um: FloatArray,
    half_a: FloatArray,
    half_b: FloatArray,
    *,
    num_bootstraps: int = 200,
    num_permutations: int = 200,
    min_distance_um: float = 10.0,
    seed: int = 0,
    progress: bool = False,
) -> Similarity:
    """Similarity of tuning against distance in the plane, for each step of depth.

    Pairs share neurons and are not independent: neurons, not pairs, are drawn again. An amplitude
    or slope whose interval holds 0 means that nothing falls.

    Args:
        position_um: (n, 3) x, y, z.
        half_a: (n, d) curves of one half of the presentations.
        half_b: (n, d) curves of the other half.
        num_bootstraps: of the intervals.
        num_permutations: of neurons within their plane.
        min_distance_um: closer pairs in different planes are left out, see `Pairs.of`.
        seed: of bootstraps and permutations.
        progress: show a progress bar.
    """
    position = np.asarray(position_um, dtype=float)
    matrix = similarity_matrix(half_a, half_b)
    pairs = Pairs.of(position, min_distance_um=min_distance_um)
    bins = Bins.of(pairs)
    rng = np.random.default_rng(seed)
    observed = bins.mean(matrix[pairs.first, pairs.second])
    depths = bins.table["depth_um"].to_numpy()
    fits = _fits(bins, observed, depths)
    drawn, drawn_fits = [], []
    for _ in trange(num_bootstraps, desc="bootstrap", disable=not progress):
        counts = np.bincount(rng.integers(0, len(position), len(position)), minlength=len(position))
        weights = (counts[pairs.first] * counts[pairs.second]).astype(float)
        means = bins.mean(matrix[pairs.first, pairs.second], weights)
        drawn.append(means)
        drawn_fits.append(_fits(bins, means, depths))
    shuffled, slopes = [], []
    plane = position[:, 2]
    grouped = np.argsort(plane, kind="stable")
    for _ in trange(num_permutations, desc="permutations", disable=not progress):
        order = np.empty(len(position), np.int64)
        order[grouped] = np.lexsort((rng.random(len(position)), plane))
        means = bins.mean(matrix[order[pairs.first], order[pairs.second]])
        shuffled.append(means)
        slopes.append(_fits(bins, means, depths)[:, 3])
    table = bins.table.assign(similarity=observed)
    table["low"], table["high"] = _interval(np.array(drawn))
    null = np.array(shuffled)
    table["chance"] = null.mean(0)
    table["p"] = _share_as_large(observed, null)
    columns = ("amplitude", "length_um", "offset", "slope_per_100um")
    fitted = pd.DataFrame(fits, columns=list(columns))
    low, high = _interval(np.array(drawn_fits))
    for place, name in enumerate(columns):
        fitted[f"{name}_low"], fitted[f"{name}_high"] = low[:, place], high[:, place]
    fitted["p_slope"] = _share_as_large(np.abs(fits[:, 3]), np.abs(slopes))
    fitted.insert(0, "depth_um", np.unique(depths))
    return Similarity(bins=table, fits=fitted, num_neurons=len(position))


def _share_as_large(observed: FloatArray, null: FloatArray) -> FloatArray:
    """(k + 1) / (n + 1) of n permutations (n, ...); those without a value count as large."""
    smaller = np.sum(null < observed * (1 - 1e-10 * np.sign(observed)), axis=0)
    p = (1 + len(null) - smaller) / (1 + len(null))
    return np.where(np.isnan(observed), np.nan, p)


def _interval(draws: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Ends of the 95 % interval along the first axis; draws that are NaN do not count."""
    known = np.where(np.isnan(draws).all(0), 0.0, draws)
    low, high = np.nanquantile(known, (0.025, 0.975), axis=0)
    return tuple(np.where(np.isnan(draws).all(0), np.nan, end) for end in (low, high))  # type: ignore[return-value]


def _fits(bins: Bins, means: FloatArray, depths: FloatArray) -> FloatArray:
    """(number of depths, 4): amplitude, length_um, offset, slope_per_100um."""
    distance = bins.table["mean_distance_um"].to_numpy()
    counts = bins.table["num_pairs"].to_numpy(float)
    rows = []
    for depth in np.unique(depths):
        here = (depths == depth) & np.isfinite(means)
        rows.append(fit_decay(distance[here], means[here], counts[here]))
    return np.array(rows)


def fit_decay(
    distance_um: FloatArray, similarity: FloatArray, weights: FloatArray
) -> tuple[float, float, float, float]:
    """Amplitude, length_um, offset of the best exponential decay, and the slope of a line.

    Least squares, lengths 5 to 500 µm, amplitudes -2 to 2. NaN with fewer than four points
    (three parameters), slopes with fewer than two.

    Args:
        distance_um: (k,) distances.
        similarity: (k,) means.
        weights: (k,) of the points, for example their numbers of pairs.
    """
    nothing = (np.nan, np.nan, np.nan)
    if len(distance_um) < 2:
        return (*nothing, np.nan)
    share = weights / weights.sum()
    slope = _regression(distance_um[None] / 100, similarity, share)[0]
    if len(distance_um) < 4:
        return (*nothing, float(slope[0]))
    decays = np.exp(-distance_um / np.array(_LENGTHS_UM)[:, None])
    amplitudes, offsets, errors = _regression(decays, similarity, share)
    errors = np.where(np.abs(amplitudes) <= _MAX_AMPLITUDE, errors, np.inf)
    best = int(np.argmin(errors))
    return float(amplitudes[best]), _LENGTHS_UM[best], float(offsets[best]), float(slope[0])


def _regression(
    x: FloatArray, y: FloatArray, share: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Slope, intercept and mean squared error (r,) of y (k,) on each row of x (r, k)."""
    mean_x, mean_y = x @ share, float(y @ share)
    dx, dy = x - mean_x[:, None], y - mean_y
    covariance = (dx * dy) @ share
    slope = covariance / (dx**2 @ share)
    return slope, mean_y - slope * mean_x, float(dy**2 @ share) - slope * covariance
