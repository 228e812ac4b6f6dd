"""The best correlation that any model can reach on noisy responses."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import numpy as np

from viv1t.data.cache import cached, write_npz
from viv1t.data.dataset import no_trials
from viv1t.data.mice import find_mice
from viv1t.data.recording import Recording
from viv1t.data.synthetic.responder import SyntheticMouse
from viv1t.data.synthetic.truth import truth_path
from viv1t.names import MouseId, Tier


def noise_ceiling(
    data_dir: Path, mouse_id: MouseId, tier: Tier, *, truth: SyntheticMouse | None = None
) -> np.ndarray:
    """(n,) correlation of the true rate with the recorded response, per neuron.

    The trials of `tier` are concatenated, each without its first `skip_frames` frames. The mean
    over neurons is the ceiling of the mouse. It is kept beside the recording until that changes.

    Args:
        data_dir: folder of the recordings.
        mouse_id: a synthetic mouse.
        tier: which trials.
        truth: the mouse, if it is open already.

    Raises:
        DataError: no such mouse or trials, or the mouse is not synthetic.
    """
    mice = find_mice(Path(data_dir))
    if truth is None or mouse_id not in mice:
        truth = SyntheticMouse.open(data_dir, (mouse_id,))
    recording, asked = Recording(mice[mouse_id]), truth
    if not len(recording.trials(tier)):
        raise no_trials(recording, tier)
    found = cached(
        _path(recording, tier),
        key=_key(recording),
        compute=lambda: {"ceiling": ceiling_of(_total(recording, asked, tier))},
    )
    return found["ceiling"]


def keep_ceilings(recording: Recording, totals: Mapping[str, np.ndarray]) -> None:
    """Keep the ceilings of tiers beside the recording, for `noise_ceiling` to find.

    Args:
        recording: of a synthetic mouse.
        totals: `sums` over all trials of each tier, without their skipped frames.
    """
    for tier, total in totals.items():
        arrays = {"ceiling": ceiling_of(total), "key": np.array(_key(recording))}
        write_npz(_path(recording, tier), arrays)


def sums(rate: np.ndarray, response: np.ndarray) -> np.ndarray:
    """(6, n) float64: frames, and sums of a, b, a², b², ab over the frames of (n, t) arrays."""
    a, b = rate.astype(float), response.astype(float)
    frames = np.full(len(a), a.shape[1], dtype=float)
    return np.stack([frames, a.sum(1), b.sum(1), (a * a).sum(1), (b * b).sum(1), (a * b).sum(1)])


def ceiling_of(total: np.ndarray) -> np.ndarray:
    """(n,) Pearson correlation, given the `sums` over all frames."""
    a, b, aa, bb, ab = total[1:] / total[0]
    return (ab - a * b) / np.sqrt((aa - a * a) * (bb - b * b))


def _total(recording: Recording, truth: SyntheticMouse, tier: Tier) -> np.ndarray:
    mouse = recording.mouse
    total = np.zeros((6, recording.num_neurons))
    for index in recording.trials(tier):
        trial = recording.load(int(index))
        rate = truth.predict(
            trial.video[0], mouse.id, behavior=trial.behavior, pupil_center=trial.pupil_center
        )
        total += sums(rate[:, mouse.skip_frames :], trial.response[:, mouse.skip_frames :])
    return total


def _path(recording: Recording, tier: str) -> Path:
    return recording.cache_dir / f"ceiling_{tier}.npz"


def _key(recording: Recording) -> str:
    truth = sha256(truth_path(recording.folder).read_bytes()).hexdigest()
    mouse = recording.mouse
    return f"{recording.cache_key()} {truth} {mouse.skip_frames} {mouse.max_frames}"
