"""When a response begins, in fractions of a frame."""

from functools import partial
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from viv1t.analysis.size_fit import FloatArray
from viv1t.units import FPS

FRACTION: Final = 0.25
MIN_Z: Final = 3.0
MIN_FOOT_Z: Final = 2.0
PUBLISHED_Z: Final = 1.0


def onset_times(
    traces: ArrayLike,
    sems: ArrayLike,
    *,
    before: int,
    on: int,
    fps: float = FPS,
    fraction: float = FRACTION,
) -> FloatArray:
    """Seconds (...) from the first frame of the stimulus until a response has risen.

    A response begins where it first reaches `fraction` of its own peak, counted from its own
    baseline and interpolated between frames, so that its size does not shift the onset. NaN where
    the peak is not 3 standard errors above the baseline, or `fraction` of it drowns in the
    baseline (2 standard deviations over frames).

    Args:
        traces: (..., w) mean responses.
        sems: (..., w) their standard errors; NaN counts as 0.
        before: frames of the baseline, at the start of a trace.
        on: frames of the stimulus, in which the peak is looked for.
        fps: frames per second.
        fraction: of the peak.
    """
    values = np.asarray(traces, dtype=float)
    baseline = values[..., :before]
    level, noise = baseline.mean(axis=-1), baseline.std(axis=-1)
    rise = values[..., before - 1 : before + on] - level[..., None]
    peak_at = rise[..., 1:].argmax(axis=-1) + 1
    peak = np.take_along_axis(rise, peak_at[..., None], axis=-1)[..., 0]
    errors = np.broadcast_to(np.nan_to_num(np.asarray(sems, dtype=float)), values.shape)
    errors = errors[..., before - 1 : before + on]
    error = np.take_along_axis(errors, peak_at[..., None], axis=-1)[..., 0]
    threshold = fraction * peak
    responds = (peak > MIN_Z * error) & (threshold > MIN_FOOT_Z * noise)
    responds &= peak > 1e-6 * np.abs(level)
    first = (rise[..., 1:] >= threshold[..., None]).argmax(axis=-1) + 1
    above = np.take_along_axis(rise, first[..., None], axis=-1)[..., 0]
    below = np.take_along_axis(rise, first[..., None] - 1, axis=-1)[..., 0]
    steps = np.divide(threshold - below, above - below, out=np.ones_like(peak), where=above > below)
    time = np.maximum(first - 2 + np.clip(steps, 0, 1), 0) / fps
    return np.where(responds, time, np.nan)


def response_onsets(
    traces: ArrayLike,
    sems: ArrayLike,
    *,
    before: int,
    on: int,
    rng: np.random.Generator,
    fps: float = FPS,
    num_bootstrap: int = 200,
) -> pd.DataFrame:
    """Onsets of the responses to discs and to holes of each neuron, and their delay; n rows.

    Columns, in seconds: classical_onset_s, inverse_onset_s, delay_s (inverse - classical), each
    with _low and _high: the 95 % interval over traces redrawn with their standard errors, frame by
    frame. classical_peak and inverse_peak: largest response above the baseline.

    Args:
        traces: (n, 2, w) mean responses, classical and inverse.
        sems: (n, 2, w) their standard errors.
        before: frames of the baseline, at the start of a trace.
        on: frames of the stimulus.
        rng: draws the bootstrap samples.
        fps: frames per second.
        num_bootstrap: samples.
    """
    values, errors = np.asarray(traces, dtype=float), np.asarray(sems, dtype=float)
    noise = np.nan_to_num(errors)
    times = partial(onset_times, before=before, on=on, fps=fps)
    found = times(values, errors)
    drawn = np.stack(
        [
            times(values + noise * rng.standard_normal(values.shape), errors)
            for _ in range(num_bootstrap)
        ]
    )
    peak = (values[..., before : before + on].max(-1)) - values[..., :before].mean(-1)
    columns: dict[str, FloatArray] = {"classical_peak": peak[:, 0], "inverse_peak": peak[:, 1]}
    names = ("classical_onset", "inverse_onset", "delay")
    measured = (found[:, 0], found[:, 1], found[:, 1] - found[:, 0])
    samples = (drawn[..., 0], drawn[..., 1], drawn[..., 1] - drawn[..., 0])
    for name, value, sample in zip(names, measured, samples, strict=True):
        columns[f"{name}_s"] = value
        defined = ~np.isnan(value) & ~np.isnan(sample).all(axis=0)
        for end, level in (("low", 0.025), ("high", 0.975)):
            interval = np.full(len(value), np.nan)
            interval[defined] = np.nanquantile(sample[:, defined], level, axis=0)
            columns[f"{name}_{end}_s"] = interval
    return pd.DataFrame(columns)


def published_onsets(traces: ArrayLike, *, before: int, on: int, fps: float = FPS) -> FloatArray:
    """Seconds (n, 2) until responses to discs and holes exceed a z score of 1, as published.

    The z score is over the frames of both traces of a neuron together. So of two responses with
    the same latency the smaller one begins later, or never (NaN).

    Args:
        traces: (n, 2, w) mean responses, classical and inverse.
        before: frames before the stimulus.
        on: frames of the stimulus, in which the onset is looked for.
        fps: frames per second.
    """
    values = np.asarray(traces, dtype=float)
    mean, deviation = values.mean(axis=(1, 2)), values.std(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (values - mean[:, None, None]) / deviation[:, None, None]
    reached = z[..., before : before + on] >= PUBLISHED_Z
    return np.where(reached.any(axis=-1), reached.argmax(axis=-1) / fps, np.nan)
