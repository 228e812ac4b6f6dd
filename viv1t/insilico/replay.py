"""The trials of recordings, shown to a twin: predicted responses of whole tiers."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from viv1t.data.facts import MouseFacts
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording, Trial
from viv1t.errors import ConfigError, DataError
from viv1t.insilico.recorded import labels_of, scored_frames, tiers_of, trials_of
from viv1t.insilico.twin import DigitalTwin, FloatArray
from viv1t.insilico.windows import Windows, predict_windows
from viv1t.names import TIERS, MouseId, Tier
from viv1t.results.responses import ResponseAttributes, ResponseFile, Units
from viv1t.utils.ahead import read_ahead

logger = logging.getLogger(__name__)

# Repeats of one movie that are held at a time: with 8,000 neurons 100 MB of responses.
MAX_REPEATS: Final = 10


def open_recordings(
    twin: DigitalTwin, data_dir: Path, mouse_ids: Sequence[MouseId] | None = None
) -> dict[MouseId, Recording]:
    """The recordings of the twin's mice, checked to be those that it was trained on.

    Args:
        twin: the model.
        data_dir: folder of the recordings.
        mouse_ids: mice of the twin; None: all.

    Raises:
        ConfigError: a mouse that the twin does not know.
        DataError: a recording is missing or differs from what the twin was trained on.
    """
    ids = twin.mouse_ids if mouse_ids is None else tuple(mouse_ids)
    facts = {mouse_id: known_facts(twin, mouse_id) for mouse_id in ids}
    recordings = {mouse.id: Recording(mouse) for mouse in choose_mice(data_dir, ids)}
    for mouse_id, recording in recordings.items():
        _check_same(recording, facts[mouse_id])
    return recordings


def choose_tiers(
    recordings: Mapping[MouseId, Recording], wanted: Sequence[str] = ()
) -> dict[MouseId, tuple[Tier, ...]]:
    """The tiers to read of each mouse, without mice that have none of them.

    Args:
        recordings: by mouse.
        wanted: tiers; none: all.

    Raises:
        ConfigError: no mouse has trials of the tiers in `wanted`.
    """
    present = {mouse_id: tiers_of(recording) for mouse_id, recording in recordings.items()}
    chosen = {
        m: tuple(t for t in tiers if t in wanted or not wanted) for m, tiers in present.items()
    }
    if not any(chosen.values()):
        existing = [t for t in TIERS if any(t in tiers for tiers in present.values())]
        raise ConfigError(
            f"--ds_tier {' '.join(wanted) or 'of any name'}: no mouse has such trials; there are: "
            f"{', '.join(existing) or 'none'}"
        )
    for mouse_id in (m for m, tiers in chosen.items() if not tiers):
        logger.info("mouse %s has no trials of tier %s", mouse_id, ", ".join(wanted))
    return {mouse_id: tiers for mouse_id, tiers in chosen.items() if tiers}


def predict_recording(
    twin: DigitalTwin,
    recording: Recording,
    file: ResponseFile,
    *,
    tiers: Sequence[Tier],
    provenance: Mapping[str, str | int],
    units: Units = "recorded",
    batch_size: int = 1,
    num_workers: int = 0,
    windows: Windows | None = None,
    progress: bool = False,
) -> int:
    """Number of trials of `tiers` whose predicted responses were written to `file`.

    Movie, behaviour and pupil centre of each trial go through `twin.predict`; the first
    `skip_frames` frames are left out. Trials of other tiers in the file are kept.

    Args:
        twin: the model.
        recording: of one of its mice.
        file: responses of that mouse.
        tiers: tiers to predict.
        provenance: where the responses come from, stored with them.
        units: "recorded" or "model".
        batch_size: trials per forward pass, of one length.
        num_workers: threads that read ahead.
        windows: blend the responses to overlapping windows; None: whole movies.
        progress: show a progress bar.

    Raises:
        ConfigError: the file keeps responses in other units or of another model.
        DataError: a trial is damaged, or not longer than the frames that are skipped.
    """
    mouse_id = recording.mouse.id
    facts = known_facts(twin, mouse_id)
    attributes = ResponseAttributes(
        mouse=mouse_id,
        unit_ids=facts.unit_ids,
        neuron_idx=facts.neuron_idx,
        units=units,
        source="predicted",
        skip_frames=recording.mouse.skip_frames,
        fps=facts.fps,
        provenance=provenance,
    )
    tier_of = trials_of(recording, tuple(tiers))
    answers = responses_to(
        twin,
        recording,
        tier_of,
        units=units,
        batch_size=batch_size,
        num_workers=num_workers,
        windows=windows,
        progress=progress,
    )
    with file.update(attributes, tiers=tiers) as writer:
        for trial_id, trial, response in answers:
            frames = scored_frames(recording, trial_id, trial.video.shape[1])
            labels = labels_of(recording, trial_id, tier_of[trial_id])
            writer.write(trial_id, response[:, -frames:], labels)
        return writer.num_written


def responses_to(
    twin: DigitalTwin,
    recording: Recording,
    trial_ids: Iterable[int],
    *,
    units: Units = "recorded",
    batch_size: int = 1,
    num_workers: int = 0,
    windows: Windows | None = None,
    progress: bool = False,
) -> Iterator[tuple[int, Trial, FloatArray]]:
    """Id, trial, and predicted responses (n, t') of each trial, see `predict_recording`.

    Trials come with the repeats of a movie in turn, since what they share is computed once.
    """
    mouse_id = recording.mouse.id
    neurons = known_facts(twin, mouse_id).neuron_idx
    order = sorted(trial_ids, key=lambda trial_id: recording.video_ids[trial_id])

    def read(trial_id: int) -> tuple[int, Trial]:
        return trial_id, recording.load(trial_id, neurons=neurons)

    trials = read_ahead(read, order, num_threads=num_workers)
    shown = tqdm(trials, total=len(order), desc=f"mouse {mouse_id}", disable=not progress)
    for group in _asked_together(shown, batch_size, recording.video_ids):
        responses = _predict_group(
            twin,
            mouse_id,
            list(group.values()),
            windows=windows,
            units=units,
            batch_size=batch_size,
        )
        for (trial_id, trial), response in zip(group.items(), responses, strict=True):
            yield trial_id, trial, response


def known_facts(twin: DigitalTwin, mouse_id: MouseId) -> MouseFacts:
    """What the run knows of the recording of a mouse.

    Raises:
        ConfigError: the run has no such mouse, or knows nothing of its recording.
    """
    facts = twin.mouse(mouse_id).facts
    if facts is None:
        raise ConfigError(
            f"the run holds no statistics of mouse {mouse_id}: give the data folder of a published "
            "run, viv1t.load(run_dir, statistics=data_dir)"
        )
    return facts


def _check_same(recording: Recording, facts: MouseFacts) -> None:
    """Raise DataError unless `recording` can be the one that `facts` was made from."""
    pairs = {
        "neurons": (facts.num_recorded, recording.num_neurons),
        "video (channels, rows, columns)": (
            tuple(facts.video_shape),
            (recording.num_channels, *recording.frame_shape),
        ),
        "behaviour rows": (facts.num_behaviors, recording.num_behaviors),
        "pupil rows": (facts.num_pupils, recording.num_pupils),
    }
    for name, (expected, found) in pairs.items():
        if expected != found:
            raise DataError(
                f"mouse {facts.mouse_id}: the run was trained on {expected} {name}, the recording "
                f"in {recording.mouse.folder} has {found}; give the data folder of the training"
            )
    if not np.array_equal(recording.unit_ids[facts.neuron_idx], facts.unit_ids):
        raise DataError(
            f"mouse {facts.mouse_id}: unit_ids.npy in {recording.mouse.folder} names other neurons "
            "than the run was trained on; give the data folder of the training"
        )


def _predict_group(
    twin: DigitalTwin,
    mouse_id: MouseId,
    trials: Sequence[Trial],
    *,
    windows: Windows | None,
    units: Units,
    batch_size: int,
) -> FloatArray:
    """Responses (b, n, t') to trials of one length."""
    predict = twin.predict
    if windows is not None:
        predict = partial(predict_windows, twin, windows=windows)
    videos = np.stack([trial.video for trial in trials])
    return predict(
        videos[:, 0] if videos.shape[1] == 1 else videos,
        mouse_id,
        behavior=np.stack([trial.behavior for trial in trials]),
        pupil_center=np.stack([trial.pupil_center for trial in trials]),
        units=units,
        batch_size=batch_size,
    )


def _asked_together(
    trials: Iterable[tuple[int, Trial]], batch_size: int, video_ids: NDArray[np.int64]
) -> Iterator[dict[int, Trial]]:
    """Groups of successive trials of one length: `batch_size`, or more repeats of one movie."""
    group: dict[int, Trial] = {}
    length = 0
    for trial_id, trial in trials:
        movies = {int(video_ids[i]) for i in (*group, trial_id)}
        room = max(batch_size, MAX_REPEATS) if len(movies) == 1 and min(movies) >= 0 else batch_size
        if group and (len(group) >= room or trial.video.shape[1] != length):
            yield group
            group = {}
        group[trial_id], length = trial, trial.video.shape[1]
    if group:
        yield group
