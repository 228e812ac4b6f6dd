"""Screen geometry and the constants of a trial: the only place where degrees meet pixels."""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

FPS: Final = 30.0
GREY: Final = 127
MAX_FRAMES: Final = 300
SKIP_FRAMES: Final = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Monitor:
    """A flat screen seen from `distance_cm`, its centre straight ahead.

    Attributes:
        width_cm: width of the lit area.
        height_cm: height of the lit area.
        distance_cm: from the eye to the centre of the screen.
        width_px: columns of the stored movie.
        height_px: rows of the stored movie.
    """

    width_cm: float
    height_cm: float
    distance_cm: float
    width_px: int = 64
    height_px: int = 36

    def __post_init__(self) -> None:
        for name in ("width_cm", "height_cm", "distance_cm", "width_px", "height_px"):
            if not getattr(self, name) > 0:
                raise ValueError(f"monitor {name} must be positive, got {getattr(self, name)}")

    def with_px(self, *, width_px: int, height_px: int) -> "Monitor":
        """The same screen with movies of another number of pixels."""
        return replace(self, width_px=width_px, height_px=height_px)

    @property
    def cm_per_px(self) -> float:
        """Size of one movie pixel in cm, from the width (published convention)."""
        return self.width_cm / self.width_px

    @property
    def deg_per_px(self) -> float:
        """Visual angle in degrees of one pixel at the screen centre."""
        return math.degrees(2 * math.atan(self.cm_per_px / 2 / self.distance_cm))

    def radius_px(self, diameter_deg: float) -> float:
        """Radius in pixels of a centred disc that subtends `diameter_deg` degrees."""
        return self.distance_cm * math.tan(math.radians(diameter_deg) / 2) / self.cm_per_px

    def diameter_deg(self, radius_px: float) -> float:
        """Visual angle in degrees subtended by a centred disc of `radius_px` pixels."""
        return math.degrees(2 * math.atan(radius_px * self.cm_per_px / self.distance_cm))

    def disc(
        self, diameter_deg: float, *, centre_px: tuple[float, float] | None = None
    ) -> np.ndarray:
        """(h, w) bool: pixels whose centres lie inside a disc of `diameter_deg` degrees.

        Args:
            diameter_deg: of the disc, if it were at the screen centre.
            centre_px: (x, y) of its centre; None: (w / 2, h / 2).
        """
        x0, y0 = centre_px or (self.width_px / 2, self.height_px / 2)
        y, x = np.mgrid[: self.height_px, : self.width_px]
        return np.hypot(x - x0, y - y0) < self.radius_px(diameter_deg)


# The screen of the Sensorium mice, which the published gratings assume for every mouse.
DEFAULT_MONITOR: Final = Monitor(width_cm=56.5, height_cm=31.8, distance_cm=15.0)
