"""Whether the weights of a run, on this machine, still predict as its training recorded."""

import logging
import math
from pathlib import Path
from typing import Final

import torch

from viv1t.data.transforms import Transforms
from viv1t.errors import CheckpointError, MissingResultError
from viv1t.insilico.recorded import scored_frames
from viv1t.insilico.replay import open_recordings, responses_to
from viv1t.insilico.twin import DigitalTwin
from viv1t.metrics import challenge_correlation
from viv1t.results.run import RunDir
from viv1t.utils.files import read_yaml

logger = logging.getLogger(__name__)

TIER: Final = "validation"
TOLERANCE: Final = 1e-3


def validation_correlation(
    twin: DigitalTwin, data_dir: Path, *, batch_size: int = 1, progress: bool = False
) -> float:
    """The correlation by which training chooses the best weights: mean over neurons, then mice.

    Args:
        twin: with the transforms of its mice, all of which count.
        data_dir: the recordings that it was trained on.
        batch_size: trials per forward pass.
        progress: show progress bars.

    Raises:
        MissingResultError: no mouse has validation trials with responses.
        DataError: a recording is missing, damaged, or another one.
    """
    of_mouse = []
    for mouse_id, recording in open_recordings(twin, data_dir).items():
        transforms, trials = twin.mouse(mouse_id).transforms, recording.trials(TIER).tolist()
        if not trials or recording.is_hidden(TIER):
            continue
        assert isinstance(transforms, Transforms)
        y_true, y_pred = [], []
        for trial_id, trial, predicted in responses_to(
            twin, recording, trials, units="model", batch_size=batch_size, progress=progress
        ):
            scored = scored_frames(recording, trial_id, trial.video.shape[1])
            frames = min(scored, predicted.shape[1])
            y_true.append(transforms.response(torch.from_numpy(trial.response[:, -frames:])))
            y_pred.append(torch.from_numpy(predicted[:, -frames:]))
        of_mouse.append(float(challenge_correlation(y_true, y_pred).mean()))
    if not of_mouse:
        raise MissingResultError(
            f"{data_dir} holds no {TIER} trials with responses of the mice "
            f"{', '.join(twin.mouse_ids)}: --evaluate needs the --data_dir of the training"
        )
    return sum(of_mouse) / len(of_mouse)


def check_restored(
    twin: DigitalTwin,
    run_dir: Path,
    data_dir: Path,
    *,
    batch_size: int = 1,
    progress: bool = False,
) -> float:
    """The validation correlation of `twin`; a log line says it beside the recorded one.

    The recorded one is that of ckpt/info.yaml, which training writes with the weights. Where it is
    missing or undefined there is nothing to compare, and the line says so.

    Args:
        twin: what `load` made of the run.
        run_dir: the run.
        data_dir: see `validation_correlation`.
        batch_size: likewise.
        progress: likewise.

    Raises:
        CheckpointError: the two differ by more than `TOLERANCE`.
    """
    run = RunDir.open(run_dir)
    info = read_yaml(run.best_info) if run.best_info.is_file() else {}
    expected = float(info.get("best_corr", math.nan))
    found = validation_correlation(twin, data_dir, batch_size=batch_size, progress=progress)
    if math.isnan(expected):
        logger.info(
            "%s: validation correlation %.4f; %s holds no best_corr to compare with",
            run.path,
            found,
            run.best_info,
        )
        return found
    if not abs(found - expected) <= TOLERANCE:
        raise CheckpointError(
            f"--evaluate: {run.best_info} states a validation correlation of {expected:.4f}, the "
            f"weights beside it come to {found:.4f} on {data_dir}; give the --data_dir of the "
            "training and --precision 32, or put back both files of ckpt/ from one copy"
        )
    logger.info(
        "%s: validation correlation %.4f, recorded %.4f: restored", run.path, found, expected
    )
    return found
