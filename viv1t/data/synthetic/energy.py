"""Neurons whose best stimulus is known: root-energy units behind the interface of a twin."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from viv1t.data.synthetic.filters import gabor_pairs
from viv1t.names import MouseId
from viv1t.units import FPS, GREY

SIGMA_PX: Final = 3.5
NUM_TAPS: Final = 12
SIGMA_FRAMES: Final = 3.0
# Units of the suppressive surround stand on a ring of this many sigmas around the centre.
NUM_AROUND: Final = 8
RING_SIGMAS: Final = 3.0
# Keeps the gradient of a root at a grey screen finite.
_TINY: Final = 1e-12


@dataclass(frozen=True, kw_only=True)
class EnergyNeuron:
    """A complex cell (Adelson & Bergen 1985) made of three-dimensional Gabors.

    Attributes:
        x_px: centre of the receptive field, column.
        y_px: centre of the receptive field, row.
        direction_deg: where the preferred grating moves; 0 left, 90 down.
        cpp: preferred spatial frequency, cycles per pixel.
        cpf: preferred temporal frequency, cycles per frame.
        is_directional: False: the opposite direction drives it as much.
        suppression: weight of a surround that divides the response; 0: none.
        reach_px: what lies as far from the centre as this is not seen at all.
    """

    x_px: float
    y_px: float
    direction_deg: float
    cpp: float
    cpf: float
    is_directional: bool = True
    suppression: float = 0.0
    reach_px: float = math.inf


class EnergyNeurons(nn.Module):
    """Noiseless responses r = (baseline + peak * root of energy) / (1 + suppression).

    The energy is the sum of the squares of a pair of filters in quadrature (two pairs for neurons
    without a direction): 1 for the preferred sinusoid at full contrast. The suppression is the mean
    root energy of units that stand around, alike but for their place, times the weight of the
    neuron; a grey screen has none.

    Interface of `DigitalTwin` and `SyntheticMouse`: grey values in, responses out, differentiable.

    Args:
        excitatory: (n, m, p, 2, k, h, w): of each neuron m units, made of p pairs of filters of k
            causal frames, the last the newest.
        suppressive: likewise, or None.
        weights: (n,) of the suppression.
        peak: the response to energy 1.
        baseline: the response to grey.
        mouse_id: the name of the one mouse.
    """

    excitatory: Tensor
    suppressive: Tensor | None
    weights: Tensor

    def __init__(
        self,
        excitatory: Tensor,
        *,
        suppressive: Tensor | None = None,
        weights: Sequence[float] | None = None,
        peak: float = 10.0,
        baseline: float = 1.0,
        mouse_id: MouseId = "K",
    ) -> None:
        super().__init__()
        self.peak, self.baseline, self.mouse_id = peak, baseline, mouse_id
        self.register_buffer("excitatory", excitatory.float())
        self.register_buffer("suppressive", suppressive)
        chosen = torch.zeros(len(excitatory)) if weights is None else torch.tensor([*weights])
        self.register_buffer("weights", chosen.float()[:, None])

    @classmethod
    def of(
        cls,
        neurons: Sequence[EnergyNeuron],
        *,
        frame: tuple[int, int] = (36, 64),
        baseline: float = 1.0,
    ) -> "EnergyNeurons":
        """The responder made of `neurons`, on a screen of `frame` (h, w) pixels."""
        preferred, null = (_pairs(neurons, frame, sign=sign) for sign in (1, -1))
        for number, neuron in enumerate(neurons):
            null[number] *= not neuron.is_directional
        suppressive = None
        if any(neuron.suppression for neuron in neurons):
            around = [_moved(neuron, i) for neuron in neurons for i in range(NUM_AROUND)]
            pairs = _pairs(around, frame, sign=1)
            suppressive = torch.from_numpy(pairs).unflatten(0, (len(neurons), NUM_AROUND, 1))
        return cls(
            torch.from_numpy(np.stack([preferred, null], axis=1)).unsqueeze(1),
            suppressive=suppressive,
            weights=[neuron.suppression for neuron in neurons],
            baseline=baseline,
        )

    @classmethod
    def noise(
        cls, num_neurons: int, *, seed: int, frame: tuple[int, int] = (36, 64)
    ) -> "EnergyNeurons":
        """Neurons whose filters are white noise: what is best for one model means nothing."""
        shape = (num_neurons, 1, 1, 2, NUM_TAPS, *frame)
        filters = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
        norm = np.sqrt((filters**2).sum(axis=(4, 5, 6), keepdims=True))
        return cls(torch.from_numpy(filters / norm))

    @property
    def mouse_ids(self) -> tuple[MouseId, ...]:
        """The one mouse."""
        return (self.mouse_id,)

    @property
    def video_shape(self) -> tuple[int, int]:
        """(h, w) of a frame in pixels."""
        h, w = self.excitatory.shape[-2:]
        return h, w

    @property
    def fps(self) -> float:
        """Frames per second."""
        return FPS

    def num_neurons(self, mouse_id: MouseId) -> int:
        """Number of neurons."""
        del mouse_id
        return len(self.excitatory)

    def neuron_coordinates(self, mouse_id: MouseId) -> NDArray[np.float32] | None:
        """None: they stand nowhere."""
        del mouse_id
        return None

    def forward(self, contrast: Tensor, neurons: ArrayLike | None = None) -> Tensor:
        """Responses (b, n, t) to contrasts (b, t, h, w), -1..1 around grey, after a grey screen.

        Args:
            contrast: of the movies.
            neurons: rows of the n neurons that are wanted; None: all.
        """
        rows = slice(None) if neurons is None else torch.from_numpy(np.atleast_1d(neurons))
        energy = _roots(contrast, self.excitatory[rows])
        response = self.baseline + self.peak * energy
        if self.suppressive is None:
            return response
        around = _roots(contrast, self.suppressive[rows])
        return response / (1 + self.weights[rows] * around)

    def respond(
        self,
        video: Tensor,
        mouse_id: MouseId,
        *,
        start: int,
        grey: float = GREY,
        behavior: ArrayLike | None = None,
        pupil_center: ArrayLike | None = None,
        neurons: ArrayLike | None = None,
        units: str = "recorded",
    ) -> Tensor:
        """Responses (b, n, t) to movies (b, 1, t, h, w) shown after grey, as `DigitalTwin.respond`.

        Args:
            video: grey values.
            mouse_id: one mouse is all there is.
            start: frames of grey before the movies.
            grey: the value of the grey screen.
            behavior: no matter.
            pupil_center: no matter.
            neurons: rows of the n neurons that are wanted; None: all.
            units: no matter.
        """
        del mouse_id, behavior, pupil_center, units
        lead = min(start, NUM_TAPS - 1)
        screen = video.new_full((len(video), lead, *video.shape[3:]), float(grey))
        contrast = (torch.cat((screen, video[:, 0]), dim=1) - GREY) / GREY
        return self(contrast, neurons)[..., lead:]

    @torch.inference_mode()
    def predict(
        self,
        video: ArrayLike,
        mouse_id: MouseId,
        *,
        behavior: ArrayLike | None = None,
        pupil_center: ArrayLike | None = None,
        units: str = "recorded",
        batch_size: int = 1,
        frames: slice | None = None,
        neurons: ArrayLike | None = None,
    ) -> NDArray[np.float32]:
        """Responses (n, t) to a movie (t, h, w), (b, n, t) to several, as `Responder.predict`."""
        del mouse_id, behavior, pupil_center, units
        contrast = (torch.as_tensor(np.asarray(video)).float() - GREY) / GREY
        movies = contrast[None] if contrast.ndim == 3 else contrast
        found = torch.cat([self(part, neurons) for part in movies.split(batch_size)])
        chosen: NDArray[np.float32] = found[..., slice(None) if frames is None else frames].numpy()
        return chosen[0] if contrast.ndim == 3 else chosen


def _roots(contrast: Tensor, filters: Tensor) -> Tensor:
    """(b, n, t): of each unit the root of its energy, of the m units of a neuron the mean.

    Args:
        contrast: (b, t, h, w).
        filters: (n, m, p, 2, k, h, w).
    """
    num_taps, t = filters.shape[4], contrast.shape[1]
    frames = F.pad(contrast.flatten(2), (0, 0, num_taps - 1, 0))
    parts = (frames @ filters.flatten(5).flatten(0, 4).T).unflatten(2, (-1, num_taps))
    linear = sum(parts[:, tap : tap + t, :, tap] for tap in range(num_taps))
    assert isinstance(linear, Tensor)
    energy = linear.transpose(1, 2).unflatten(1, filters.shape[:4]).square().sum(dim=(3, 4))
    return ((energy + _TINY).sqrt() - math.sqrt(_TINY)).mean(dim=2)


def _moved(neuron: EnergyNeuron, number: int) -> EnergyNeuron:
    """Unit `number` of the suppressive surround."""
    angle = 2 * math.pi * number / NUM_AROUND
    away = RING_SIGMAS * SIGMA_PX
    x_px, y_px = neuron.x_px + away * math.cos(angle), neuron.y_px + away * math.sin(angle)
    return replace(neuron, x_px=x_px, y_px=y_px, reach_px=math.inf)


def _pairs(
    neurons: Sequence[EnergyNeuron], frame: tuple[int, int], *, sign: int
) -> NDArray[np.float32]:
    """(n, 2, k, h, w): filters without mean, in quadrature.

    Args:
        neurons: whose energy is 1 for the preferred sinusoid at full contrast.
        frame: (h, w) in pixels.
        sign: -1 for filters that prefer the opposite direction.
    """
    x, y, degrees, cpp, cpf, reach = np.array(
        [[n.x_px, n.y_px, n.direction_deg, n.cpp, n.cpf, n.reach_px] for n in neurons]
    ).T
    direction, zeros = np.radians(degrees), np.zeros(len(neurons))
    sigma = np.full(len(neurons), SIGMA_PX)
    shape = {"x": x, "y": y, "direction": direction, "cpp": cpp, "sigma": sigma, "phase": zeros}
    space = gabor_pairs(frame, **shape).reshape(-1, 2, *frame)
    rows, columns = np.mgrid[: frame[0], : frame[1]]
    away = np.hypot(columns - x[:, None, None], rows - y[:, None, None])
    space = space * (away < reach[:, None, None])[:, None]
    lag = np.arange(NUM_TAPS)[::-1]
    course = np.exp(-((lag - lag.mean()) ** 2) / (2 * SIGMA_FRAMES**2))
    # A grating runs through these phases from one lag to the next.
    turn = np.exp(-2j * np.pi * sign * cpf[:, None] * lag)[..., None, None]
    filters = (space[:, :1] + 1j * space[:, 1:]) * course[:, None, None] * turn
    along = np.cos(direction)[:, None, None] * columns - np.sin(direction)[:, None, None] * rows
    wave = np.exp(2j * np.pi * cpp[:, None, None] * along)[:, None] * turn
    gains = [(filters * w).sum(axis=(1, 2, 3)) for w in (wave, wave.conj())]
    root = np.sqrt(sum(np.abs(gain) ** 2 for gain in gains)) / 2
    filters /= root[:, None, None, None]
    return np.stack([filters.real, filters.imag], axis=1).astype(np.float32)
