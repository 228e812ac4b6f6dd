"""One pass over the training trials, and one over the validation trials.

Both losses of history.jsonl have one unit: the criterion of a trial, and of one frame of it for
the criterions that sum over frames. The published training divided the one by mice x batch size
and not the other; the gradients here are still those.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor
from torch.optim import Optimizer
from tqdm import tqdm

from viv1t import metrics
from viv1t.batch import Batch
from viv1t.criterions import CRITERIONS, Criterion
from viv1t.data.loaders import Loaders
from viv1t.model.model import Model
from viv1t.names import MouseId
from viv1t.optimizer import AutoClip
from viv1t.training.evaluate import predict_tier

# Losses that grow with the number of frames.
FRAME_SUMS: Final = frozenset({"poisson", "gamma"})
DELAY_S: Final = 3.0


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a training step needs besides the data.

    Attributes:
        model: in training mode.
        optimizer: likewise.
        clip: clips the gradients and says when to skip a step.
        criterion: the loss.
        micro_batch_size: trials per forward pass.
        batch_size: trials per mouse and step, the divisor of the loss.
        penalised: whether the model's L1 penalties belong to the loss.
        device: where the model is.
    """

    model: Model
    optimizer: Optimizer
    clip: AutoClip
    criterion: Criterion
    micro_batch_size: int
    batch_size: int
    penalised: bool
    device: torch.device


@dataclass
class Totals:
    """Sums over the batches of each mouse, kept on the device so that nothing waits for them."""

    losses: dict[MouseId, list[Tensor]] = field(default_factory=dict)
    correlations: dict[MouseId, list[Tensor]] = field(default_factory=dict)
    norms: list[float] = field(default_factory=list)
    skipped: int = 0

    def add(self, mouse_id: MouseId, loss: Tensor, correlation: Tensor) -> None:
        """Add one batch."""
        self.losses.setdefault(mouse_id, []).append(loss)
        self.correlations.setdefault(mouse_id, []).append(correlation)

    def all_losses(self) -> Tensor:
        """The loss of each batch, of all mice."""
        return torch.stack([loss for of_mouse in self.losses.values() for loss in of_mouse])


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """What an epoch of training gave.

    Attributes:
        loss: mean over batches, then mice, per trial (and frame).
        correlation: challenge correlation of a batch, mean over batches, then mice.
        grad_norm: mean of the finite gradient norms before clipping; NaN if there is none.
        skipped: steps that were skipped because a gradient was not finite.
        steps: steps of the epoch, skipped ones included.
        diverged: whether not one batch had a finite loss.
    """

    loss: float
    correlation: float
    grad_norm: float
    skipped: int
    steps: int
    diverged: bool


@dataclass(frozen=True, kw_only=True)
class ValidationResult:
    """What validation gave: means over mice.

    Attributes:
        loss: criterion per trial (and frame).
        correlation: challenge correlation; NaN if it cannot be trusted.
        poisson: Poisson loss per trial.
        single_trial_correlation: mean over trials and neurons.
        normalized_correlation: NaN without repeated movies.
    """

    loss: float
    correlation: float
    poisson: float
    single_trial_correlation: float
    normalized_correlation: float


def per_unit(criterion: Criterion, losses: Sequence[Tensor], y_pred: Sequence[Tensor]) -> Tensor:
    """The mean loss in the unit of history.jsonl, a scalar.

    Args:
        criterion: what gave the losses.
        losses: one for each piece.
        y_pred: predictions (b, n, t) of each piece.
    """
    total = torch.stack(list(losses)).sum()
    if any(criterion.loss is CRITERIONS[name] for name in FRAME_SUMS):
        return total / sum(pred.shape[0] * pred.shape[-1] for pred in y_pred)
    return total / len(losses)


