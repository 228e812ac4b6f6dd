"""Direction tuning curves from presentations, and what a curve prefers."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viv1t.errors import DataError

FloatArray = NDArray[np.float64]

# Stimuli without an effect that each condition is taken to have shown besides the others.
_CONDITION_PRIOR: Final = 1.0


@dataclass(frozen=True, eq=False)
class Design:
    """Which presentation showed what.

    Attributes:
        direction_deg: (p,) direction of motion.
        condition: (p,) whatever else differs between stimuli (for Gabors wavelength and speed),
            as numbers; a constant if nothing does.
        unit: (p,) the stimulus: presentations of one unit are repeats of the same frames. Stimuli
            are what a test may exchange; repeats of one stimulus tell nothing about others.
    """

    direction_deg: NDArray[np.float64]
    condition: NDArray[np.int64]
    unit: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        direction_deg: ArrayLike,
        *,
        condition: ArrayLike | None = None,
        unit: ArrayLike | None = None,
    ) -> "Design":
        """A design; without `condition` nothing else differs, without `unit` nothing repeats.

        Raises:
            DataError: columns of different lengths, or a unit that shows several stimuli.
        """
        direction = np.asarray(direction_deg, dtype=float)
        others = (
            (np.zeros(len(direction)) if condition is None else np.asarray(condition)),
            (np.arange(len(direction)) if unit is None else np.asarray(unit)),
        )
        if any(column.shape != direction.shape for column in others):
            raise DataError(
                f"a design needs columns of one length, got {direction.shape}, "
                f"{others[0].shape} and {others[1].shape}"
            )
        condition, unit = (np.unique(column, return_inverse=True)[1] for column in others)
        shown = np.unique(np.column_stack([unit, direction, condition]), axis=0)
        if len(shown) != unit.max() + 1:
            raise DataError("a unit of the design shows several directions or conditions")
        return cls(direction, condition, unit)

    @cached_property
    def directions(self) -> FloatArray:
        """(d,) the directions, ascending."""
        return np.unique(self.direction_deg)

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """(u,) the first presentation of each unit."""
        return np.unique(self.unit, return_index=True)[1]

    @cached_property
    def has_repeats(self) -> bool:
        """True if some unit was presented more than once."""
        return len(self.first) < len(self.unit)

    @cached_property
    def cell(self) -> NDArray[np.int64]:
        """(p,) number of the unit if units repeat, else of (direction, condition).

        Within a cell presentations are exchangeable: what may be resampled or split.
        """
        if self.has_repeats:
            return self.unit
        pairs = np.column_stack([self.direction_deg, self.condition])
        return np.unique(pairs, axis=0, return_inverse=True)[1].ravel()

    @cached_property
    def unit_weights(self) -> FloatArray:
        """(d, u): the tuning curve is these weights times the means of the units."""
        return balanced_weights(self.direction_deg[self.first], self.condition[self.first])

    def weights(self, counts: NDArray[np.int64] | None = None) -> FloatArray:
        """(d, p): the tuning curve is these weights times the presentations.

        Args:
            counts: (p,) how often each presentation counts (a bootstrap, or one half); None: once.
        """
        if counts is None:
            return self.unit_weights[:, self.unit] / np.bincount(self.unit)[self.unit]
        of_unit = np.bincount(self.unit, weights=counts)
        kept = of_unit > 0
        if self.has_repeats and kept.all():
            of_units = self.unit_weights
        else:
            first = self.first[kept]
            part = balanced_weights(
                self.direction_deg[first],
                self.condition[first],
                np.ones(len(first)) if self.has_repeats else of_unit[kept],
            )
            rows = np.isin(self.directions, self.direction_deg[first])
            of_units = np.zeros((len(self.directions), len(of_unit)))
            of_units[np.ix_(rows, kept)] = part
            of_units[~rows] = np.nan
        return of_units[:, self.unit] * counts / np.maximum(of_unit, 1)[self.unit]


def balanced_weights(
    direction_deg: ArrayLike, condition: ArrayLike, weight: ArrayLike | None = None
) -> FloatArray:
    """(d, u) weights that turn responses to u stimuli into a curve that conditions do not bend.

    Responses are averaged within each (direction, condition), then explained as direction plus
    condition (least squares); the curve is what each direction would give averaged over all
    conditions. With every condition in every direction this is the mean over conditions; where
    some are missing, plain means would mistake a preferred wavelength for a preferred direction.
    Effects of conditions are drawn towards 0 as if one more stimulus had shown none: with few
    stimuli that errs less than to take them at face value.

    Args:
        direction_deg: (u,) of each stimulus.
        condition: (u,) whatever else differs.
        weight: (u,) of each stimulus within its (direction, condition); None: equal.
    """
    directions, d = np.unique(np.asarray(direction_deg), return_inverse=True)
    conditions, c = np.unique(np.asarray(condition), return_inverse=True)
    cells, of_cell = np.unique(np.column_stack([d, c]), axis=0, return_inverse=True)
    of_cell = of_cell.ravel()
    weight = np.ones(len(d)) if weight is None else np.asarray(weight, dtype=float)
    means = np.zeros((len(cells), len(d)))
    means[of_cell, np.arange(len(d))] = weight / np.bincount(of_cell, weights=weight)[of_cell]
    num = len(directions)
    effects = np.eye(len(conditions))[cells[:, 1]] - 1 / len(conditions)
    model = np.concatenate([np.eye(num)[cells[:, 0]], effects], axis=1)
    penalty = np.diag(np.repeat([0.0, _CONDITION_PRIOR], [num, len(conditions)]))
    return np.linalg.solve(model.T @ model + penalty, model.T)[:num] @ means


def halves(design: Design, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Counts (p,) of two random halves of the presentations, equal within each cell up to one."""
    order = rng.permutation(len(design.cell))
    cell = design.cell[order]
    by_cell = np.argsort(cell, kind="stable")
    sizes = np.bincount(cell)
    rank = np.arange(len(cell)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    parity = rng.integers(0, 2, len(sizes))[cell[by_cell]]
    first = np.empty(len(cell), np.int64)
    first[order[by_cell]] = (rank + parity) % 2
    return first, 1 - first


def vector_sum(curves: ArrayLike, directions_deg: ArrayLike, order: int) -> NDArray[np.complex128]:
    """(...,) complex sum of r exp(i order direction), over the sum of r; NaN where that is 0.

    Its absolute value is 1 - circular variance: the orientation index for order 2, the direction
    index for order 1 (Ringach, Shapley & Hawken 2002; Mazurek, Kager & Van Hooser 2014).

    Args:
        curves: (..., d).
        directions_deg: (d,) evenly spaced.
        order: 1 for direction, 2 for orientation.
    """
    curves = np.asarray(curves, dtype=float)
    phase = np.exp(1j * order * np.radians(np.asarray(directions_deg, dtype=float)))
    total = curves.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, curves @ phase / total, np.nan)


