"""A V1-like population whose parameters are known: movies in, firing rates out."""

from typing import Final

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from viv1t.data.synthetic.filters import (
    causal,
    delay,
    gabor_pairs,
    gaze_shift,
    quadrature_kernels,
    spatial_gain,
    temporal_gain,
)
from viv1t.data.synthetic.surround import SurroundBank
from viv1t.units import GREY

FEEDBACK_GATE: Final = 0.004
FACILITATION_HALF: Final = 0.01
SPEED_HALF: Final = 2.0
MIN_GAIN: Final = 0.2
SMOOTHING_TAPS: Final = 12
HALF: Final = "feedback_half"
COLUMNS: Final = (
    "direction_selectivity",
    "orientation_selectivity",
    "simple_fraction",
    "w_iso",
    "w_cross",
    "w_untuned",
    "w_feedback",
    "w_facilitation",
    "half_saturation",
    "exponent",
    "baseline",
    "running_gain",
    "pupil_gain",
    "noise_shape",
    "scale",
)


class Population(nn.Module):
    """Model neurons with receptive fields, surrounds, feedback, gain and gaze, all known.

    Rate = scale * gain * ((numerator / denominator) ** exponent + baseline), then smoothed, with

    * drive d: opponent motion energy (Adelson & Bergen 1985) mixed with its half-squared linear
      part (simple cells), the null direction and an orientation-blind part; its mean is 1 for the
      preferred grating at full contrast;
    * numerator: d + w_feedback F' exp(-d / .004) + w_facilitation I / (1 + I / .01), with
      F' = F, or F² / (F + feedback_half) where the truth has that column: strong surrounds only;
    * denominator: half_saturation + d + w_untuned U + w_iso I + w_cross C.

    I, C, F and U are the iso, cross, feedback and untuned sums of `SurroundBank`; I, C and F arrive
    `feedback_latency_frames` late, the rest `latency_frames`. The gain is
    1 + running_gain s / (s + 2) + pupil_gain z, at least .2, with the running speed s and the
    z-scored pupil dilation z. The eye moves the frame by (pupil centre - mean) * gaze pixels.
    Inputs are not transformed: grey values 0..255, behaviour and pupil in recorded units.

    Args:
        truth: the table of true parameters, one row a neuron; kept as the attribute `truth`.
    """

    direction_selectivity: Tensor
    orientation_selectivity: Tensor
    simple_fraction: Tensor
    w_iso: Tensor
    w_cross: Tensor
    w_untuned: Tensor
    w_feedback: Tensor
    w_facilitation: Tensor
    half_saturation: Tensor
    exponent: Tensor
    baseline: Tensor
    running_gain: Tensor
    pupil_gain: Tensor
    noise_shape: Tensor
    scale: Tensor
    surround: SurroundBank
    filters: Tensor
    kernels: Tensor
    smoothing: Tensor
    lag: Tensor
    late: Tensor

    def __init__(self, truth: pd.DataFrame) -> None:
        super().__init__()
        self.truth = truth.reset_index(drop=True)
        self.frame_shape = int(self._constant("frame_h")), int(self._constant("frame_w"))
        self.fps = self._constant("fps")
        for name in COLUMNS:
            column = torch.from_numpy(truth[name].to_numpy(np.float32).copy())
            self.register_buffer(name, column[:, None])
        for buffer, name in (("lag", "latency_frames"), ("late", "feedback_latency_frames")):
            self.register_buffer(buffer, torch.from_numpy(truth[name].to_numpy(np.int64).copy()))
        self._add_receptive_fields()
        decay = np.exp(-np.arange(SMOOTHING_TAPS) / self._constant("smoothing_frames"))
        self.register_buffer("smoothing", torch.from_numpy(decay / decay.sum()).float()[None, None])
        self.surround = SurroundBank(self.truth)
        self.feedback_half: Tensor | None
        half = truth[HALF].to_numpy(np.float32)[:, None] if HALF in truth else None
        self.register_buffer(HALF, None if half is None else torch.from_numpy(half))

    def _constant(self, name: str) -> float:
        return float(self.truth[name].iloc[0])

    def _add_receptive_fields(self) -> None:
        """Gabor pairs scaled so that the preferred grating at full contrast drives to 1."""
        truth = self.truth
        direction = np.radians(truth["direction_deg"].to_numpy())
        cpp = truth["sf_cpd"].to_numpy() * self._constant("deg_per_px")
        tf = truth["tf_hz"].to_numpy()
        filters = gabor_pairs(
            self.frame_shape,
            x=truth["rf_x_px"].to_numpy(),
            y=truth["rf_y_px"].to_numpy(),
            direction=direction,
            cpp=cpp,
            sigma=truth["rf_sigma_px"].to_numpy(),
            phase=np.radians(truth["phase_deg"].to_numpy()),
        )
        kernels = quadrature_kernels(tf, fps=self.fps)
        even, odd = spatial_gain(filters, self.frame_shape, direction=direction, cpp=cpp).T
        cosine, sine = temporal_gain(kernels, tf / self.fps).T
        first, second = even * cosine + odd * sine, odd * cosine - even * sine
        energy = (np.abs(first) ** 2 + np.abs(second) ** 2) / 2
        filters /= np.sqrt(energy)[:, None, None]
        both = np.repeat(kernels, 2, axis=0)
        self.register_buffer("filters", torch.from_numpy(filters.reshape(len(both), -1)).float())
        self.register_buffer("kernels", torch.from_numpy(both).float())

    @property
    def num_neurons(self) -> int:
        """Number of neurons."""
        return len(self.truth)

    def forward(
        self,
        inputs: Tensor,
        *,
        behaviors: Tensor | None = None,
        pupil_centers: Tensor | None = None,
    ) -> Tensor:
        """Noiseless responses (b, n, t) in recorded units; frame t depends on frames up to t.

        Args:
            inputs: (b, 1, t, h, w), grey values 0..255.
            behaviors: (b, 2, t), pupil dilation and running speed; none: the training-set mean.
            pupil_centers: (b, 2, t), x and y; none: the training-set mean.
        """
        video = (inputs - GREY) / GREY
        if pupil_centers is not None:
            video = gaze_shift(video, self._gaze(pupil_centers))
        contrast = video.squeeze(1).flatten(2)
        response = self._response(self._drive(contrast), self.surround(contrast))
        rate = self._gain(behaviors) * (response.pow(self.exponent) + self.baseline) * self.scale
        b, n, t = rate.shape
        return causal(rate.reshape(b * n, 1, t), self.smoothing).reshape(b, n, t)

    def _gaze(self, pupil_centers: Tensor) -> Tensor:
        mean = [self._constant("pupil_x"), self._constant("pupil_y")]
        gain = [self._constant("gaze_x_px"), self._constant("gaze_y_px")]
        return (pupil_centers - pupil_centers.new_tensor(mean)[:, None]) * (
            pupil_centers.new_tensor(gain)[:, None]
        )

    def _gain(self, behaviors: Tensor | None) -> Tensor:
        if behaviors is None:
            state = [[[self._constant("dilation")], [self._constant("speed")]]]
            behaviors = self.scale.new_tensor(state)
        dilation, speed = behaviors[:, :1], behaviors[:, 1:2].clamp(min=0)
        widened = (dilation - self._constant("dilation")) / self._constant("dilation_sd")
        gain = 1 + self.running_gain * speed / (speed + SPEED_HALF) + self.pupil_gain * widened
        return gain.clamp(min=MIN_GAIN)

    def _drive(self, contrast: Tensor) -> Tensor:
        """(b, n, t) drive by the receptive field; the orientation-blind part comes later."""
        linear = (contrast @ self.filters.T).transpose(1, 2)
        parts = causal(linear, self.kernels).unflatten(1, (-1, 2, 2))
        (even_cos, even_sin), (odd_cos, odd_sin) = (parts[:, :, i].unbind(2) for i in range(2))
        preferred = self._energy(even_cos + odd_sin, odd_cos - even_sin)
        null = self._energy(even_cos - odd_sin, odd_cos + even_sin)
        return preferred + (1 - self.direction_selectivity) * null

    def _energy(self, first: Tensor, second: Tensor) -> Tensor:
        """Contrast energy of a complex cell mixed with the half-squared output of a simple one."""
        simple = 4 * F.relu(first).square()
        return torch.lerp(first.square() + second.square(), simple, self.simple_fraction)

    def _response(self, drive: Tensor, pools: dict[str, Tensor]) -> Tensor:
        blind = pools["local"] - drive
        drive = delay(drive + (1 - self.orientation_selectivity) * blind, self.lag)
        untuned = delay(pools["untuned"], self.lag)
        iso, cross, feedback = (delay(pools[p], self.late) for p in ("iso", "cross", "feedback"))
        if self.feedback_half is not None:
            feedback = feedback.square() / (feedback + self.feedback_half)
        numerator = (
            drive
            + self.w_feedback * feedback * torch.exp(-drive / FEEDBACK_GATE)
            + self.w_facilitation * iso / (1 + iso / FACILITATION_HALF)
        )
        suppression = self.w_untuned * untuned + self.w_iso * iso + self.w_cross * cross
        return numerator / (self.half_saturation + drive + suppression)

    def observe(self, rate: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A noisy recording (n, t) float32 of `rate` (n, t).

        Each frame is multiplied by gamma noise of unit mean, independent of all others.
        """
        shape = self.noise_shape.numpy()
        return (rate * rng.standard_gamma(np.broadcast_to(shape, rate.shape)) / shape).astype(
            np.float32
        )
