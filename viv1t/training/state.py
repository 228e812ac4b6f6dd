"""The state of a training: all that must survive for it to go on as if nothing had happened."""

import logging
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

from viv1t import checkpoint
from viv1t.errors import CheckpointError
from viv1t.optimizer import AutoClip, averaged
from viv1t.results.run import RunDir
from viv1t.scheduler import PlateauScheduler
from viv1t.utils.files import write_yaml

logger = logging.getLogger(__name__)

FORMAT: Final = 1


@dataclass
class Progress:
    """How far a training has come.

    Attributes:
        epoch: the last epoch that finished; 0 before the first.
        best_epoch: the epoch of the best weights; 0 before the first.
        best_corr: its validation correlation; NaN while none was defined.
        stopped: whether training ended before the last epoch asked for.
        diverged: whether it ended because the loss was no longer finite.
        history: one row an epoch, as in history.jsonl.
    """

    epoch: int = 0
    best_epoch: int = 0
    best_corr: float = math.nan
    stopped: bool = False
    diverged: bool = False
    history: list[dict[str, Any]] = field(default_factory=list)

    def improves(self, correlation: float) -> bool:
        """Whether `correlation` is the best so far; any first epoch is."""
        if self.best_epoch == 0:
            return True
        if math.isnan(self.best_corr):
            return not math.isnan(correlation)
        return correlation > self.best_corr


@dataclass(frozen=True, kw_only=True)
class TrainState:
    """The moving parts of a training.

    Attributes:
        model: weights.
        optimizer: moments.
        clip: history of gradient norms.
        scheduler: None with schedule-free AdamW.
        progress: epoch, best epoch, history.
    """

    model: nn.Module
    optimizer: Optimizer
    clip: AutoClip
    scheduler: PlateauScheduler | None
    progress: Progress

    def save_best(self, run: RunDir) -> None:
        """Write the weights as the best ones of `run`, with epoch and correlation."""
        checkpoint.save(run.best_weights, checkpoint.weights_of(self.model))
        progress = self.progress
        info = {"epoch": progress.best_epoch, "best_corr": float(progress.best_corr)}
        write_yaml(run.best_info, info)

    def save_last(self, run: RunDir) -> None:
        """Write last.pt and history.jsonl of `run`.

        Call it inside `viv1t.optimizer.averaged`, so that a schedule-free optimiser shows its
        averaged weights.
        """
        content = {
            "format": FORMAT,
            "model": checkpoint.weights_of(self.model),
            "optimizer": self.optimizer.state_dict(),
            "clip": self.clip.state_dict(),
            "scheduler": self.scheduler.state_dict() if self.scheduler else None,
            "rng": rng_state(),
            "progress": vars(self.progress),
        }
        checkpoint.save(run.last_state, content)
        run.write_history(self.progress.history)

    def load_last(self, run: RunDir) -> None:
        """Take over last.pt of `run`, random generators included; mends history.jsonl.

        Raises:
            CheckpointError: the file is damaged or belongs to another model.
        """
        path = run.last_state
        remedy = f"delete {path} to start again from epoch 1, or put back a copy"
        content = checkpoint.load(path, remedy=remedy)
        if content.get("format") != FORMAT:
            raise CheckpointError(
                f"{path} should state format {FORMAT}, found {content.get('format')}; {remedy}"
            )
        try:
            # Saved with averaged weights: a schedule-free optimiser moves on from them on leaving.
            with averaged(self.optimizer):
                self._take_over(content, source=path)
        except CheckpointError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:160]
            raise CheckpointError(
                f"{path} lacks a part or is damaged ({reason}); {remedy}"
            ) from error
        run.write_history(self.progress.history)

    def _take_over(self, content: Mapping[str, Any], *, source: Path) -> None:
        checkpoint.load_into(self.model, content["model"], source=source)
        self.optimizer.load_state_dict(content["optimizer"])
        self.clip.load_state_dict(content["clip"])
        if self.scheduler:
            self.scheduler.load_state_dict(content["scheduler"])
        vars(self.progress).update(vars(Progress(**content["progress"])))
        restore_rng(content["rng"])


def rng_state() -> dict[str, Any]:
    """The states of the generators of Python, NumPy and torch, as tensors and plain values."""
    version, words, gauss = random.getstate()
    legacy = np.random.get_state(legacy=False)  # noqa: NPY002
    keys = torch.from_numpy(legacy["state"]["key"].astype(np.int64))
    state: dict[str, Any] = {
        "python": [version, list(words), gauss],
        "numpy": {
            "key": keys,
            "rest": [legacy["state"]["pos"], legacy["has_gauss"], legacy["gauss"]],
        },
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def restore_rng(state: Mapping[str, Any]) -> None:
    """Set the generators to what `rng_state` gave; CUDA's only if it has as many devices."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    key, rest = state["numpy"]["key"], state["numpy"]["rest"]
    np.random.set_state(("MT19937", key.numpy().astype(np.uint32), *rest))  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    cuda = state.get("cuda", [])
    if cuda and torch.cuda.device_count() == len(cuda):
        torch.cuda.set_rng_state_all(cuda)