def preferred_orientation(curves: ArrayLike, directions_deg: ArrayLike) -> FloatArray:
    """(...,) axis of motion that the curves prefer by vector sum, in [0, 180)."""
    return np.degrees(np.angle(vector_sum(curves, directions_deg, 2))) / 2 % 180


def preferred_direction(curves: ArrayLike, directions_deg: ArrayLike) -> FloatArray:
    """(...,) direction that the curves prefer, in [0, 360), by the vector sums of order 1 and 2.

    It is the peak of the curve a + b cos(x) + c cos(2x), b and c >= 0, that explains most of the
    responses: cells with a clear axis take it from order 2 and only the sense from order 1.

    Args:
        curves: (..., d).
        directions_deg: (d,) evenly spaced.
    """
    sums = [vector_sum(curves, directions_deg, order) for order in (1, 2)]
    angle = np.radians(np.arange(0, 360, 0.5))
    along = (
        np.real(s[..., None] * np.exp(-1j * o * angle)) for o, s in zip((1, 2), sums, strict=True)
    )
    explained = sum(np.square(np.maximum(part, 0)) for part in along)
    best = np.degrees(angle[np.argmax(np.nan_to_num(explained), axis=-1)])
    return np.where(np.isnan(np.abs(sums[0])), np.nan, best)


def preferred_bin(curves: ArrayLike, directions_deg: ArrayLike) -> FloatArray:
    """(...,) direction of the largest response; NaN where a curve has NaN."""
    curves = np.asarray(curves, dtype=float)
    best = np.asarray(directions_deg, dtype=float)[np.argmax(np.nan_to_num(curves), axis=-1)]
    return np.where(np.isnan(curves).any(-1), np.nan, best)


def orientation_curve(curves: ArrayLike) -> FloatArray:
    """(..., d / 2) mean of opposite directions."""
    curves = np.asarray(curves, dtype=float)
    half = curves.shape[-1] // 2
    return (curves[..., :half] + curves[..., half:]) / 2


def circular_distance(a: ArrayLike, b: ArrayLike, period: float) -> FloatArray:
    """Distance between two angles in degrees, 0 to half the `period`."""
    gap = np.abs(np.asarray(a, dtype=float) - np.asarray(b, dtype=float)) % period
    return np.minimum(gap, period - gap)


def row_correlation(a: ArrayLike, b: ArrayLike) -> FloatArray:
    """(...,) Pearson correlation of curves (..., d); NaN where one does not vary."""
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    first = first - first.mean(-1, keepdims=True)
    second = second - second.mean(-1, keepdims=True)
    scale = np.sqrt((first**2).sum(-1) * (second**2).sum(-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(scale > 0, (first * second).sum(-1) / scale, np.nan)


def reliability(first: ArrayLike, second: ArrayLike) -> FloatArray:
    """(n,) reliability of whole curves from curves of their halves (Spearman-Brown).

    Args:
        first: (s, n, d) curves of one half in s random splits, or (n, d).
        second: of the other halves.
    """
    r = np.atleast_2d(row_correlation(first, second))
    observed = np.isfinite(r)
    mean = np.where(observed, r, 0).sum(0) / np.maximum(observed.sum(0), 1)
    mean = np.where(observed.any(0), mean, np.nan)
    return 2 * mean / (1 + np.maximum(mean, -0.999))


def aligned(curves: ArrayLike, preferred: NDArray[np.int64] | None = None) -> FloatArray:
    """(..., d + 1) curves rolled so that the preferred bin stands in the middle, ends equal.

    Args:
        curves: (..., d), d even.
        preferred: (...) index of the preferred bin; None: the largest response, which makes the
            peak too high by chance. Take it from other repeats than the curves.
    """
    curves = np.asarray(curves, dtype=float)
    d = curves.shape[-1]
    best = np.argmax(curves, axis=-1) if preferred is None else np.asarray(preferred)
    places = (best[..., None] + np.arange(d + 1) - d // 2) % d
    return np.take_along_axis(curves, places, axis=-1)
