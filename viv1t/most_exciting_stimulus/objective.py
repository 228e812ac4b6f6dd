"""What a stimulus is made for: the response of a neuron, a population, or a difference."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from viv1t.config.flags import check

Reduce: TypeAlias = Literal["sum", "max"]
Goal: TypeAlias = Literal["excite", "inhibit"]


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A weighted sum over neurons of the sum, or the maximum, of their responses over time.

    Attributes:
        neurons: rows of the neurons in the mouse, n of them.
        weights: one for each neuron, negative ones too.
        reduce: over the frames of the stimulus.
        goal: "excite" wants much of it, "inhibit" little.
    """

    neurons: tuple[int, ...]
    weights: tuple[float, ...]
    reduce: Reduce = "sum"
    goal: Goal = "excite"

    def __post_init__(self) -> None:
        check(len(self.neurons) > 0, "an objective needs one neuron or more, got none")
        check(
            len(self.neurons) == len(self.weights),
            f"an objective needs a weight for each neuron, got {len(self.weights)} weights for "
            f"{len(self.neurons)} neurons",
        )
        check(
            len(set(self.neurons)) == len(self.neurons) and min(self.neurons) >= 0,
            f"neurons must be different rows, 0 or more, got {self.neurons}",
        )
        check(
            bool(np.isfinite(self.weights).all() and np.any(self.weights)),
            f"weights must be finite and not all 0, got {self.weights}",
        )
        check(self.reduce in ("sum", "max"), f"reduce must be sum or max, got {self.reduce!r}")
        goals = ("excite", "inhibit")
        check(self.goal in goals, f"goal must be one of {goals}, got {self.goal!r}")

    def value(self, responses: Tensor) -> Tensor:
        """(s,) values of responses (s, n, t) of `neurons`, in their units; more is more response.

        Raises:
            ValueError: responses of another number of neurons.
        """
        if responses.ndim != 3 or responses.shape[1] != len(self.neurons):
            raise ValueError(
                f"responses should be (s, {len(self.neurons)}, t), got {tuple(responses.shape)}"
            )
        over_time = responses.sum(-1) if self.reduce == "sum" else responses.amax(-1)
        return over_time @ over_time.new_tensor(self.weights)

    def score(self, responses: Tensor) -> Tensor:
        """(s,) what is ascended: the value, or to inhibit, minus the value."""
        return self.sign * self.value(responses)

    @property
    def sign(self) -> int:
        """1 to excite, -1 to inhibit."""
        return 1 if self.goal == "excite" else -1


def one_neuron(neuron: int, **options: Any) -> Objective:  # noqa: ANN401
    """The response of row `neuron`; `options` are `reduce` and `goal` of `Objective`."""
    return Objective(neurons=(int(neuron),), weights=(1.0,), **options)


def population(
    weights: Mapping[int, float] | ArrayLike,
    **options: Any,  # noqa: ANN401
) -> Objective:
    """The weighted response of a population; neurons of weight 0 are left out.

    Args:
        weights: {row: weight}, or (n,) for all neurons of a mouse.
        options: `reduce` and `goal` of `Objective`.
    """
    if not isinstance(weights, Mapping):
        weights = dict(enumerate(np.asarray(weights, np.float64).tolist()))
    chosen = {int(row): float(weight) for row, weight in weights.items() if weight != 0}
    check(bool(chosen), "a population needs a weight other than 0, got none")
    return Objective(neurons=tuple(chosen), weights=tuple(chosen.values()), **options)


def difference(neuron: int, other: int, **options: Any) -> Objective:  # noqa: ANN401
    """The response of `neuron` minus that of `other`: what drives the one and not the other."""
    return Objective(neurons=(int(neuron), int(other)), weights=(1.0, -1.0), **options)
