"""Recorded responses in the file format of predicted ones."""

import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from tqdm import tqdm

import viv1t
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.errors import DataError
from viv1t.names import STIMULUS_TYPES, TIERS, MouseId, Tier
from viv1t.results.responses import ResponseAttributes, ResponseFile, TrialLabels

logger = logging.getLogger(__name__)


def copy_recorded(recording: Recording, file: ResponseFile, *, progress: bool = False) -> int:
    """Number of trials, of all tiers, whose recorded responses were written to `file`.

    Tiers with hidden responses are left out, and a line says so. Neurons that are NaN throughout
    are left out; the attribute `neuron_idx` tells which rows of the recording are there.

    Args:
        recording: one mouse.
        file: the file to write.
        progress: show a progress bar.

    Raises:
        DataError: a trial is damaged, or not longer than the frames that are skipped.
    """
    mouse = recording.mouse
    rows = np.flatnonzero(recording.present)
    present = tiers_of(recording)
    hidden = [tier for tier in present if recording.is_hidden(tier)]
    if hidden:
        logger.info("mouse %s: left out %s, hidden responses", mouse.id, ", ".join(hidden))
    attributes = ResponseAttributes(
        mouse=mouse.id,
        unit_ids=recording.unit_ids[rows],
        neuron_idx=rows,
        units="recorded",
        source="recorded",
        skip_frames=mouse.skip_frames,
        fps=mouse.fps,
        provenance={"data": str(mouse.folder), **made_now()},
    )
    tier_of = trials_of(recording, [tier for tier in present if tier not in hidden])
    with file.update(attributes, tiers=TIERS) as writer:
        for trial_id in tqdm(tier_of, desc=f"mouse {mouse.id}", disable=not progress):
            response = recording.load(trial_id, neurons=rows).response
            frames = scored_frames(recording, trial_id, response.shape[1])
            labels = labels_of(recording, trial_id, tier_of[trial_id])
            writer.write(trial_id, response[:, -frames:], labels)
        return writer.num_written


def tiers_of(recording: Recording) -> tuple[Tier, ...]:
    """The tiers of which a recording has trials, in the order of `names.TIERS`."""
    return tuple(tier for tier in TIERS if len(recording.trials(tier)))


def trials_of(recording: Recording, tiers: list[Tier] | tuple[Tier, ...]) -> dict[int, Tier]:
    """{trial id: tier} of all trials of `tiers`."""
    return {int(trial): tier for tier in tiers for trial in recording.trials(tier)}


def trials_showing(recording: Recording, stimulus: str) -> dict[int, tuple[int, ...]]:
    """{video id: its trials} of all trials of the tests that show one type of stimulus.

    A trial whose video is unknown stands alone, below 0.

    Args:
        recording: one mouse.
        stimulus: of `names.STIMULUS_TYPES`.
    """
    wanted = STIMULUS_TYPES.index(stimulus)
    found: dict[int, tuple[int, ...]] = {}
    for trial in trials_of(recording, [tier for tier in tiers_of(recording) if tier != "train"]):
        if recording.stimulus_ids[trial] == wanted:
            video = int(recording.video_ids[trial])
            key = video if video >= 0 else -1 - trial
            found[key] = (*found.get(key, ()), trial)
    return found


def recordings_showing(
    data_dir: Path, mouse_ids: Sequence[MouseId] | None, stimulus: str
) -> Iterator[tuple[Recording, dict[int, tuple[int, ...]]]]:
    """Recordings with trials that show one type of stimulus, and these (`trials_showing`).

    A log line names mice that have none.

    Args:
        data_dir: folder of the recordings.
        mouse_ids: mice; None: all.
        stimulus: of `names.STIMULUS_TYPES`.

    Raises:
        ConfigError: an id is unknown or given twice.
        DataError: a recording is missing or damaged.
    """
    for mouse in choose_mice(data_dir, mouse_ids):
        recording = Recording(mouse)
        shown = trials_showing(recording, stimulus)
        if shown:
            yield recording, shown
        else:
            logger.info("mouse %s saw no stimulus of type %s", mouse.id, stimulus)


def scored_frames(recording: Recording, trial_id: int, num_frames: int) -> int:
    """Frames of a trial of `num_frames` that are left after the skipped ones.

    Raises:
        DataError: none is left.
    """
    mouse = recording.mouse
    if num_frames <= mouse.skip_frames:
        raise DataError(
            f"trial {trial_id} of mouse {mouse.id} has {num_frames} frames, more than "
            f"{mouse.skip_frames} (skip_frames) are needed; remove the trial from {mouse.folder} "
            "or lower skip_frames in mice.yaml"
        )
    return num_frames - mouse.skip_frames


def labels_of(recording: Recording, trial_id: int, tier: Tier) -> TrialLabels:
    """Tier, video id and stimulus id of a trial."""
    return TrialLabels(
        tier=tier,
        video_id=int(recording.video_ids[trial_id]),
        stimulus_id=int(recording.stimulus_ids[trial_id]),
    )


def made_now() -> dict[str, str]:
    """Version of viv1t and the time (UTC), for the provenance of a file."""
    return {
        "viv1t": viv1t.__version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
