"""The Gaussian readout: each neuron reads the features at one point of the frame."""

from dataclasses import dataclass
from typing import Literal, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from viv1t.config.flags import flag
from viv1t.config.schema import ReadoutConfig
from viv1t.model.layers.gather import read_points
from viv1t.model.readouts.base import READOUTS, BiasMode, Readout, ReadoutRuntime

INIT_MU_RANGE = 0.2
INIT_SIGMA = 1.0
HIDDEN_UNITS = 30


@dataclass(frozen=True, kw_only=True)
class GaussianConfig(ReadoutConfig):
    """A point per neuron, with noise in training (Lurz et al. 2021)."""

    grid_mode: Literal[0, 1, 2] = flag(
        1, help="where a neuron reads: 0 learnt, 1 predicted from cortical (x, y), 2 (x, y, z)"
    )
    bias_mode: BiasMode = flag(2, help="bias: 0 none, 1 from zero, 2 from the mean responses")


@READOUTS.register("gaussian", GaussianConfig)
class GaussianReadout(Readout):
    """Reads the feature map of each neuron at mu (x, y in -1..1), bilinearly.

    In training the point is drawn anew for each frame from a Gaussian around mu; `sigma` is the
    factor of its covariance. Free positions (grid mode 0) are kept within the frame by clamping
    them outside autograd, so that clamped ones keep their gradient; in eval mode the state stays
    as it is (the published code overwrote it there too: `as_published`).
    """

    config: GaussianConfig
    source_grid: Tensor

    def __init__(self, config: GaussianConfig, **runtime: Unpack[ReadoutRuntime]) -> None:
        super().__init__(config, **runtime)
        channels, num_neurons = self.core_shape[0], self.num_neurons
        if config.grid_mode == 0:
            start = torch.empty(1, num_neurons, 1, 2).uniform_(-INIT_MU_RANGE, INIT_MU_RANGE)
            self._mu = nn.Parameter(start)
        spread = torch.empty(1, num_neurons, 2, 2).uniform_(-INIT_SIGMA, INIT_SIGMA)
        self.sigma = nn.Parameter(spread)
        self.features = nn.Parameter(torch.full((1, channels, num_neurons), 1 / channels))
        self.bias = self._initial_bias(config.bias_mode, runtime.get("mean_response"))
        if config.grid_mode != 0:
            num_axes = config.grid_mode + 1
            places = runtime["coordinates"][:, :num_axes]
            grid = scaled_coordinates(places, as_published=self.as_published)
            self.register_buffer("source_grid", grid)
            self.mu_transform = nn.Sequential(
                nn.Linear(num_axes, HIDDEN_UNITS), nn.ELU(), nn.Linear(HIDDEN_UNITS, 2), nn.Tanh()
            )

    def _centres(self) -> Tensor:
        """Mean points (n, 2), within the frame."""
        if self.config.grid_mode != 0:
            return self.mu_transform(self.source_grid)
        if self.training or self.as_published:
            with torch.no_grad():
                self._mu.clamp_(-1, 1)
        free = self._mu
        clamped = free.detach().clamp(-1, 1) + (free - free.detach())
        return clamped.view(-1, 2)

    def positions(self) -> Tensor:
        """(n, 2) mu (x, y) in grid units -1..1, without shift or noise."""
        with torch.no_grad():
            if self.config.grid_mode == 0:
                return self._mu.clamp(-1, 1).view(-1, 2)
            return self.mu_transform(self.source_grid)

    def sampling_grid(self, num_frames: int) -> Tensor:
        """Points (t or 1, n, 2) at which the frames are read: one for all frames in eval mode."""
        centres = self._centres()[None]
        if self.training:
            noise = torch.randn(
                (num_frames, self.num_neurons, 2), device=centres.device, dtype=centres.dtype
            )
            centres = centres + torch.einsum("ncj,tnj->tnc", self.sigma[0], noise)
        return centres.clamp(-1, 1)

    def forward(self, features: Tensor, *, shifts: Tensor | None) -> Tensor:
        """Responses (b, n, t'), see `Readout.forward`."""
        num_batch, _, num_frames = features.shape[:3]
        grid = self.sampling_grid(num_batch * num_frames)
        if shifts is not None:
            grid = grid + shifts.mT.reshape(-1, 1, 2)
        grid = grid.unflatten(0, (num_batch, num_frames) if len(grid) > 1 else (1, 1))
        read = read_points if self.fast and features.device.type == "cpu" else sample_points
        responses = read(features, grid, self.features[0].mT)
        return responses if self.bias is None else responses + self.bias[:, None]


def sample_points(features: Tensor, grid: Tensor, weights: Tensor) -> Tensor:
    """The same as `read_points`, plainly and on any device."""
    num_batch, _, num_frames = features.shape[:3]
    maps = features.transpose(1, 2).flatten(0, 1)
    grid = grid.expand(num_batch, num_frames, -1, -1).flatten(0, 1)[:, :, None]
    sampled = F.grid_sample(maps, grid, align_corners=True)[..., 0]
    responses = torch.einsum("fcn,nc->fn", sampled, weights)
    return responses.unflatten(0, (num_batch, num_frames)).mT


def scaled_coordinates(coordinates: Tensor, *, as_published: bool = False) -> Tensor:
    """Coordinates (n, k) centred on zero and divided by the largest absolute value.

    Args:
        coordinates: (n, k) in µm.
        as_published: give NaN where all neurons share one place, as the published code does.
    """
    centred = coordinates.float() - coordinates.float().mean(dim=0, keepdim=True)
    largest = centred.abs().max()
    return centred / (largest if as_published or largest > 0 else 1.0)
