"""How selective neurons are for orientation and direction, and whether that is more than chance."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from tqdm import trange

from viv1t.analysis.stats import benjamini_hochberg
from viv1t.analysis.tuning_curves import (
    Design,
    FloatArray,
    halves,
    preferred_bin,
    preferred_direction,
    preferred_orientation,
    reliability,
    vector_sum,
)

ALPHA: Final = 0.05
NUM_SPLITS: Final = 20
# index, name of what it measures, order of its vector sum
INDEXES: Final = (("osi", "orientation", 2), ("dsi", "direction", 1))


@dataclass(frozen=True, eq=False)
class _Question:
    """Responses, what was shown, and how both become curves and indexes.

    Attributes:
        samples: (n, p) responses.
        design: of the p presentations.
        below: (n, 1) response to the blank screen.
    """

    samples: FloatArray
    design: Design
    below: FloatArray

    @classmethod
    def of(cls, samples: ArrayLike, design: Design, baseline: ArrayLike | None) -> "_Question":
        values = np.asarray(samples, dtype=float)
        below = np.zeros(len(values)) if baseline is None else np.asarray(baseline, dtype=float)
        return cls(values, design, below[:, None])

    def curves(self, counts: NDArray[np.int64] | None = None) -> FloatArray:
        """(n, d) balanced curves above baseline; `counts` (p,) as in `Design.weights`."""
        return self.samples @ self.design.weights(counts).T - self.below

    def indexes(self, curves: FloatArray) -> FloatArray:
        """(2, n) of INDEXES; negative responses count as 0, silent neurons have index 0."""
        positive = np.maximum(curves, 0)
        sums = [vector_sum(positive, self.design.directions, order) for _, _, order in INDEXES]
        return np.nan_to_num(np.abs(sums))


def direction_curves(
    samples: ArrayLike, design: Design, *, baseline: ArrayLike | None = None, seed: int = 0
) -> pd.DataFrame:
    """One row a neuron and direction: row, direction_deg, mean, sem, half_a, half_b.

    Curves are balanced over conditions (`tuning_curves.balanced_weights`); `half_a` and `half_b`
    are the curves of two random halves of the presentations.

    Args:
        samples: (n, p) response to each presentation.
        design: what was shown.
        baseline: (n,) response to the blank screen, subtracted; None: nothing is.
        seed: of the halves.
    """
    question = _Question.of(samples, design, baseline)
    first, second = (
        question.curves(counts) for counts in halves(design, np.random.default_rng(seed))
    )
    mean = question.curves()
    n, d = mean.shape
    return pd.DataFrame(
        {
            "row": np.repeat(np.arange(n), d),
            "direction_deg": np.tile(design.directions, n),
            "mean": mean.ravel(),
            "sem": _standard_error(question.samples, design).ravel(),
            "half_a": first.ravel(),
            "half_b": second.ravel(),
        }
    )


def _standard_error(samples: FloatArray, design: Design) -> FloatArray:
    """(n, d) of the curves, from the variance of presentations in a cell; NaN without repeats."""
    sizes = np.bincount(design.cell)
    if sizes.max() < 2:
        return np.full((len(samples), len(design.directions)), np.nan)
    member = np.eye(len(sizes))[design.cell]
    residual = samples - (samples @ member / sizes)[:, design.cell]
    variance = residual**2 @ member / np.maximum(sizes - 1, 1)
    variance[:, sizes < 2] = variance[:, sizes >= 2].mean(1, keepdims=True)
    return np.sqrt(variance[:, design.cell] @ (design.weights() ** 2).T)


def selectivity(
    samples: ArrayLike,
    design: Design,
    *,
    baseline: ArrayLike | None = None,
    num_permutations: int = 1000,
    num_bootstraps: int = 500,
    seed: int = 0,
    progress: bool = False,
) -> pd.DataFrame:
    """One row a neuron: indexes, preferred angles and tests.

    * `osi`, `dsi`: 1 - circular variance of the balanced curve, negative responses counted as 0
      (Ringach et al. 2002); `_unbiased`: the root of their square less the mean square of their
      permutations, since noise adds in quadrature;
      `_crossvalidated`: angle from one half of the presentations, index along it from the other,
      mean over splits (both after Mazurek et al. 2014); `_low`, `_high`: 95 % pivotal bootstrap
      over presentations.
    * `p_orientation`, `p_direction`: (k + 1) / (n + 1) where k of n permutations reach the index;
      `q_`: Benjamini & Hochberg over the neurons; `_selective`: q <= .05. Stimuli are exchanged
      between directions (for p_direction between opposite ones only, or orientation tuning would
      hide it), but never between conditions, and never their single repeats.
    * `preferred_direction_deg`, `preferred_orientation_deg` (axis of motion) by vector sums,
      `preferred_bin_deg` by the largest response; `reliability` of the curve, from split halves;
      `peak_response` of the curve above baseline.

    A neuron that never responds more than at baseline has NaN indexes and p = 1.

    Args:
        samples: (n, p) response to each presentation.
        design: what was shown.
        baseline: (n,) response to the blank screen, subtracted; None: nothing is.
        num_permutations: of the test.
        num_bootstraps: of the intervals.
        seed: of all random numbers.
        progress: show a progress bar.
    """
    question = _Question.of(samples, design, baseline)
    rng = np.random.default_rng(seed)
    curves = np.maximum(question.curves(), 0)
    silent = curves.sum(1) <= 0
    observed = question.indexes(curves)
    reached, chance = _permuted(question, observed, num_permutations, rng, progress=progress)
    boots = np.stack(
        [
            question.indexes(question.curves(_resampled(design, rng)))
            for _ in trange(num_bootstraps, desc="bootstrap", disable=not progress)
        ]
    )
    below, above = np.quantile(boots, (0.025, 0.975), axis=0)
    validated, agreement = _crossvalidated(question, rng)
    table = pd.DataFrame(index=pd.RangeIndex(len(curves)))
    for place, (index, name, _) in enumerate(INDEXES):
        columns = {
            index: observed[place],
            f"{index}_unbiased": np.sqrt(np.maximum(observed[place] ** 2 - chance[place], 0)),
            f"{index}_crossvalidated": validated[place],
            f"{index}_low": np.clip(2 * observed[place] - above[place], 0, 1),
            f"{index}_high": np.clip(2 * observed[place] - below[place], 0, 1),
        }
        p = np.where(silent, 1.0, (reached[place] + 1) / (num_permutations + 1))
        q = benjamini_hochberg(p)
        table = table.assign(**{k: np.where(silent, np.nan, v) for k, v in columns.items()})
        table = table.assign(**{f"p_{name}": p, f"q_{name}": q, f"{name}_selective": q <= ALPHA})
    directions = design.directions
    return table.assign(
        preferred_direction_deg=preferred_direction(curves, directions),
        preferred_orientation_deg=preferred_orientation(curves, directions),
        preferred_bin_deg=np.where(silent, np.nan, preferred_bin(curves, directions)),
        reliability=agreement,
        peak_response=curves.max(1),
    )


def _permuted(
    question: _Question,
    observed: FloatArray,
    num: int,
    rng: np.random.Generator,
    *,
    progress: bool,
) -> tuple[NDArray[np.int64], FloatArray]:
    """How often permutations reach `observed` (2, n), and their mean squared indexes (2, n).

    Means of units change places where that leaves the null hypothesis as likely as what was seen:
    for orientation within a condition; for direction within a condition between opposite
    directions only, so that orientation tuning counts neither for nor against it.
    """
    design = question.design
    sizes = np.bincount(design.unit)
    means = question.samples @ (np.eye(len(sizes))[design.unit] / sizes)
    condition = design.condition[design.first]
    axis = np.round(design.direction_deg[design.first] % 180, 6)
    pairs = np.column_stack([condition, axis])
    strata = condition, np.unique(pairs, axis=0, return_inverse=True)[1].ravel()
    almost = observed * (1 - 1e-10)
    reached, total = np.zeros(observed.shape, np.int64), np.zeros(observed.shape)
    for _ in trange(num, desc="permutations", disable=not progress):
        for place, stratum in enumerate(strata):
            order = _shuffled_within(stratum, rng)
            curves = means[:, order] @ design.unit_weights.T - question.below
            index = question.indexes(curves)[place]
            reached[place] += index >= almost[place]
            total[place] += index**2
    return reached, total / max(num, 1)


def _shuffled_within(stratum: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """(u,) a random order in which every place keeps its stratum."""
    order = np.empty(len(stratum), np.int64)
    order[np.argsort(stratum, kind="stable")] = np.lexsort((rng.random(len(stratum)), stratum))
    return order


def _resampled(design: Design, rng: np.random.Generator) -> NDArray[np.int64]:
    """(p,) counts of presentations drawn with replacement within each cell."""
    by_cell = np.argsort(design.cell, kind="stable")
    sizes = np.bincount(design.cell)
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    drawn = starts + (rng.random(len(by_cell)) * np.repeat(sizes, sizes)).astype(np.int64)
    return np.bincount(by_cell[drawn], minlength=len(by_cell))


def _crossvalidated(question: _Question, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Indexes (2, n) along the angle of the other half, and the reliability (n,) of the curve."""
    pairs = [
        [question.curves(counts) for counts in halves(question.design, rng)]
        for _ in range(NUM_SPLITS)
    ]
    both = np.array(pairs).swapaxes(0, 1)
    indexes = []
    for _, _, order in INDEXES:
        first, second = vector_sum(np.maximum(both, 0), question.design.directions, order)
        with np.errstate(invalid="ignore", divide="ignore"):
            along = np.real(first * np.conj(second)) * (1 / np.abs(first) + 1 / np.abs(second)) / 2
        indexes.append(np.where(np.isfinite(along), along, 0).mean(0))
    return np.array(indexes), reliability(*both)
