"""Optimisers, their averaged weights, and gradient clipping by the history of gradient norms."""

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from schedulefree import AdamWScheduleFree
from torch import Tensor
from torch.optim import AdamW, Optimizer

from viv1t.config.schema import OptimConfig

HISTORY: Final = 100_000
QUANTILE: Final = 0.1


def build_optimizer(groups: Sequence[Mapping[str, Any]], config: OptimConfig) -> Optimizer:
    """AdamW, or schedule-free AdamW (Defazio et al. 2024) if `config.schedule_free`.

    To resume bit for bit, save the state of a schedule-free optimiser and the weights inside
    `averaged`, load both, and call `.train()`: going back and forth rounds, so a state saved in
    training mode would not meet the weights that the uninterrupted run continued with.

    Args:
        groups: parameter groups with the keys name, params, lr and weight_decay. Parameters that
            do not require gradients stay as they are.
        config: betas, epsilon, and the flags of schedule-free AdamW.
    """
    shared: dict[str, Any] = {
        "lr": config.lr,
        "betas": (config.adam_beta1, config.adam_beta2),
        "eps": config.adam_eps,
        "weight_decay": config.weight_decay,
    }
    own = [dict(group) for group in groups]
    if not config.schedule_free:
        return AdamW(own, **shared)
    optimizer = AdamWScheduleFree(
        own,
        **shared,
        warmup_steps=config.adam_warmup_steps,
        r=config.adam_r,
        weight_lr_power=config.adam_weight_lr_power,
    )
    optimizer.train()
    return optimizer


@contextmanager
def averaged(optimizer: Optimizer) -> Iterator[None]:
    """A context in which the weights are those to evaluate and to save.

    Schedule-free optimisers show their averaged weights inside and go back to training after;
    others change nothing.
    """
    if not isinstance(optimizer, AdamWScheduleFree):
        yield
        return
    optimizer.eval()
    try:
        yield
    finally:
        optimizer.train()


@dataclass(frozen=True)
class ClipResult:
    """What clipping found.

    Attributes:
        norm: L2 norm of all gradients before clipping.
        max_norm: the limit; infinite if there is none.
        skip: whether the step must be skipped, because a gradient is not finite.
    """

    norm: float
    max_norm: float
    skip: bool


class AutoClip:
    """Clips gradients to the 10 % quantile of all earlier norms (Seetharaman et al. 2020).

    The first step is not clipped. Steps whose gradients are not finite leave the history alone
    and are to be skipped. The threshold costs O(1), an update O(log n) comparisons.

    Args:
        clip_grad: -1 as above; 0 only measures; above 0 a fixed limit.
        history: number of norms that are remembered.
        as_published: keep norms that are not finite and never skip: one NaN then makes every
            later threshold, and with it every later gradient, NaN.
    """

    def __init__(
        self, clip_grad: float = -1.0, *, history: int = HISTORY, as_published: bool = False
    ) -> None:
        self.clip_grad = clip_grad
        self.as_published = as_published
        self._norms: deque[float] = deque(maxlen=history)
        self._sorted: list[float] = []

    def __call__(self, parameters: Iterable[Tensor]) -> ClipResult:
        """Clip the gradients of `parameters` in place, unless the result says to skip the step."""
        with_gradient = [p for p in parameters if p.grad is not None]
        gradients = [p.grad for p in with_gradient if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        value = float(norm)
        limit = self.max_norm
        skip = not (math.isfinite(value) or self.as_published)
        if not skip:
            if limit != math.inf:
                torch.nn.utils.clip_grads_with_norm_(with_gradient, limit, norm)
            self._remember(value)
        return ClipResult(norm=value, max_norm=limit, skip=skip)

    @property
    def max_norm(self) -> float:
        """The limit that the next step will be held to."""
        if self.clip_grad > 0:
            return self.clip_grad
        if self.clip_grad == 0 or not self._norms:
            return math.inf
        if self.as_published:
            return float(np.quantile(np.array(self._norms, dtype=np.float32), QUANTILE))
        position = QUANTILE * (len(self._sorted) - 1)
        low = math.floor(position)
        below, above = self._sorted[low], self._sorted[min(low + 1, len(self._sorted) - 1)]
        return below + (position - low) * (above - below)

    def _remember(self, norm: float) -> None:
        if self.clip_grad >= 0:
            return
        if not self.as_published:
            if len(self._norms) == self._norms.maxlen:
                del self._sorted[bisect_left(self._sorted, self._norms[0])]
            insort(self._sorted, norm)
        self._norms.append(norm)

    def state_dict(self) -> dict[str, Tensor]:
        """The history, oldest norm first: {"norms": (k,) float32}."""
        return {"norms": torch.tensor(list(self._norms), dtype=torch.float32)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over the history of `state_dict`."""
        self._norms.clear()
        self._norms.extend(state["norms"].tolist())
        self._sorted = [] if self.as_published else sorted(self._norms)
