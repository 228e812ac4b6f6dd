"""Responses reduced as they come: memory grows with conditions, not with repeats."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from viv1t.errors import ConfigError

FloatArray: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Reduction:
    """What is kept of the response to each presentation.

    Attributes:
        skip: frames after the onset that the mean over the stimulus leaves out.
        before: frames before the onset that the trace shows.
        after: frames after the end of the stimulus that the trace shows.
        trace: whether to keep mean traces at all.
        presentations: whether to keep the mean over the stimulus of every single presentation, the
            only thing that grows with repeats (4 bytes a neuron).
    """

    skip: int = 0
    before: int = 0
    after: int = 0
    trace: bool = True
    presentations: bool = True

    def __post_init__(self) -> None:
        if min(self.skip, self.before, self.after) < 0:
            raise ConfigError(f"skip, before and after must not be negative; got {self}")

    def frames(self, onset: int, on: int) -> slice:
        """The frames of a trial that count for a stimulus of `on` frames from `onset`."""
        return slice(onset - self.before, onset + on + self.after)


class Moments:
    """Mean and sum of squared deviations of each condition, updated one by one (Welford 1962).

    Attributes:
        mean: (k, ...) float32.
        squares: (k, ...) float32.
    """

    def __init__(self, *shape: int) -> None:
        self.mean: FloatArray = np.zeros(shape, dtype=np.float32)
        self.squares: FloatArray = np.zeros(shape, dtype=np.float32)

    def add(self, condition: int, values: FloatArray, count: int) -> None:
        """Take `values` (...) as the `count`-th of a condition."""
        step = values - self.mean[condition]
        self.mean[condition] += step / count
        self.squares[condition] += step * (values - self.mean[condition])

    def sem(self, counts: NDArray[np.int64]) -> FloatArray:
        """Standard error of the mean (k, ...); NaN for conditions with fewer than two values."""
        n = counts.reshape(-1, *[1] * (self.mean.ndim - 1)).astype(np.float32)
        n[n < 2] = np.nan
        return np.sqrt(self.squares / (n - 1) / n)


class Tally:
    """The running result of an experiment.

    Attributes:
        counts: (k,) presentations so far of each condition.
        amplitude: of the mean over the stimulus, (k, n).
        trace: of the response over time, (k, n, w); None if it is not kept.
        single: (p, n) mean over the stimulus of each presentation, NaN before it came; None if
            they are not kept.
    """

    def __init__(
        self,
        *,
        num_neurons: int,
        num_conditions: int,
        num_presentations: int,
        on: int,
        reduction: Reduction,
    ) -> None:
        """Begin with nothing; `on` is the duration of the stimuli in frames."""
        if reduction.skip >= on:
            raise ConfigError(
                f"skip must be less than the {on} frames of a stimulus, got {reduction}"
            )
        self.on = on
        self.reduction = reduction
        self.counts = np.zeros(num_conditions, dtype=np.int64)
        self.amplitude = Moments(num_conditions, num_neurons)
        self.trace: Moments | None = None
        if reduction.trace:
            width = reduction.before + on + reduction.after
            self.trace = Moments(num_conditions, num_neurons, width)
        self.single: FloatArray | None = None
        if reduction.presentations:
            self.single = np.full((num_presentations, num_neurons), np.nan, dtype=np.float32)

    def add(self, presentation: int, condition: int, response: FloatArray) -> None:
        """Take the response (n, before + on + after) to one presentation."""
        first = self.reduction.before
        amplitude = response[:, first + self.reduction.skip : first + self.on].mean(axis=1)
        self.counts[condition] += 1
        count = int(self.counts[condition])
        self.amplitude.add(condition, amplitude, count)
        if self.trace is not None:
            self.trace.add(condition, response, count)
        if self.single is not None:
            self.single[presentation] = amplitude

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All numbers, by name, themselves and not copies."""
        found: dict[str, NDArray[np.generic]] = {"counts": self.counts}
        for name, moments in (("amplitude", self.amplitude), ("trace", self.trace)):
            if moments is not None:
                found |= {f"{name}_mean": moments.mean, f"{name}_squares": moments.squares}
        return found if self.single is None else found | {"single": self.single}

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Go on from what `arrays` gave."""
        for name, own in self.arrays().items():
            own[...] = arrays[name]
