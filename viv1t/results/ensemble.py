"""The weighted mean of the saved predictions of several runs."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from viv1t.config.flags import check
from viv1t.errors import ConfigError, MissingResultError
from viv1t.names import MouseId
from viv1t.results.responses import ResponseAttributes, ResponseFile, predicted_mice

logger = logging.getLogger(__name__)

# What must be the same in all files, for their responses to be of the same things.
_SHARED = ("mouse", "unit_ids", "neuron_idx", "units", "source", "skip_frames", "fps")


def shares_of(weights: Sequence[float] | None, num_runs: int) -> NDArray[np.float64]:
    """Weights (r,) of the runs, of sum 1; equal ones if none are given.

    Raises:
        ConfigError: not one positive number a run.
    """
    values = np.ones(num_runs) if weights is None else np.asarray(weights, float)
    check(
        values.shape == (num_runs,) and bool(np.all(values > 0)),
        f"--weights: expected {num_runs} positive numbers, one a run, got {list(values)}",
    )
    shares: NDArray[np.float64] = values / values.sum()
    return shares


def shared_mice(runs: Sequence[Path]) -> list[MouseId]:
    """Mice of which every run has saved predictions, in the order of the first.

    Others are left out, and a warning says so.

    Raises:
        MissingResultError: there is none; the message names the command.
    """
    mice = [predicted_mice(run) for run in runs]
    shared = [m for m in mice[0] if all(m in other for other in mice[1:])]
    if not shared:
        raise MissingResultError(
            "the runs have saved predictions of no mouse in common: "
            + "; ".join(f"{run}: {', '.join(m)}" for run, m in zip(runs, mice, strict=True))
        )
    others = sorted({m for of_run in mice for m in of_run}.difference(shared))
    if others:
        logger.warning("not all runs have predictions of mouse %s: left out", ", ".join(others))
    return shared


def average_responses(
    files: Sequence[ResponseFile],
    target: ResponseFile,
    *,
    weights: ArrayLike,
    labels: Sequence[str],
    progress: bool = False,
) -> int:
    """Number of trials whose weighted mean was written to `target`, trial by trial.

    Where runs answer fewer frames of a trial than others, the last frames coincide and only these
    are kept.

    Args:
        files: of one mouse, one a run.
        target: where the means go.
        weights: (r,) of sum 1.
        labels: names of the runs, for provenance and messages.
        progress: show a progress bar.

    Raises:
        ConfigError: the files differ in mouse, neurons, units, rate or trials, or the target is
            one of them.
    """
    if target.path.resolve() in {file.path.resolve() for file in files}:
        raise ConfigError(
            f"{target.path} holds the predictions of a run that is averaged: give another "
            "--output_dir"
        )
    attrs = [file.attrs for file in files]
    trials = files[0].trial_ids()
    for file, found, label in zip(files[1:], attrs[1:], labels[1:], strict=True):
        different = [k for k in _SHARED if not _equal(attrs[0].get(k), found.get(k))]
        if file.trial_ids() != trials:
            different.append("trials")
        if different:
            raise ConfigError(
                f"{file.path} ({label}) differs from {files[0].path} in {', '.join(different)}: "
                "average predictions of the same neurons and trials, in the same units"
            )
    weights = np.asarray(weights, float)
    shares = [f"{w:.4g} x {label}" for w, label in zip(weights, labels, strict=True)]
    attributes = ResponseAttributes(
        **{name: attrs[0][name] for name in _SHARED},
        provenance={"run": " + ".join(shares), "weights": _weights_of(attrs, weights)},
    )
    streams = [file.read_several(trials) for file in files]
    with target.update(attributes, tiers=files[0].tiers()) as writer:
        together = zip(trials, zip(*streams, strict=True), strict=True)
        bar = tqdm(
            together, total=len(trials), desc=f"mouse {attributes.mouse}", disable=not progress
        )
        for trial_id, parts in bar:
            frames = min(part.shape[-1] for part in parts)
            mean = sum(w * part[:, -frames:] for w, part in zip(weights, parts, strict=True))
            writer.write(trial_id, np.asarray(mean), files[0].labels(trial_id))
        return writer.num_written


def _equal(one: Any, other: Any) -> bool:  # noqa: ANN401
    return one is not None and np.array_equal(one, other)


def _weights_of(attrs: Sequence[dict[str, Any]], shares: NDArray[np.float64]) -> str:
    """What tells the ensemble from others: of the networks, and how much each counts."""
    of_runs = [found.get("provenance", {}).get("weights", "?") for found in attrs]
    return " + ".join(f"{w:.4g} x {of_run}" for w, of_run in zip(shares, of_runs, strict=True))
