"""What a model sees of a recording: affine transforms with exact inverses."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from viv1t.data.moments import Moments
from viv1t.data.statistics import Statistics

_EPS: Final = float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class _Affine:
    """y = (x - offset) / scale; both (rows, 1) or ()."""

    offset: Tensor
    scale: Tensor

    def forward(self, x: Tensor, *, in_place: bool = False) -> Tensor:
        x = x if x.is_floating_point() else x.float()
        if self.is_centred:
            x, in_place = (x.sub_ if in_place else x.sub)(self.offset.to(x)), True
        return (x.div_ if in_place else x.div)(self.scale.to(x))

    @cached_property
    def is_centred(self) -> bool:
        """Whether anything is subtracted."""
        return bool(self.offset.any())

    def inverse(self, y: Tensor) -> Tensor:
        return (y * self.scale.to(y)).add_(self.offset.to(y))


def _affine(offset: np.ndarray, scale: np.ndarray) -> _Affine:
    """The transform of numbers with these offsets and scales; a scale of 0 or NaN becomes 1."""
    usable = np.isfinite(scale) & (scale > 0)
    columns = [np.nan_to_num(offset), np.where(usable, scale, 1.0)]
    tensors = [torch.as_tensor(np.asarray(c, dtype=np.float32)) for c in columns]
    return _Affine(*(t[:, None] if t.ndim else t for t in tensors))


def _input_transform(moments: Moments, mode: int, *, centred: bool) -> _Affine:
    zero = np.zeros_like(moments.mean)
    if mode == 0:
        return _affine(zero, zero + 1)
    if mode == 2:
        return _affine(moments.min, moments.max - moments.min)
    if centred:
        return _affine(moments.mean, np.where(moments.std > 0, moments.std + _EPS, 0))
    return _affine(zero, moments.std)


def response_scale(statistics: Statistics) -> np.ndarray:
    """What responses are divided by when standardised, (n,) float32.

    The neuron's standard deviation, or the floor for neurons that vary less or are missing.
    """
    std, floor = statistics.response.std, statistics.response_floor
    return np.where(std > floor, std, floor).astype(np.float32)


class Transforms:
    """Transforms of the signals of one mouse, and their inverses.

    All methods take and give torch tensors whose last axes are those named, with any leading
    batch axes, and let gradients pass. `in_place` overwrites what is given, if it is floating
    point, and saves its memory a second time.

    Attributes:
        statistics: the statistics they were made from.
        input_mode: 0 as it is, 1 standardise, 2 scale to 0..1.
        output_mode: 0 clip at 0, 1 divide by the standard deviation, 2 scale to 0..1.
        center_crop: share of the frame that is kept around its centre.
    """

    def __init__(
        self,
        statistics: Statistics,
        *,
        input_mode: int,
        output_mode: int,
        center_crop: float = 1.0,
    ) -> None:
        self.statistics = statistics
        self.input_mode = input_mode
        self.output_mode = output_mode
        self.center_crop = center_crop
        self._video = _input_transform(statistics.video, input_mode, centred=True)
        self._behavior = _input_transform(statistics.behavior, input_mode, centred=False)
        self._pupil = _input_transform(statistics.pupil_center, input_mode, centred=True)
        response = statistics.response
        if output_mode == 2:
            self._response = _affine(response.min, response.max - response.min)
        else:
            scale = response_scale(statistics) if output_mode == 1 else np.ones_like(response.std)
            self._response = _affine(np.zeros_like(scale), scale)

    def select(self, neurons: np.ndarray) -> "Transforms":
        """The same transforms for some of the neurons, by row."""
        return Transforms(
            self.statistics.select(neurons),
            input_mode=self.input_mode,
            output_mode=self.output_mode,
            center_crop=self.center_crop,
        )

    def video(self, x: Tensor, *, in_place: bool = False) -> Tensor:
        """Transformed movies (..., c, t, h, w) of grey levels, cropped around their centre."""
        y = self._video.forward(x, in_place=in_place)
        return y if self.center_crop == 1.0 else center_crop(y, self.center_crop)

    def behavior(self, x: Tensor) -> Tensor:
        """Transformed behaviour (..., k, t): divided by its spread, never centred, in mode 1."""
        return self._behavior.forward(x)

    def pupil_center(self, x: Tensor) -> Tensor:
        """Transformed pupil centres (..., p, t)."""
        return self._pupil.forward(x)

    def response(self, x: Tensor, *, in_place: bool = False) -> Tensor:
        """Transformed responses (..., n, t)."""
        if self.output_mode == 0:
            return x.clamp(min=0)
        return self._response.forward(x, in_place=in_place)

    def invert_video(self, y: Tensor) -> Tensor:
        """Grey levels of transformed movies; a centre crop is not undone."""
        return self._video.inverse(y)

    def invert_behavior(self, y: Tensor) -> Tensor:
        """Behaviour (..., k, t) in recorded units."""
        return self._behavior.inverse(y)

    def invert_pupil_center(self, y: Tensor) -> Tensor:
        """Pupil centres (..., p, t) in recorded units."""
        return self._pupil.inverse(y)

    def invert_response(self, y: Tensor) -> Tensor:
        """Responses (..., n, t) in recorded units; clipping at 0 (mode 0) is not undone."""
        return self._response.inverse(y)


def uncropped_px(position_px: Tensor, share: float, *, frame: tuple[int, int]) -> Tensor:
    """Pixels (n, 2) as (x, y) in the recorded frame, of pixels in what `center_crop` made of it.

    Args:
        position_px: (n, 2), (x, y) in the cropped and resized frame.
        share: of each side that was kept; 1: nothing was cropped.
        frame: (h, w) in pixels.
    """
    if share == 1.0:
        return position_px
    size = position_px.new_tensor([frame[1], frame[0]])
    kept = (size * share).int()
    index = (position_px + 0.5) * kept / size - 0.5
    return (1 - share + 2 * share * index / (kept - 1)) * (size - 1) / 2


def center_crop(video: Tensor, share: float) -> Tensor:
    """The central `share` of each side of `video` (..., h, w), resized to the whole frame.

    As published: nearest neighbours on a grid of int(share * size) points, then bilinear.
    """
    height, width = video.shape[-2:]
    rows, columns = (
        torch.linspace(-share, share, int(size * share), device=video.device, dtype=video.dtype)
        for size in (height, width)
    )
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    frames = video.reshape(1, -1, height, width)
    small = F.grid_sample(
        frames,
        torch.stack((x, y), dim=-1)[None],
        mode="nearest",
        align_corners=True,
    )
    large = F.interpolate(small, size=(height, width), mode="bilinear", align_corners=False)
    return large.reshape(video.shape)
