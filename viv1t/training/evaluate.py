"""Predictions of a model for the recorded trials of a tier, and how good they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from viv1t import metrics
from viv1t.data.loaders import Loaders
from viv1t.model.model import Model
from viv1t.model.repeats import RepeatedMovies
from viv1t.names import MouseId, Tier
from viv1t.results.tables import MetricScores, with_average

EVALUATED: Final = ("correlation", "single_trial_correlation", "normalized_correlation")


@dataclass(frozen=True, kw_only=True)
class TierResult:
    """Recorded and predicted responses of one mouse in one tier, in transformed units.

    Attributes:
        y_true: one (n, t_i) float32 tensor on the CPU for each trial, skipped frames left out.
        y_pred: predictions, in the shapes of `y_true`.
        trial_ids: (b,) int64.
        video_ids: (b,) int64.
        stimulus_ids: (b,) int64.
    """

    mouse_id: MouseId
    tier: Tier
    y_true: list[Tensor]
    y_pred: list[Tensor]
    trial_ids: Tensor
    video_ids: Tensor
    stimulus_ids: Tensor


def predict_tier(
    model: nn.Module, loaders: Loaders, tier: Tier, mouse_id: MouseId, device: torch.device
) -> TierResult:
    """Responses of `model` to each trial of `tier` (it has one at least), beside the recorded ones.

    Trials are in ascending order; what repeats of a movie share is computed once.

    The first `skip_frames` of a trial are left out. Truth and prediction are aligned at their
    end, so models that give fewer frames than they take are compared rightly. The model runs in
    evaluation mode and is left in the mode it was in.
    """
    skip = loaders.facts[mouse_id].skip_frames
    y_true: list[Tensor] = []
    y_pred: list[Tensor] = []
    ids: list[Tensor] = []
    was_training = model.training
    model.eval()
    respond = RepeatedMovies(model) if isinstance(model, Model) else model
    with torch.no_grad():
        for batch in loaders.evaluation(tier, mouse_id):
            on_device = batch.to(device)
            pred = respond(
                on_device.video,
                mouse_id=mouse_id,
                behaviors=on_device.behavior,
                pupil_centers=on_device.pupil_center,
            )
            frames = min(batch.response.shape[-1] - skip, pred.shape[-1])
            y_true.extend(batch.response[..., -frames:].float().cpu().contiguous())
            y_pred.extend(pred[..., -frames:].float().cpu().contiguous())
            ids.append(torch.stack([batch.trial_ids, batch.video_ids, batch.stimulus_ids]))
    model.train(was_training)
    trial_ids, video_ids, stimulus_ids = torch.cat(ids, dim=1)
    order = torch.argsort(trial_ids)
    return TierResult(
        mouse_id=mouse_id,
        tier=tier,
        y_true=[y_true[i] for i in order],
        y_pred=[y_pred[i] for i in order],
        trial_ids=trial_ids[order],
        video_ids=video_ids[order],
        stimulus_ids=stimulus_ids[order],
    )


def score(result: TierResult) -> dict[str, Tensor]:
    """Metrics of each neuron, name -> (n,); see `viv1t.metrics.NEURON_METRICS`."""
    return metrics.neuron_metrics(result.y_true, result.y_pred, result.video_ids)


def evaluate(
    model: nn.Module, loaders: Loaders, tiers: Sequence[Tier], device: torch.device
) -> dict[str, MetricScores]:
    """Scores {tier: {metric: {mouse: value, "average": mean over mice}}}, ready for YAML.

    Metrics are correlation, single_trial_correlation and normalized_correlation, in transformed
    units. Mice that lack a tier, or whose responses in it are hidden, are left out of it, and a
    tier that no mouse has is left out of the result. Averages leave out mice without a value.
    """
    scores: dict[str, MetricScores] = {}
    for tier in tiers:
        of_mouse = {}
        for mouse_id in loaders.mouse_ids:
            if tier in loaders.tiers(mouse_id):
                neurons = score(predict_tier(model, loaders, tier, mouse_id, device))
                of_mouse[mouse_id] = {m: metrics.over_neurons(m, neurons[m]) for m in EVALUATED}
        if of_mouse:
            scores[tier] = with_average(tier, of_mouse)
    return scores
