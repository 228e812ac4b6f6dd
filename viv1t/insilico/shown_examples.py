"""Examples of what recordings hold: frames of each type of stimulus, one whole trial."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.data.recording import Recording
from viv1t.errors import ConfigError
from viv1t.insilico.recorded import tiers_of, trials_of
from viv1t.names import STIMULUS_TYPES, UNKNOWN_STIMULUS


@dataclass(frozen=True, kw_only=True)
class ShownFrames:
    """Some frames of a recorded movie.

    Attributes:
        stimulus: its type, of `names.STIMULUS_TYPES` or "unknown".
        trial: in which trial.
        indices: (k,) which frames.
        frames: (k, h, w) grey values, mean over channels.
        fps: frames per second.
    """

    stimulus: str
    trial: int
    indices: NDArray[np.int64]
    frames: NDArray[np.float32]
    fps: float


def stimulus_name(stimulus_id: int) -> str:
    """The type of stimulus of an id, or "unknown"."""
    return "unknown" if stimulus_id == UNKNOWN_STIMULUS else STIMULUS_TYPES[stimulus_id]


def ids_of_trials(recording: Recording) -> pd.DataFrame:
    """One row a trial of a known tier: mouse, trial, tier, video_id, stimulus."""
    tier_of = trials_of(recording, tiers_of(recording))
    trials = sorted(tier_of)
    return pd.DataFrame(
        {
            "mouse": recording.mouse.id,
            "trial": trials,
            "tier": [tier_of[trial] for trial in trials],
            "video_id": recording.video_ids[trials],
            "stimulus": [stimulus_name(int(i)) for i in recording.stimulus_ids[trials]],
        }
    )


def example_frames(recording: Recording, *, num_frames: int) -> list[ShownFrames]:
    """Frames of the first trial that shows each type of stimulus.

    They are evenly spread over the frames that are not uniform. Types are in the order of
    `names.STIMULUS_TYPES`, unknown ones last.

    Args:
        recording: one mouse.
        num_frames: of each movie.
    """
    first = ids_of_trials(recording).drop_duplicates("stimulus").set_index("stimulus")
    found = []
    for name in (*STIMULUS_TYPES, "unknown"):
        if name not in first.index:
            continue
        trial = int(first["trial"][name])
        video = recording.load_video(trial).mean(axis=0)
        shows = np.flatnonzero(np.ptp(video, axis=(1, 2)) > 0)
        usable = shows if len(shows) else np.arange(len(video))
        steps = np.linspace(0, len(usable), num_frames, endpoint=False)
        indices = usable[np.unique((steps + len(usable) / (2 * num_frames)).astype(np.int64))]
        found.append(
            ShownFrames(
                stimulus=name,
                trial=trial,
                indices=indices,
                frames=video[indices],
                fps=recording.mouse.fps,
            )
        )
    return found


def choose_trial(recording: Recording, trial: int | None, *, tier: str) -> int:
    """`trial`, if the recording has it; the first of `tier` without one.

    Raises:
        ConfigError: there is no such trial.
    """
    known = trials_of(recording, tiers_of(recording))
    if trial is None:
        found = [i for i, name in known.items() if name == tier]
        if found:
            return found[0]
        raise ConfigError(
            f"--ds_tier {tier}: mouse {recording.mouse.id} has no such trial; it has "
            f"{', '.join(tiers_of(recording))}"
        )
    if trial not in known:
        raise ConfigError(
            f"--trial {trial}: mouse {recording.mouse.id} has trials {min(known)} to {max(known)} "
            "(not all of them); misc/assign_ids.py lists them"
        )
    return trial
