"""A learning-rate schedule that waits for plateaus and returns to the best weights."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from torch.optim import Optimizer

MIN_LR: Final = 1.1920928955078125e-07
STATE: Final = (
    "best_value",
    "best_epoch",
    "lr_wait",
    "num_reduce",
    "was_nan",
    "target_lr",
)


@dataclass(frozen=True, kw_only=True)
class PlateauRule:
    """When learning rates fall, and when training ends.

    Attributes:
        mode: whether larger ("max") or smaller values are better.
        factor: a reduction multiplies learning rates by this.
        patience: epochs without improvement before a reduction.
        max_reduce: reductions since the last improvement before training ends.
        min_lr: no learning rate falls below this.
        warmup_epochs: 0, or epochs (at least 2) over which learning rates rise linearly.
        warmup_factor: share of the learning rates that warm-up starts from.
    """

    mode: Literal["max", "min"] = "max"
    factor: float = 0.3
    patience: int = 5
    max_reduce: int = 2
    min_lr: float = MIN_LR
    warmup_epochs: int = 0
    warmup_factor: float = 0.1

    def __post_init__(self) -> None:
        if self.warmup_epochs < 0 or self.warmup_epochs == 1:
            raise ValueError(f"warm-up takes 0 or at least 2 epochs, got {self.warmup_epochs}")


class PlateauScheduler:
    """Lowers learning rates on plateaus of a validation score, once an epoch.

    A reduction also restores the best weights (not the moments of the optimiser). Learning rates
    never rise again after warm-up. Save `state_dict` after `step`.

    Args:
        optimizer: its groups' learning rates are the targets.
        restore: called to bring back the best weights.
        rule: when to reduce and when to stop.
        as_published: train epoch 1 at full learning rates even with warm-up.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        *,
        restore: Callable[[], None],
        rule: PlateauRule = PlateauRule(),
        as_published: bool = False,
    ) -> None:
        self.optimizer = optimizer
        self.restore = restore
        self.rule = rule
        self.best_value = math.inf if rule.mode == "min" else 0.0
        self.best_epoch = 0
        self.lr_wait = 0
        self.num_reduce = 0
        self.was_nan = False
        self.target_lr = [float(group["lr"]) for group in optimizer.param_groups]
        if rule.warmup_epochs and not as_published:
            self._warm_up(0)

    def step(self, value: float, *, epoch: int) -> bool:
        """Whether training should end, given the score `value` of `epoch` (counted from 1).

        A first NaN after an improvement restores the best weights; another one before the next
        improvement, or one before any, ends training.
        """
        if math.isnan(value):
            return self._after_nan()
        improved = value < self.best_value if self.rule.mode == "min" else value > self.best_value
        if improved:
            self.best_value, self.best_epoch = value, epoch
            self.lr_wait, self.num_reduce, self.was_nan = 0, 0, False
        if epoch < self.rule.warmup_epochs:
            self._warm_up(epoch)
            return False
        return not improved and self._after_no_improvement()

    def _after_nan(self) -> bool:
        if self.best_epoch == 0 or self.was_nan:
            return True
        self.restore()
        self.was_nan = True
        return False

    def _after_no_improvement(self) -> bool:
        if self.lr_wait < self.rule.patience - 1:
            self.lr_wait += 1
            return False
        if self.num_reduce >= self.rule.max_reduce:
            return True
        self.num_reduce += 1
        self.lr_wait = 0
        self.restore()
        lowered = [group["lr"] * self.rule.factor for group in self.optimizer.param_groups]
        self._set_lr([max(lr, self.rule.min_lr) for lr in lowered])
        return False

    def _warm_up(self, epoch: int) -> None:
        """Set the learning rates of the epoch after `epoch`."""
        done = epoch / (self.rule.warmup_epochs - 1)
        share = self.rule.warmup_factor + done * (1 - self.rule.warmup_factor)
        self._set_lr([share * target for target in self.target_lr])

    def _set_lr(self, rates: list[float]) -> None:
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = lr
        self.optimizer.defaults["lr"] = rates[-1]

    def state_dict(self) -> dict[str, Any]:
        """All that changes from epoch to epoch, as plain values, but the learning rates.

        Those are in the state of the optimiser.
        """
        return {name: getattr(self, name) for name in STATE}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over `state_dict`; load the optimiser's state too, it holds the learning rates."""
        for name in STATE:
            setattr(self, name, state[name])
