"""The best correlation that any model can reach on noisy responses."""

from pathlib import Path

import numpy as np

from viv1t.data.mice import find_mice
from viv1t.data.recording import Recording
from viv1t.data.synthetic.responder import SyntheticMouse
from viv1t.names import MouseId, Tier


def noise_ceiling(data_dir: Path, mouse_id: MouseId, tier: Tier) -> np.ndarray:
    """(n,) correlation of the true rate with the recorded response, per neuron.

    The trials of `tier` are concatenated, each without its first `skip_frames` frames. The mean
    over neurons is the ceiling of the mouse.

    Raises:
        DataError: no such mouse or trials, or the mouse is not synthetic.
    """
    truth = SyntheticMouse.open(data_dir, (mouse_id,))
    mouse = find_mice(Path(data_dir))[mouse_id]
    recording = Recording(mouse)
    rates, responses = [], []
    for index in recording.trials(tier):
        trial = recording.load(int(index))
        rate = truth.predict(
            trial.video[0], mouse_id, behavior=trial.behavior, pupil_center=trial.pupil_center
        )
        rates.append(rate[:, mouse.skip_frames :])
        responses.append(trial.response[:, mouse.skip_frames :])
    return _correlation(np.concatenate(rates, 1), np.concatenate(responses, 1))


def _correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(n,) Pearson correlation over the last axis, in float64."""
    a, b = (x - x.mean(1, keepdims=True) for x in (first.astype(float), second.astype(float)))
    return (a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1))
