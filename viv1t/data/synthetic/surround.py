"""Contrast energy on a coarse grid, pooled around each receptive field."""

from functools import lru_cache
from typing import Final

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from viv1t.data.synthetic.filters import (
    causal,
    gabor_pairs,
    quadrature_kernels,
    spatial_gain,
    temporal_gain,
)

SF_CPD: Final = 0.04
TF_HZ: Final = 2.0
SPACING_PX: Final = 4
SIGMA_PX: Final = 2.5
NUM_ORIENTATIONS: Final = 4
CONCENTRATION: Final = 3.0
STEPS: Final = 72
POOLS: Final = ("iso", "cross", "feedback", "untuned", "local")


class SurroundBank(nn.Module):
    """Local contrast energy (grid x 4 orientations, .04 cpd, 2 Hz) and five weighted sums of it.

    For every neuron each sum is 1 for a full-field grating of full contrast (cross: of the
    orthogonal direction; the others: of the preferred one):

    * iso, cross: a ring of 4.5 to 9 px (sigmas) around the receptive field, tuned to the preferred
      or to the orthogonal orientation;
    * feedback: the same with a wider hole, tuned to the preferred orientation;
    * untuned: everything within 6 px (sigma); local: within the receptive field, any orientation.

    Args:
        truth: the table of true parameters.

    Attributes:
        each_frame_once: frames that are shown again are not filtered again: faster for gratings
            and blank screens, equal but for rounding. Recordings are made without.
    """

    filters: Tensor
    kernel: Tensor
    each_frame_once = False

    def __init__(self, truth: pd.DataFrame) -> None:
        super().__init__()
        first = truth.iloc[0]
        frame, fps = (int(first["frame_h"]), int(first["frame_w"])), float(first["fps"])
        place, angle = _grid(frame)
        filters, by_direction = _filters(frame, SF_CPD * float(first["deg_per_px"]))
        kernel = quadrature_kernels(np.array([TF_HZ]), fps=fps)[:, :1]
        gain = float(np.abs(temporal_gain(kernel, np.array([TF_HZ / fps])))[0, 0])
        shown = gain**2 / 2 * by_direction
        step = np.rint(truth["direction_deg"].to_numpy() * STEPS / 360).astype(int)
        for name, weights in _pools(truth, place, angle).items():
            turned = step + STEPS // 4 if name == "cross" else step
            weights /= (weights * shown[turned % STEPS]).sum(1, keepdims=True)
            self.register_buffer(f"{name}_weights", torch.from_numpy(weights).float())
        flat = torch.from_numpy(filters.reshape(2 * len(place), -1).copy())
        self.register_buffer("filters", flat)
        self.register_buffer("kernel", torch.from_numpy(kernel).float())

    def forward(self, contrast: Tensor) -> dict[str, Tensor]:
        """{pool: (b, n, t)} of `contrast` (b, t, h * w), -1..1 around grey."""
        b, t, _ = contrast.shape
        filtered = self._filtered_once(contrast) if self.each_frame_once else None
        if filtered is None:
            linear = (contrast @ self.filters.T).transpose(1, 2).reshape(-1, 1, t)
            filtered = causal(linear, self.kernel)
        energy = filtered.reshape(b, -1, 2, t).square().sum(2)
        return {name: getattr(self, f"{name}_weights") @ energy for name in POOLS}

    def _filtered_once(self, contrast: Tensor) -> Tensor | None:
        """What the filters give in space and time; None if all frames differ.

        Frames are told apart by a random projection, which is then checked.
        """
        b, t, size = contrast.shape
        frames = contrast.flatten(0, 1)
        numbers = torch.from_numpy(np.random.default_rng(0).normal(size=size)).to(frames)
        _, which = torch.unique(frames @ numbers, return_inverse=True)
        first = torch.zeros(int(which.max()) + 1, dtype=torch.long, device=frames.device)
        first[which] = torch.arange(len(frames), device=frames.device)
        if len(first) == len(frames) or not torch.equal(frames[first][which], frames):
            return None
        shown = F.one_hot(which, len(first)).to(frames).reshape(b, t, -1).transpose(1, 2)
        course = causal(shown.reshape(-1, 1, t), self.kernel).reshape(b, -1, t)
        return self.filters @ frames[first].T @ course


def _grid(frame: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Centres (m, 2) in pixels (x, y) and directions (m,) in radians of the bank."""
    half = SPACING_PX / 2
    x = np.arange(half, frame[1], SPACING_PX)
    y = np.arange(half, frame[0], SPACING_PX)
    angles = np.arange(NUM_ORIENTATIONS) * np.pi / NUM_ORIENTATIONS
    angle, yy, xx = np.meshgrid(angles, y, x, indexing="ij")
    return np.stack([xx.ravel(), yy.ravel()], 1), angle.ravel()


@lru_cache(maxsize=4)
def _filters(frame: tuple[int, int], cpp: float) -> tuple[np.ndarray, np.ndarray]:
    """The pairs (m, 2, h * w) of the grid, and (STEPS, m) their energies by direction.

    Every population on screens of one kind has these, whatever its neurons.
    """
    place, angle = _grid(frame)
    all_alike = np.full(len(place), cpp)
    filters = gabor_pairs(
        frame,
        x=place[:, 0],
        y=place[:, 1],
        direction=angle,
        cpp=all_alike,
        sigma=np.full(len(place), SIGMA_PX),
        phase=np.zeros(len(place)),
    )
    return filters, _energy_by_direction(filters, frame, all_alike)


def _energy_by_direction(
    filters: np.ndarray, frame: tuple[int, int], cpp: np.ndarray
) -> np.ndarray:
    """(STEPS, m) squared amplitude of each pair under full-field gratings of STEPS directions."""
    directions = np.arange(STEPS) * 2 * np.pi / STEPS
    gains = [spatial_gain(filters, frame, direction=np.array([d]), cpp=cpp[:1]) for d in directions]
    return np.stack([(np.abs(gain) ** 2).sum(1) for gain in gains])


def _pools(truth: pd.DataFrame, place: np.ndarray, angle: np.ndarray) -> dict[str, np.ndarray]:
    """{pool: (n, m)} weights before normalisation."""
    x, y = truth["rf_x_px"].to_numpy()[:, None], truth["rf_y_px"].to_numpy()[:, None]
    squared = (place[:, 0] - x) ** 2 + (place[:, 1] - y) ** 2
    turn = 2 * (angle - np.radians(truth["direction_deg"].to_numpy())[:, None])
    iso, cross = (np.exp(CONCENTRATION * (sign * np.cos(turn) - 1)) for sign in (1, -1))
    far = _bump(squared, 9.0)
    ring = far * (1 - _bump(squared, 4.5))
    return {
        "iso": ring * iso,
        "cross": ring * cross,
        "feedback": far * (1 - _bump(squared, 5.0)) * iso,
        "untuned": _bump(squared, 6.0),
        "local": _bump(squared, 2.0),
    }


def _bump(squared: np.ndarray, sigma: float) -> np.ndarray:
    return np.exp(-squared / (2 * sigma**2))
