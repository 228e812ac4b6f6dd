"""Which pixels are generated, and what the others show."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from viv1t.config.flags import check
from viv1t.stimuli.aperture import disc, soft_disc
from viv1t.units import GREY, Monitor


@dataclass(frozen=True, kw_only=True, eq=False)
class Canvas:
    """Where a stimulus is generated, on a background that stays.

    Attributes:
        free: (h, w) float32; 1 is generated, 0 shows exactly the background, between is a mixture.
        background: (h, w) or (t, h, w) float32 grey values.
    """

    free: NDArray[np.float32]
    background: NDArray[np.float32]

    def __post_init__(self) -> None:
        for name in ("free", "background"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), np.float32))
        check(
            self.free.ndim == 2
            and self.background.ndim in (2, 3)
            and self.background.shape[-2:] == self.free.shape,
            f"free must be (h, w) and background (h, w) or (t, h, w), got {self.free.shape} and "
            f"{self.background.shape}",
        )
        check(
            bool(self.free.max() > 0 and self.free.min() >= 0 and self.free.max() <= 1),
            "no pixel of the canvas is free to be generated: enlarge the disc or the outer limit, "
            "or move its centre onto the screen",
        )

    def show(self, movie: Tensor) -> Tensor:
        """(s, t, h, w) grey values on the screen when `movie` (s, t, h, w) is generated."""
        free, kept = self._tensors
        return movie * free.to(movie) + kept.to(movie)

    @property
    def free_share(self) -> Tensor:
        """`free` as a tensor."""
        return self._tensors[0]

    @cached_property
    def _tensors(self) -> tuple[Tensor, Tensor]:
        """The free share, and what the background adds."""
        return torch.from_numpy(self.free), torch.from_numpy(self.background * (1 - self.free))


def full_field(
    monitor: Monitor,
    *,
    outer_deg: float | None = None,
    centre_px: tuple[float, float] | None = None,
    soft_px: float = 0.0,
    grey: float = GREY,
) -> Canvas:
    """The whole screen, or a large disc on grey.

    Args:
        monitor: the screen.
        outer_deg: diameter beyond which all is grey; None: no limit.
        centre_px: (x, y) of that disc; None or NaN: the middle of the screen.
        soft_px: width of its edge, inside it; 0: hard.
        grey: grey value of the background.
    """
    if outer_deg is None:
        return Canvas(free=np.ones(_shape(monitor), np.float32), background=_grey(monitor, grey))
    return centre_disc(monitor, size_deg=outer_deg, centre_px=centre_px, soft_px=soft_px, grey=grey)


def centre_disc(
    monitor: Monitor,
    *,
    size_deg: float,
    centre_px: tuple[float, float] | None,
    soft_px: float = 0.0,
    grey: float = GREY,
) -> Canvas:
    """A disc on grey, for example of the size of a receptive field.

    Args:
        monitor: the screen.
        size_deg: diameter.
        centre_px: (x, y); None or NaN: the middle of the screen.
        soft_px: width of the edge, inside the disc; 0: hard.
        grey: grey value of the background.
    """
    free = _disc(monitor, size_deg, centre_px, soft_px)
    return Canvas(free=free, background=_grey(monitor, grey))


def surround_ring(
    monitor: Monitor,
    centre_clip: ArrayLike,
    *,
    size_deg: float,
    centre_px: tuple[float, float] | None,
    outer_deg: float | None = None,
    soft_px: float = 0.0,
    grey: float = GREY,
) -> Canvas:
    """All that is around a disc, which shows a clip that stays.

    Args:
        monitor: the screen.
        centre_clip: (h, w) or (t, h, w) grey values; those inside the disc are shown as they are.
        size_deg: diameter of the disc.
        centre_px: (x, y); None or NaN: the middle of the screen.
        outer_deg: diameter beyond which all is grey; None: no limit.
        soft_px: width of both edges of the ring, inside it; 0: hard.
        grey: grey value of the background.
    """
    check(
        outer_deg is None or outer_deg > size_deg,
        f"the outer limit must be larger than the disc of {size_deg} degrees, got {outer_deg}",
    )
    clip = np.asarray(centre_clip, np.float32)
    check(
        clip.ndim in (2, 3) and clip.shape[-2:] == _shape(monitor),
        f"the clip in the centre must be (t, h, w) with (h, w) = {_shape(monitor)}, the screen; "
        f"got {clip.shape}",
    )
    inside = disc(monitor, size_deg, centre_px=centre_px)
    free = 1 - _disc(monitor, size_deg, centre_px, soft_px, outward=True)
    if outer_deg is not None:
        free = free * _disc(monitor, outer_deg, centre_px, soft_px)
    return Canvas(free=free, background=np.where(inside, clip, np.float32(grey)))


def _disc(
    monitor: Monitor,
    size_deg: float,
    centre_px: tuple[float, float] | None,
    soft_px: float,
    **options: Any,  # noqa: ANN401
) -> NDArray[np.float32]:
    check(size_deg > 0, f"the diameter of a disc must be positive, got {size_deg} degrees")
    check(soft_px >= 0, f"the width of a soft edge must be 0 or more pixels, got {soft_px}")
    return soft_disc(monitor, size_deg, centre_px=centre_px, soft_px=soft_px, **options)


def _shape(monitor: Monitor) -> tuple[int, int]:
    return monitor.height_px, monitor.width_px


def _grey(monitor: Monitor, grey: float) -> NDArray[np.float32]:
    return np.full(_shape(monitor), grey, np.float32)
