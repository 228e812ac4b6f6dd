"""Training losses, by name, each weighted by the size of a mouse's training set."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

from viv1t.metrics import correlation
from viv1t.names import MouseId
from viv1t.registry import unknown_name

EPS: Final = torch.finfo(torch.float32).eps
Loss = Callable[[Tensor, Tensor], Tensor]


class LossRegistry:
    """Losses by name; each takes truth and prediction (b, n, t) and returns a scalar."""

    def __init__(self) -> None:
        self._losses: dict[str, Loss] = {}

    def register(self, name: str) -> Callable[[Loss], Loss]:
        """A decorator that enters a loss under `name`; a second entry is a ValueError."""

        def enter(loss: Loss) -> Loss:
            if name in self._losses:
                raise ValueError(f"criterion {name!r} is registered twice")
            self._losses[name] = loss
            return loss

        return enter

    def names(self) -> tuple[str, ...]:
        """All registered names, sorted."""
        return tuple(sorted(self._losses))

    def check(self, name: str) -> None:
        """Raise a ConfigError that suggests the nearest name unless `name` is registered."""
        if name not in self._losses:
            raise unknown_name("criterion", name, self._losses)

    def __getitem__(self, name: str) -> Loss:
        self.check(name)
        return self._losses[name]


CRITERIONS = LossRegistry()


@CRITERIONS.register("poisson")
def poisson(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Poisson loss p - y log p, summed over trials, neurons and frames (b, n, t); a scalar."""
    y_true, y_pred = y_true + EPS, y_pred + EPS
    return (y_pred - y_true * y_pred.log()).sum()


@CRITERIONS.register("mse")
def mse(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Mean squared error over all elements of (b, n, t); a scalar."""
    return (y_true - y_pred).square().mean()


@CRITERIONS.register("logMSE")
def log_mse(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Mean squared error of logarithms over (b, n, t); a scalar, NaN for negative values."""
    return ((y_true + EPS).log() - (y_pred + EPS).log()).square().mean()


def _neuron_correlation(y_true: Tensor, y_pred: Tensor) -> Tensor:
    return correlation(y_true, y_pred, dim=(0, 2), eps=EPS)


@CRITERIONS.register("correlation")
def negative_correlation(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Minus the sum over neurons of correlation + 1, over trials and frames of (b, n, t)."""
    return -(_neuron_correlation(y_true, y_pred) + 1).sum()


@CRITERIONS.register("gamma")
def gamma(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Gamma loss y / p + log p, summed over (b, n, t); a scalar."""
    y_true, y_pred = y_true + EPS, y_pred + EPS
    return (y_true / y_pred + y_pred.log()).sum()


@CRITERIONS.register("poisson_correlation")
def poisson_correlation(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Poisson loss plus 1000 times the sum over neurons of 1 - correlation; a scalar."""
    return poisson(y_true, y_pred) + 1000 * (1 - _neuron_correlation(y_true, y_pred)).sum()


def mouse_weights(train_sizes: Mapping[MouseId, int]) -> dict[MouseId, float]:
    """Weight of each mouse's loss: mean number of training trials over its own number."""
    mean = sum(train_sizes.values()) / len(train_sizes)
    return {mouse_id: mean / size for mouse_id, size in train_sizes.items()}


@dataclass(frozen=True)
class Criterion:
    """A loss, times the weight of the mouse.

    Attributes:
        loss: takes truth and prediction (b, n, t), returns a scalar.
        weights: factor of each mouse; empty: 1 for all.
    """

    loss: Loss
    weights: Mapping[MouseId, float] = field(default_factory=dict)

    def __call__(self, y_true: Tensor, y_pred: Tensor, mouse_id: MouseId) -> Tensor:
        """The weighted loss, a scalar, of truth and prediction (b, n, t) of one mouse."""
        loss = self.loss(y_true, y_pred)
        return loss * self.weights[mouse_id] if self.weights else loss


def build_criterion(
    name: str, *, ds_scale: bool | int, train_sizes: Mapping[MouseId, int]
) -> Criterion:
    """The criterion `name`.

    Args:
        name: a name of `CRITERIONS`.
        ds_scale: weigh each mouse by its number of training trials.
        train_sizes: number of training trials of each mouse (after --limit_data).

    Raises:
        ConfigError: no such criterion.
    """
    return Criterion(CRITERIONS[name], mouse_weights(train_sizes) if ds_scale else {})