def train_epoch(
    step: Step, batches: Iterable[Batch], *, num_mice: int, num_batches: int, bar: bool | None
) -> TrainResult:
    """The result of one epoch of training; `step.model` and its optimiser have changed.

    `batches` go round the mice. After one batch of each mouse the optimiser takes a step on
    (sum of their losses) / (mice x batch size); L1 penalties count 1 / mice each.

    Args:
        step: what training needs besides data.
        batches: round robin over mice, `num_batches` in all.
        num_mice: mice in the round.
        num_batches: length of `batches`.
        bar: a progress bar: True at once, None only if the epoch takes seconds, False never.
    """
    totals = Totals()
    step.optimizer.zero_grad(set_to_none=True)
    for i, batch in enumerate(_progress(batches, total=num_batches, bar=bar), start=1):
        loss, correlation = _accumulate(step, batch.to(step.device), num_mice=num_mice)
        totals.add(batch.mouse_id, loss, correlation)
        if i % num_mice == 0:
            clipped = step.clip(step.model.parameters())
            if clipped.skip:
                totals.skipped += 1
            else:
                totals.norms.append(clipped.norm)
                step.optimizer.step()
            step.optimizer.zero_grad(set_to_none=True)
    return TrainResult(
        loss=_over_mice(totals.losses.values()),
        correlation=_over_mice(totals.correlations.values()),
        grad_norm=sum(totals.norms) / len(totals.norms) if totals.norms else math.nan,
        skipped=totals.skipped,
        steps=num_batches // num_mice,
        diverged=not bool(torch.isfinite(totals.all_losses()).any()),
    )


def _accumulate(step: Step, batch: Batch, *, num_mice: int) -> tuple[Tensor, Tensor]:
    """Add the gradients of `batch`; its loss and correlation, scalars on the device."""
    divisor = num_mice * step.batch_size
    losses, y_true, y_pred = [], [], []
    for piece in batch.micro(step.micro_batch_size):
        pred = step.model(
            piece.video,
            mouse_id=piece.mouse_id,
            behaviors=piece.behavior,
            pupil_centers=piece.pupil_center,
        )
        true = piece.response[..., -pred.shape[-1] :]
        loss = step.criterion(true, pred, piece.mouse_id)
        (loss / divisor).backward()
        losses.append(loss.detach())
        y_true.append(true)
        y_pred.append(pred.detach())
    if step.penalised:
        (step.model.penalty(batch.mouse_id) / num_mice).backward()
    correlation = metrics.challenge_correlation(torch.cat(y_true), torch.cat(y_pred)).mean()
    return per_unit(step.criterion, losses, y_pred), correlation


def validate(
    model: Model, loaders: Loaders, criterion: Criterion, *, device: torch.device
) -> ValidationResult:
    """The scores of `model` on the validation trials, from frame `skip_frames` on.

    Trials may differ in length. The correlation is NaN if the loss is, or if it lies outside
    [-1, 1].
    """
    rows = []
    for mouse_id in loaders.mouse_ids:
        if "validation" not in loaders.tiers(mouse_id):
            continue
        found = predict_tier(model, loaders, "validation", mouse_id, device)
        y_pred = [pred[None] for pred in found.y_pred]
        losses = [
            criterion(true[None], pred, mouse_id)
            for true, pred in zip(found.y_true, y_pred, strict=True)
        ]
        scores = metrics.compute_metrics(found.y_true, found.y_pred, found.video_ids)
        rows.append({"loss": float(per_unit(criterion, losses, y_pred)), **scores})
    mean = {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}
    normalized = [row["normalized_correlation"] for row in rows]
    return ValidationResult(
        loss=mean["loss"],
        correlation=trusted(mean["correlation"], loss=mean["loss"]),
        poisson=mean["poisson_loss"],
        single_trial_correlation=mean["single_trial_correlation"],
        normalized_correlation=_mean_defined(normalized),
    )


def trusted(correlation: float, *, loss: float) -> float:
    """`correlation`, or NaN if it or `loss` shows that predictions are not finite."""
    return correlation if math.isfinite(loss) and abs(correlation) <= 1 + 1e-6 else math.nan


def _mean_defined(values: Sequence[float]) -> float:
    defined = [value for value in values if not math.isnan(value)]
    return sum(defined) / len(defined) if defined else math.nan


def _over_mice(values: Iterable[list[Tensor]]) -> float:
    """Mean over batches, then over mice."""
    return float(torch.stack([torch.stack(of_mouse).mean() for of_mouse in values]).mean())


def _progress(batches: Iterable[Batch], *, total: int, bar: bool | None) -> Iterator[Batch]:
    """`batches`, with a progress bar on stderr; for None only on a terminal, after seconds."""
    off = None if bar is None else not bar
    delay = 0.0 if bar else DELAY_S
    yield from tqdm(batches, total=total, disable=off, delay=delay, leave=False, unit="batch")
