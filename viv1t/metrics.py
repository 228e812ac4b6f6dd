"""How well predicted responses agree with recorded ones.

Trials come as one tensor (b, n, t) or as a sequence of b tensors (n, t_i) of unequal lengths.
Metrics of neurons are computed over blocks of neurons, so that 60 trials of 8,000 neurons need
little memory beyond the responses themselves.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import torch
from torch import Tensor

EPS: Final = 1e-8
MIN_SIGNAL_POWER: Final = 1e-4
BLOCK_ELEMENTS: Final = 1_000_000  # samples of one signal that are copied at a time (4 MB)

Trials: TypeAlias = Tensor | Sequence[Tensor]
BlockMetric: TypeAlias = Callable[[Sequence[Tensor], Sequence[Tensor]], Tensor]


def correlation(
    y1: Tensor, y2: Tensor, *, dim: int | tuple[int, ...] | None = None, eps: float = EPS
) -> Tensor:
    """Pearson correlation over `dim` (None: over all), as published.

    Both signals are z-scored with the population standard deviation + `eps`; a constant signal
    gives 0 up to rounding, a NaN gives NaN.

    Args:
        y1: any shape.
        y2: the shape of `y1`.
        dim: axes that are averaged away.
        eps: added to each standard deviation.
    """
    axes = tuple(range(y1.dim())) if dim is None else dim
    scores = []
    for y in (y1, y2):
        centred = y - y.mean(dim=axes, keepdim=True)
        scores.append(centred / (y.std(dim=axes, correction=0, keepdim=True) + eps))
    return (scores[0] * scores[1]).mean(dim=axes)


def _pairs(y_true: Trials, y_pred: Trials) -> tuple[list[Tensor], list[Tensor]]:
    true, pred = list(y_true), list(y_pred)
    if not true or [y.shape for y in true] != [y.shape for y in pred]:
        raise ValueError(
            f"expected one prediction (n, t) for each recorded trial (n, t), at least one; found "
            f"{len(true)} trials and {len(pred)} predictions, first shapes "
            f"{[tuple(y.shape) for y in (*true[:1], *pred[:1])]}"
        )
    return true, pred


def _per_neuron(metric: BlockMetric, y_true: Trials, y_pred: Trials) -> Tensor:
    """`metric` of each neuron (n,), computed over blocks of neurons."""
    true, pred = _pairs(y_true, y_pred)
    size = max(1, BLOCK_ELEMENTS // max(1, sum(y.shape[-1] for y in true)))
    blocks = [slice(i, i + size) for i in range(0, true[0].shape[0], size)]
    return torch.cat([metric([y[b] for y in true], [y[b] for y in pred]) for b in blocks])


def _reduce(values: Tensor, reduction: Literal["mean", "sum"]) -> Tensor:
    return values.mean() if reduction == "mean" else values.sum()


def sse(y_true: Trials, y_pred: Trials, *, reduction: Literal["mean", "sum"] = "mean") -> Tensor:
    """Squared error summed over neurons and frames, mean (or sum) over trials; a scalar."""
    pairs = zip(*_pairs(y_true, y_pred), strict=True)
    return _reduce(torch.stack([(y - p).square().sum() for y, p in pairs]), reduction)


def poisson_loss(
    y_true: Trials,
    y_pred: Trials,
    *,
    reduction: Literal["mean", "sum"] = "mean",
    eps: float = EPS,
) -> Tensor:
    """Poisson loss p - y log p summed over neurons and frames, mean (or sum) over trials.

    NaN for predictions below -eps.
    """
    pairs = zip(*_pairs(y_true, y_pred), strict=True)
    losses = [(p + eps - (y + eps) * (p + eps).log()).sum() for y, p in pairs]
    return _reduce(torch.stack(losses), reduction)


def single_trial_correlation(y_true: Trials, y_pred: Trials) -> Tensor:
    """Correlation (n,) over the frames of a trial, averaged over trials of whatever length."""

    def block(true: Sequence[Tensor], pred: Sequence[Tensor]) -> Tensor:
        pairs = zip(true, pred, strict=True)
        return torch.stack([correlation(y, p, dim=-1) for y, p in pairs]).mean(dim=0)

    return _per_neuron(block, y_true, y_pred)


def challenge_correlation(y_true: Trials, y_pred: Trials, *, nan_as_zero: bool = False) -> Tensor:
    """Correlation (n,) over all trials, one after the other: `correlation` in all results.

    Args:
        y_true: recorded trials.
        y_pred: predicted trials.
        nan_as_zero: count undefined correlations as 0, as the Sensorium 2023 scorer does.
    """

    def block(true: Sequence[Tensor], pred: Sequence[Tensor]) -> Tensor:
        return correlation(torch.cat(list(true), dim=-1), torch.cat(list(pred), dim=-1), dim=-1)

    values = _per_neuron(block, y_true, y_pred)
    return values.nan_to_num(nan=0.0) if nan_as_zero else values


def repeats(video_ids: Tensor | Sequence[int]) -> list[list[int]]:
    """Positions of the trials of each repeated movie, movies in ascending order of their id.

    Movies shown once and movies of unknown id (negative) are left out.
    """
    groups: dict[int, list[int]] = {}
    for position, video_id in enumerate(int(v) for v in video_ids):
        groups.setdefault(video_id, []).append(position)
    return [groups[v] for v in sorted(groups) if v >= 0 and len(groups[v]) > 1]


def _stack(trials: Sequence[Tensor], positions: Sequence[int]) -> Tensor:
    """Repeats (r, n, t) of a movie, cut to the shortest of them."""
    length = min(trials[i].shape[-1] for i in positions)
    return torch.stack([trials[i][..., :length] for i in positions])


def correlation_to_average(
    y_true: Trials, y_pred: Trials, video_ids: Tensor | Sequence[int]
) -> Tensor:
    """Correlation (n,) between mean responses to repeated movies, averaged over movies.

    Both truth and prediction are averaged over the repeats. NaN without repeated movies (the
    published code returned a Python 0.0 and failed later).
    """

    def movie(true: Tensor, pred: Tensor) -> Tensor:
        return correlation(true.mean(dim=0), pred.mean(dim=0), dim=-1)

    return _mean_over_movies(movie, y_true, y_pred, video_ids, torch.mean)


def signal_power(y_true: Tensor) -> Tensor:
    """Signal power (n,) of repeats (r, n, t), r >= 2 (Sahani & Linden 2003)."""
    r = y_true.shape[0]
    power = y_true.sum(dim=0).var(dim=-1) - y_true.var(dim=-1).sum(dim=0)
    return power / (r * (r - 1))


def cc_norm(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Normalised correlation (n,) of repeats (r, n, t) of one movie (Schoppe et al. 2016).

    NaN where the signal power is at most 1e-4, a threshold in the units of the responses; values
    can exceed 1.
    """
    power = signal_power(y_true)
    mu, nu = y_true.mean(dim=0), y_pred.mean(dim=0)
    scale = (nu.var(dim=-1) * power).sqrt() + EPS
    return torch.where(power > MIN_SIGNAL_POWER, _covariance(mu, nu) / scale, torch.nan)


