"""Direction tuning as it was published, kept to reproduce the numbers of the paper.

Each function says what is amiss; the defaults of the other modules of this room avoid it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from viv1t.analysis.similarity import Pairs, similarity_matrix
from viv1t.analysis.tuning_curves import FloatArray, orientation_curve, vector_sum

BLOCK_FRAMES: Final = 25
DIRECTIONS: Final = tuple(range(0, 360, 45))
ALPHA: Final = 0.01


def published_reduction(
    responses: ArrayLike, direction_deg: ArrayLike, *, seed: int = 1234
) -> NDArray[np.float32]:
    """(n, d, r) responses to blocks of 25 frames, equally many for each direction.

    The blocks are drawn; which wavelengths and speeds they show is left to chance, so that a
    preference for those looks like one for a direction.

    Args:
        responses: (trials, n, t), t a multiple of 25.
        direction_deg: (trials, t) of each frame.
        seed: of the draw.
    """
    responses = np.asarray(responses)
    trials, n, t = responses.shape
    means = responses.reshape(trials, n, t // BLOCK_FRAMES, BLOCK_FRAMES).mean(-1)
    shown = np.asarray(direction_deg)[:, ::BLOCK_FRAMES].ravel()
    return published_draw(means.swapaxes(1, 2).reshape(-1, n).T, shown, seed=seed)


def published_draw(
    samples: ArrayLike, direction_deg: ArrayLike, *, seed: int = 1234
) -> NDArray[np.float32]:
    """(n, d, r) equally many presentations of each direction, drawn without replacement.

    Args:
        samples: (n, p) responses to presentations, in the order of trials.
        direction_deg: (p,).
        seed: of the draw.
    """
    shown = np.asarray(direction_deg)
    directions, counts = np.unique(shown, return_counts=True)
    rng = np.random.default_rng(seed)
    chosen = [
        rng.choice(np.flatnonzero(shown == direction), size=counts.min(), replace=False)
        for direction in directions
    ]
    return np.asarray(samples, np.float32)[:, np.stack(chosen)]


def published_selectivity(
    samples: ArrayLike, *, num_permutations: int = 100, seed: int = 1234
) -> tuple[NDArray[np.float32], pd.DataFrame]:
    """Curves (n, 8) and one row a neuron: osi, dsi, p_, orientation_selective, direction_selective.

    p is the share k / n of 100 permutations that reach the index; selective means p <= .01, which
    k = 1 still meets, so that the chance of a false positive is 2 / 101.

    Args:
        samples: (n, 8, r) responses.
        num_permutations: of all samples of a neuron.
        seed: its children draw the permutations, one child a neuron.
    """
    samples = np.asarray(samples, dtype=np.float32)
    curves = samples.mean(-1)
    observed = _indexes(curves)
    p = np.empty((len(samples), 2))
    for neuron, child in enumerate(np.random.SeedSequence(seed).spawn(len(samples))):
        rng, flat = np.random.default_rng(child), samples[neuron].ravel()
        orders = [rng.permutation(flat) for _ in range(num_permutations)]
        shuffled = np.stack(orders).reshape(-1, *samples.shape[1:]).mean(-1)
        p[neuron] = (_indexes(shuffled) >= observed[:, neuron, None]).mean(1)
    return curves, pd.DataFrame(
        {
            "osi": observed[0],
            "dsi": observed[1],
            "p_orientation": p[:, 0],
            "p_direction": p[:, 1],
            "orientation_selective": p[:, 0] <= ALPHA,
            "direction_selective": p[:, 1] <= ALPHA,
        }
    )


def _indexes(curves: NDArray[np.float32]) -> FloatArray:
    return np.abs([vector_sum(curves, DIRECTIONS, order) for order in (2, 1)])


def published_pairs(
    position_um: ArrayLike, curves: ArrayLike, *, tuning: str, max_distance_um: float = 175.0
) -> pd.DataFrame:
    """One row a pair: d, v, tuning_similarity, as Supplementary Figure 1 bins them.

    d = 25 (round(distance / 25) + 1) and v = 50 round(depth / 50): labels that are half a bin to a
    bin too large. Similarity is the correlation of whole curves, noise included.

    Args:
        position_um: (n, 3).
        curves: (n, 8).
        tuning: "direction", or "orientation" for the mean of opposite directions.
        max_distance_um: of the pairs.
    """
    used = np.asarray(curves) if tuning == "direction" else orientation_curve(curves)
    matrix = similarity_matrix(used, used)
    pairs = Pairs.of(np.asarray(position_um, dtype=float), max_distance_um=max_distance_um)
    return pd.DataFrame(
        {
            "d": (25 * (np.round(pairs.distance_um / 25) + 1)).astype(int),
            "v": (50 * np.round(pairs.depth_um / 50)).astype(int),
            "tuning_similarity": matrix[pairs.first, pairs.second],
        }
    )


def published_rank_tests(pairs: pd.DataFrame) -> pd.DataFrame:
    """One row a depth and distance: v, d, p of Mann-Whitney against the largest distance of all.

    It takes pairs that share neurons for independent. NaN where a depth lacks that distance.

    Args:
        pairs: as `published_pairs` gives them.
    """
    rows, farthest = [], pairs["d"].max()
    for v, of_depth in pairs.groupby("v"):
        groups = {d: group.to_numpy() for d, group in of_depth.groupby("d")["tuning_similarity"]}
        far = groups.get(farthest)
        for d, near in groups.items():
            p = np.nan if far is None else stats.mannwhitneyu(near, far).pvalue
            rows.append((v, d, float(p)))
    return pd.DataFrame(rows, columns=["v", "d", "p"])


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A likelihood-ratio test of two decays against a common one.

    Attributes:
        statistic: twice the gain in log likelihood.
        p: from chi² with 4 degrees of freedom.
    """

    statistic: float
    p: float


def published_likelihood_ratio(
    distance: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    parameters: tuple[ArrayLike, ArrayLike, ArrayLike],
) -> Comparison:
    """Whether two sets of similarities fall alike, given fits A exp(-B d) + C.

    The published fits are penalised, so that the statistic may be negative.

    Args:
        distance: (k,).
        first: (k,) similarities.
        second: (k,) similarities.
        parameters: (A, B, C) of the first, the second, and both together.
    """
    distance, first, second = (np.asarray(x, dtype=float) for x in (distance, first, second))
    apart = _cost(distance, first, parameters[0]) + _cost(distance, second, parameters[1])
    both = np.concatenate([distance, distance]), np.concatenate([first, second])
    statistic = 2 * (_cost(*both, parameters[2]) - apart)
    return Comparison(statistic=statistic, p=float(stats.chi2.sf(statistic, 4)))


def _cost(distance: FloatArray, similarity: FloatArray, parameters: ArrayLike) -> float:
    """Negative log likelihood of Gaussian residuals whose variance is their own."""
    a, b, c = np.asarray(parameters, dtype=float)
    residual = similarity - (a * np.exp(-b * distance) + c)
    return float(len(residual) / 2 * (np.log(2 * np.pi * np.mean(residual**2)) + 1))
