"""Running, pupil dilation and gaze of an animal on a wheel."""

from typing import Final

import numpy as np
from scipy.signal import lfilter

MEAN_PUPIL: Final = (32.0, 24.0)


def sample_behaviour(
    num_frames: int, rng: np.random.Generator, *, fps: float
) -> tuple[np.ndarray, np.ndarray]:
    """Behaviour (2, t): pupil dilation (px), running speed (cm/s); pupil centre (2, t): x, y (px).

    Running comes in bouts of a few seconds; the pupil widens with it, slowly. The eye drifts and
    makes saccades.
    """
    warmup = int(4 * fps)
    total = num_frames + warmup
    running = _bouts(total, rng, fps)
    ripple = 1 + 0.2 * _slow_noise(total, 0.3 * fps, rng)
    speed = _smooth(running, 0.3 * fps) * rng.gamma(4, 3.0) * np.clip(ripple, 0.2, None)
    speed += np.abs(rng.normal(0, 0.02, total))
    dilation = 12 + 16 * _smooth(running, 1.5 * fps) + 5 * _slow_noise(total, 3 * fps, rng)
    saccades = rng.uniform(size=total) < 0.4 / fps
    jumps = lfilter([1], [1, -np.exp(-1 / (2 * fps))], saccades * rng.normal(0, 1.5, (2, total)))
    drift = 0.7 * np.stack([_slow_noise(total, 2 * fps, rng) for _ in range(2)])
    gaze = np.array(MEAN_PUPIL)[:, None] + _smooth(jumps, 1.0) + drift
    behavior = np.stack([np.clip(dilation, 2, None), speed])
    return behavior[:, warmup:].astype(np.float32), gaze[:, warmup:].astype(np.float32)


def _bouts(num_frames: int, rng: np.random.Generator, fps: float) -> np.ndarray:
    """(t,) 0 or 1: rests of 5 s and bouts of 3 s on average."""
    state, out, frame = bool(rng.uniform() < 3 / 8), np.zeros(num_frames), 0
    while frame < num_frames:
        stop = frame + 1 + int(rng.exponential((3 if state else 5) * fps))
        out[frame:stop] = state
        state, frame = not state, stop
    return out


def _smooth(signal: np.ndarray, frames: float) -> np.ndarray:
    decay = np.exp(-1 / frames)
    return lfilter([1 - decay], [1, -decay], signal)


def _slow_noise(num_frames: int, frames: float, rng: np.random.Generator) -> np.ndarray:
    """(t,) Ornstein-Uhlenbeck noise of unit variance and time constant `frames`."""
    decay = np.exp(-1 / frames)
    steps = rng.standard_normal(num_frames) * np.sqrt(1 - decay**2)
    steps[0] = rng.standard_normal()
    return lfilter([1], [1, -decay], steps)
