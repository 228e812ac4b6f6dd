"""Scores of predicted responses on disk, in recorded units, per tier and per stimulus type.

Besides the metrics as published there are the two normalisations of Sensorium 2023, named by
suffix. Both divide truth and prediction by a standard deviation over the training trials and
count undefined correlations as 0. The exact code of the competition is not public.

* `_per_frame_std`: one divisor for each neuron and frame, as its loader and server had it.
* `_per_neuron_std`: one divisor for each neuron, over trials and frames. It changes correlations
  only where they are undefined, but it makes the signal-power threshold of the normalised
  correlation independent of the units of the responses.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from viv1t import metrics
from viv1t.data.recording import Recording
from viv1t.data.statistics import PRECISION_FLOOR, load_statistics
from viv1t.errors import DataError, MissingResultError
from viv1t.names import STIMULUS_TYPES, TEST_TIERS, TIERS, UNKNOWN_STIMULUS
from viv1t.results.responses import ResponseFile
from viv1t.results.tables import MetricScores, with_average

logger = logging.getLogger(__name__)

ALL: Final = "all"
NEURON_BLOCK: Final = 1000
LABELS: Final = ("mouse", "neuron", "unit_id", "tier", "stimulus_type")
NORMALISED: Final = ("correlation", "correlation_to_average", "normalized_correlation")


@dataclass(frozen=True, kw_only=True)
class ScoredTrials:
    """Recorded and predicted responses of some trials of one mouse, in recorded units.

    Attributes:
        y_true: one (n, t_i) float32 tensor for each trial, skipped frames left out.
        y_pred: predictions, in the shapes of `y_true`.
        starts: frame of the trial that the first column is.
        video_ids: equal for repeats of one movie; negative: unknown.
    """

    y_true: Sequence[Tensor]
    y_pred: Sequence[Tensor]
    starts: Sequence[int]
    video_ids: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Divisors:
    """What the Sensorium normalisations divide by, in recorded units.

    Attributes:
        per_frame_std: (n, t), over training trials.
        per_neuron_std: (n, t), over training trials and frames, the same in all frames.
    """

    per_frame_std: Tensor
    per_neuron_std: Tensor


def divisors(recording: Recording, neurons: np.ndarray) -> Divisors | None:
    """The divisors of some neurons; None, and a line in the log, without training trials.

    Standard deviations are those of the population. Values under 1 % of the mean over all
    neurons (and frames) are replaced by that. Frames that no training trial reaches have the
    divisor of their neuron. Responses are read trial by trial.

    Args:
        recording: one mouse.
        neurons: (n,) rows of the recording.
    """
    trials = [int(trial) for trial in recording.trials("train")]
    if not trials:
        logger.info(
            "mouse %s has no training trials: scores with Sensorium normalisation are undefined",
            recording.mouse.id,
        )
        return None
    statistics = load_statistics(recording)
    of_neuron = np.maximum(statistics.response.std, statistics.response_floor)[:, None]
    shape = (recording.num_neurons, recording.mouse.max_frames)
    count, total, square = np.zeros(shape[1]), np.zeros(shape), np.zeros(shape)
    for trial in trials:
        frames = recording.length(trial)
        response = recording.read_responses(trial, start=0, stop=frames).astype(np.float64)
        count[:frames] += 1
        total[:, :frames] += response
        square[:, :frames] += response**2
    reached = np.maximum(count, 1)
    std = np.sqrt(np.maximum(square / reached - (total / reached) ** 2, 0))
    floor = PRECISION_FLOOR * np.nanmean(std[:, count > 0])
    of_frame = np.where(count > 0, np.maximum(std, floor), of_neuron)
    return Divisors(
        per_frame_std=torch.from_numpy(of_frame[neurons].astype(np.float32)),
        per_neuron_std=torch.from_numpy(of_neuron[neurons].astype(np.float32)).expand(-1, shape[1]),
    )


def neuron_scores(trials: ScoredTrials, scales: Divisors | None) -> dict[str, Tensor]:
    """Metrics of each neuron, name -> (n,): four as published, three in each normalisation.

    Args:
        trials: at least one trial.
        scales: divisors of the normalisations; None: their scores are NaN.
    """
    num_neurons = trials.y_true[0].shape[0]
    parts: list[dict[str, Tensor]] = []
    for start in range(0, num_neurons, NEURON_BLOCK):
        rows = slice(start, start + NEURON_BLOCK)
        true, pred = [y[rows] for y in trials.y_true], [y[rows] for y in trials.y_pred]
        scores = metrics.neuron_metrics(true, pred, trials.video_ids)
        for convention in ("per_frame_std", "per_neuron_std"):
            if scales is None:
                normalised = {m: torch.full((len(true[0]),), torch.nan) for m in NORMALISED}
            else:
                by = getattr(scales, convention)[rows]
                normalised = _normalised(
                    _divided(true, by, trials.starts),
                    _divided(pred, by, trials.starts),
                    trials.video_ids,
                )
            scores |= {f"{metric}_{convention}": v for metric, v in normalised.items()}
        parts.append(scores)
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _divided(trials: Sequence[Tensor], by: Tensor, starts: Sequence[int]) -> list[Tensor]:
    pairs = zip(trials, starts, strict=True)
    return [y / by[:, start : start + y.shape[1]] for y, start in pairs]


def _normalised(
    y_true: Sequence[Tensor], y_pred: Sequence[Tensor], video_ids: Sequence[int]
) -> dict[str, Tensor]:
    to_average = metrics.correlation_to_average(y_true, y_pred, video_ids)
    if metrics.repeats(video_ids):
        to_average = to_average.nan_to_num(nan=0.0)
    values = (
        metrics.challenge_correlation(y_true, y_pred, nan_as_zero=True),
        to_average,
        metrics.normalized_correlation(y_true, y_pred, video_ids),
    )
    return dict(zip(NORMALISED, values, strict=True))


def evaluate_mouse(recording: Recording, file: ResponseFile) -> pd.DataFrame:
    """Scores of each neuron: columns mouse, neuron, unit_id, tier, stimulus_type and metrics.

    Rows of a tier have stimulus_type "all", rows of a stimulus type have tier "all" (all test
    tiers together, so that "movie" is live_main and final_main). `neuron` is the row of the
    recording. Tiers that are hidden or were not predicted are left out, and a line says so.

    Args:
        recording: one mouse.
        file: its predicted responses.

    Raises:
        MissingResultError: there is no such file, or no tier in it that can be scored.
        DataError: file and recording do not belong together.
    """
    neurons = _neurons(recording, file)
    of_tier = _scored_tiers(recording, file)
    if not of_tier:
        raise MissingResultError(
            f"{file.path} has no trials of {', '.join(TIERS[1:])} with recorded responses; "
            "predict one of these tiers with predict.py"
        )
    scales = divisors(recording, neurons)
    tables = []
    for tier, stimulus_type, trial_ids in _groups(recording, of_tier):
        scores = neuron_scores(read_trials(recording, file, neurons, trial_ids), scales)
        labels = (recording.mouse.id, neurons, recording.unit_ids[neurons], tier, stimulus_type)
        columns: dict[str, Any] = dict(zip(LABELS, labels, strict=True))
        columns |= {name: values.numpy() for name, values in scores.items()}
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def tier_trials(
    recording: Recording, file: ResponseFile, tier: str
) -> tuple[np.ndarray, ScoredTrials]:
    """Rows of the recording (n,) that were predicted, and all trials of `tier`.

    Args:
        recording: one mouse.
        file: its predicted responses.
        tier: any but train.

    Raises:
        MissingResultError: the tier was not predicted, or its recorded responses are hidden.
        DataError: file and recording do not belong together.
    """
    neurons = _neurons(recording, file)
    trials = _scored_tiers(recording, file).get(tier)
    if trials is None:
        raise MissingResultError(
            f"{file.path} has no trials of {tier} with recorded responses; predict them with "
            f"predict.py --ds_tier {tier}, or name another --ds_tier"
        )
    return neurons, read_trials(recording, file, neurons, trials)


def _neurons(recording: Recording, file: ResponseFile) -> np.ndarray:
    """Rows of the recording that the rows of `file` are, after checking that they fit."""
    attributes = file.attrs
    remedy = "predict again with predict.py and the same --data_dir"
    if attributes.get("units", "recorded") != "recorded":
        raise DataError(
            f"{file.path} holds responses in {attributes['units']} units, recorded ones are "
            "needed; predict again with predict.py --units recorded"
        )
    neurons = np.asarray(attributes.get("neuron_idx", np.arange(recording.num_neurons)))
    fits = neurons.max(initial=-1) < recording.num_neurons and np.array_equal(
        attributes.get("unit_ids", recording.unit_ids[neurons]), recording.unit_ids[neurons]
    )
    if not fits:
        raise DataError(
            f"{file.path} names neurons that mouse {recording.mouse.id} in {recording.folder} "
            f"({recording.num_neurons} neurons) does not have; {remedy}"
        )
    return neurons


def _scored_tiers(recording: Recording, file: ResponseFile) -> dict[str, list[int]]:
    """{tier: trials} of all tiers but train that were predicted and are not hidden."""
    predicted = set(file.trial_ids())
    of_tier: dict[str, list[int]] = {}
    left_out: dict[str, list[str]] = {"hidden": [], "not predicted": []}
    for tier in TIERS[1:]:
        trials = [int(trial) for trial in recording.trials(tier)]
        missing = [trial for trial in trials if trial not in predicted]
        if not trials:
            continue
        if recording.is_hidden(tier):
            left_out["hidden"].append(tier)
        elif len(missing) == len(trials):
            left_out["not predicted"].append(tier)
        elif missing:
            raise DataError(
                f"{file.path} lacks {len(missing)} of {len(trials)} trials of {tier} (the first "
                f"is {missing[0]}); predict again with predict.py --ds_tier {tier}"
            )
        else:
            of_tier[tier] = trials
    if any(left_out.values()):
        parts = [f"{', '.join(tiers)} ({why})" for why, tiers in left_out.items() if tiers]
        logger.info("mouse %s: left out %s", recording.mouse.id, "; ".join(parts))
    return of_tier


def _groups(
    recording: Recording, of_tier: Mapping[str, list[int]]
) -> Iterator[tuple[str, str, list[int]]]:
    """(tier, stimulus type, trials) of what is scored together."""
    for tier, trials in of_tier.items():
        yield tier, ALL, trials
    tested = [trial for tier in TEST_TIERS for trial in of_tier.get(tier, ())]
    unknown = sum(recording.stimulus_ids[trial] == UNKNOWN_STIMULUS for trial in tested)
    if unknown:
        logger.info(
            "mouse %s: %d test trials of unknown stimulus type are left out of the types",
            recording.mouse.id,
            unknown,
        )
    for number, name in enumerate(STIMULUS_TYPES):
        trials = [trial for trial in tested if recording.stimulus_ids[trial] == number]
        if trials:
            yield ALL, name, trials


def read_trials(
    recording: Recording, file: ResponseFile, neurons: np.ndarray, trial_ids: Sequence[int]
) -> ScoredTrials:
    """Recorded and predicted responses of `trial_ids`, aligned at the end of each trial.

    Args:
        recording: one mouse.
        file: its predicted responses.
        neurons: (n,) rows of the recording that the rows of `file` are.
        trial_ids: indices of trials.

    Raises:
        DataError: a prediction has another number of neurons, or more frames than the trial.
    """
    skip = recording.mouse.skip_frames
    y_true, y_pred, starts = [], [], []
    for trial, pred in zip(trial_ids, file.read_several(trial_ids), strict=True):
        length = recording.length(trial)
        if pred.shape[0] != len(neurons) or pred.shape[1] > length or length <= skip:
            raise DataError(
                f"{file.path}, trial {trial}: expected {len(neurons)} neurons and at most "
                f"{length} frames, more than {skip} recorded, as in {recording.folder}; found "
                f"{pred.shape[0]} neurons and {pred.shape[1]} frames. Predict again with "
                "predict.py and the same --data_dir"
            )
        start = max(skip, length - pred.shape[1])
        true = recording.read_responses(trial, neurons=neurons, start=start, stop=length)
        y_true.append(torch.from_numpy(true))
        y_pred.append(torch.from_numpy(pred[:, start - length :]))
        starts.append(start)
    video_ids = [int(recording.video_ids[trial]) for trial in trial_ids]
    return ScoredTrials(y_true=y_true, y_pred=y_pred, starts=starts, video_ids=video_ids)


def summarise(neurons: pd.DataFrame, label: str) -> dict[str, MetricScores]:
    """{label: {metric: {mouse: value, "average": mean over mice}}}, ready for YAML.

    The value of a mouse is the mean over neurons; correlation_to_average and
    normalized_correlation leave out neurons where they are undefined.

    Args:
        neurons: rows of `evaluate_mouse`, of one or several mice.
        label: "tier" or "stimulus_type".
    """
    names = [str(c) for c in neurons if c not in LABELS]
    summary = {}
    for value, rows in neurons[neurons[label] != ALL].groupby(label, sort=False):
        of_mouse = {
            str(mouse_id): {name: _over_neurons(name, part[name]) for name in names}
            for mouse_id, part in rows.groupby("mouse", sort=False)
        }
        summary[str(value)] = with_average(str(value), of_mouse)
    return summary


def _over_neurons(name: str, values: "pd.Series[float]") -> float:
    return float(values.mean(skipna=name not in ("correlation", "single_trial_correlation")))