def cc_abs(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Absolute correlation (n,) of mean responses to repeats (r, n, t) (Schoppe et al. 2016)."""
    mu, nu = y_true.mean(dim=0), y_pred.mean(dim=0)
    return _covariance(mu, nu) / ((mu.var(dim=-1) * nu.var(dim=-1)).sqrt() + EPS)


def _covariance(y1: Tensor, y2: Tensor) -> Tensor:
    centred = (y1 - y1.mean(dim=-1, keepdim=True)) * (y2 - y2.mean(dim=-1, keepdim=True))
    return centred.sum(dim=-1) / (y1.shape[-1] - 1)


def normalized_correlation(
    y_true: Trials, y_pred: Trials, video_ids: Tensor | Sequence[int]
) -> Tensor:
    """Normalised correlation (n,), see `cc_norm`, averaged over the movies where it is defined.

    NaN without repeated movies (the published code returned a Python 0.0).
    """
    return _mean_over_movies(cc_norm, y_true, y_pred, video_ids, torch.nanmean)


def _mean_over_movies(
    of_movie: Callable[[Tensor, Tensor], Tensor],
    y_true: Trials,
    y_pred: Trials,
    video_ids: Tensor | Sequence[int],
    mean: Callable[..., Tensor],
) -> Tensor:
    movies = repeats(video_ids)

    def block(true: Sequence[Tensor], pred: Sequence[Tensor]) -> Tensor:
        if not movies:
            return torch.full_like(true[0][:, 0], torch.nan)
        values = [of_movie(_stack(true, movie), _stack(pred, movie)) for movie in movies]
        return mean(torch.stack(values), dim=0)

    return _per_neuron(block, y_true, y_pred)


NEURON_METRICS: Final[Mapping[str, Callable[..., Tensor]]] = MappingProxyType(
    {
        "correlation": lambda y, p, _: challenge_correlation(y, p),
        "single_trial_correlation": lambda y, p, _: single_trial_correlation(y, p),
        "correlation_to_average": correlation_to_average,
        "normalized_correlation": normalized_correlation,
    }
)


def neuron_metrics(
    y_true: Trials, y_pred: Trials, video_ids: Tensor | Sequence[int]
) -> dict[str, Tensor]:
    """The four metrics of each neuron, name -> (n,)."""
    return {name: metric(y_true, y_pred, video_ids) for name, metric in NEURON_METRICS.items()}


def over_neurons(name: str, values: Tensor) -> float:
    """Mean of the metric `name` over neurons; undefined normalised correlations are left out."""
    return float(values.nanmean() if name == "normalized_correlation" else values.mean())


def compute_metrics(
    y_true: Trials, y_pred: Trials, video_ids: Tensor | Sequence[int]
) -> dict[str, float]:
    """All metrics of one mouse as floats: msse, poisson_loss and the means over neurons."""
    neurons = neuron_metrics(y_true, y_pred, video_ids)
    return {
        "msse": float(sse(y_true, y_pred)),
        "poisson_loss": float(poisson_loss(y_true, y_pred)),
        **{name: over_neurons(name, values) for name, values in neurons.items()},
    }
