"""Gratings: which are shown in searches, and a fine search for one objective."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from viv1t.config.flags import check, flag
from viv1t.errors import DataError
from viv1t.most_exciting_stimulus.canvas import Canvas
from viv1t.most_exciting_stimulus.constraints import MID_GREY, WHITE
from viv1t.most_exciting_stimulus.neurons import SelectionConfig
from viv1t.most_exciting_stimulus.objective import Objective
from viv1t.most_exciting_stimulus.respond import Asked
from viv1t.most_exciting_stimulus.search import match_contrast
from viv1t.stimuli.grating import drifting_grating, published_grating
from viv1t.units import FPS, GREY, SKIP_FRAMES, Monitor

Wave: TypeAlias = Literal["sine", "square"]

STIMULUS_FRAMES: Final = 30
# The published limit of surrounds.
OUTER_DEG: Final = 60.0
# Around the best grating so far, in steps that are halved from round to round.
_NEIGHBOURS: Final = (-0.5, 0.0, 0.5)


@dataclass(frozen=True, kw_only=True)
class Grating:
    """A drifting grating; 0 degrees moves left, 90 down, 180 right, 270 up.

    Attributes:
        direction_deg: where the bars move.
        cpd: cycles per degree at the centre of the screen.
        hz: cycles per second; 0 stands still.
        phase_deg: at the pixel (w / 2, h / 2) of the first frame.
        wave: "sine", or "square" of the same phase.
    """

    direction_deg: float
    cpd: float
    hz: float
    phase_deg: float = 0.0
    wave: Wave = "sine"

    def draw(
        self, monitor: Monitor, num_frames: int = STIMULUS_FRAMES, *, fps: float = FPS
    ) -> NDArray[np.float32]:
        """Grey values (t, h, w) at full contrast, on the whole screen."""
        frames = drifting_grating(
            monitor,
            direction_deg=self.direction_deg,
            num_frames=num_frames,
            fps=fps,
            cpd=self.cpd,
            hz=self.hz,
            phase_deg=self.phase_deg,
        )
        if self.wave == "sine":
            return frames
        return np.where(frames >= GREY, 2 * GREY, 0).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class GratingSpace:
    """The gratings that `best_grating` tries.

    Attributes:
        directions_deg: evenly spaced.
        cpds: cycles per degree, in a geometric series.
        hz: cycles per second; (0,) are still images.
        phases_deg: evenly spaced.
        waves: whose best is refined; the coarse grid is of the first.
        rounds: refinements, each with half the steps of the one before.
    """

    directions_deg: tuple[float, ...] = tuple(range(0, 360, 30))
    cpds: tuple[float, ...] = (0.01, 0.02, 0.04, 0.08, 0.14)
    hz: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)
    phases_deg: tuple[float, ...] = (0.0, 90.0, 180.0, 270.0)
    waves: tuple[Wave, ...] = ("sine", "square")
    rounds: int = 3

    def grid(self) -> list[Grating]:
        """All combinations, of the first wave form."""
        return [
            Grating(direction_deg=direction, cpd=cpd, hz=hz, phase_deg=phase, wave=self.waves[0])
            for direction, cpd, hz, phase in product(
                self.directions_deg, self.cpds, self.hz, self.phases_deg
            )
        ]

    def around(self, best: Grating, scale: float) -> list[Grating]:
        """`best` and its neighbours at half a step of the grid times `scale`."""
        turn, phase = 360 / len(self.directions_deg), 360 / len(self.phases_deg)
        ratio = (max(self.cpds) / min(self.cpds)) ** (1 / max(1, len(self.cpds) - 1))
        faster = (
            1.0 if best.hz == 0 else (max(self.hz) / min(self.hz)) ** (1 / max(1, len(self.hz) - 1))
        )
        return [
            replace(
                best,
                direction_deg=(best.direction_deg + a * scale * turn) % 360,
                cpd=best.cpd * ratio ** (b * scale),
                hz=best.hz * faster ** (c * scale),
                phase_deg=(best.phase_deg + d * scale * phase) % 360,
            )
            for a, b, c, d in product(*[_NEIGHBOURS] * 4)
            if faster != 1 or c == 0
        ]


@dataclass(frozen=True, kw_only=True)
class GridConfig:
    """The gratings that are shown."""

    num_directions: int = flag(8, help="directions of motion, evenly spaced")
    cpd: float = flag(0.04, help="spatial frequency in cycles per degree")
    hz: float = flag(2.0, help="temporal frequency in cycles per second")
    num_frames: int = flag(30, help="frames of a grating")
    lead_frames: int = flag(SKIP_FRAMES, help="grey frames before a grating")

    def __post_init__(self) -> None:
        for name in ("num_directions", "cpd", "hz", "num_frames"):
            value = getattr(self, name)
            check(value > 0, f"--{name} must be positive, got {value}")
        check(self.lead_frames >= 0, f"--lead_frames must be 0 or more, got {self.lead_frames}")

    @property
    def directions_deg(self) -> list[float]:
        """0 is leftward, 90 downward."""
        return [number * 360 / self.num_directions for number in range(self.num_directions)]

    def draw(
        self,
        monitor: Monitor,
        fps: float,
        direction_deg: float,
        *,
        phase_deg: float = 0.0,
        as_published: bool = False,
    ) -> NDArray[np.number]:
        """Grey values (t, h, w); as published with the screen of the Sensorium mice, as bytes."""
        shown: dict[str, Any] = {
            "direction_deg": direction_deg,
            "num_frames": self.num_frames,
            "cpd": self.cpd,
            "phase_deg": phase_deg,
        }
        if as_published:
            shape = monitor.height_px, monitor.width_px
            return published_grating(shape, cpf=self.hz / fps, **shown)
        return drifting_grating(monitor, fps=fps, hz=self.hz, **shown)


@dataclass(frozen=True, kw_only=True)
class SurroundConfig:
    """How far surrounds reach."""

    outer_stimulus_size: float | None = flag(
        None,
        help="diameter in degrees beyond which all is grey, 0: no limit; none: 60 for neurons, no "
        "limit for a population",
    )

    def outer_deg(self, selection: SelectionConfig) -> float | None:
        """The outer limit; None: there is none."""
        if self.outer_stimulus_size is None:
            return OUTER_DEG if selection.objective == "neuron" else None
        return self.outer_stimulus_size or None


@dataclass(frozen=True, kw_only=True)
class RepeatConfig:
    """How often full-field gratings are shown."""

    num_repeats: int = flag(10, help="presentations of each direction, of random phases")

    def __post_init__(self) -> None:
        check(self.num_repeats >= 1, f"--num_repeats must be 1 or more, got {self.num_repeats}")


@dataclass(frozen=True, kw_only=True, eq=False)
class BestGrating:
    """What `best_grating` found.

    Attributes:
        grating: the best.
        frames: (t, h, w) float32, as shown on the canvas.
        value: of the objective, in the units of the responses.
        tried: one row a grating: its attributes, and value (NaN: no such contrast is possible).
    """

    grating: Grating
    frames: NDArray[np.float32]
    value: float
    tried: pd.DataFrame


def best_grating(
    asked: Asked,
    objective: Objective,
    canvas: Canvas,
    monitor: Monitor,
    *,
    rms: float | None = None,
    mean: float = MID_GREY,
    num_frames: int = STIMULUS_FRAMES,
    fps: float = FPS,
    space: GratingSpace | None = None,
    batch_size: int = 16,
    progress: bool = False,
) -> BestGrating:
    """The drifting grating that is best by the objective, sine or square, on a canvas.

    All of a grid are shown, then the best of each wave form is refined. With `rms` all have the
    same RMS contrast and mean over canvas and frames, as `match_contrast` makes them; without,
    they have full contrast.

    Args:
        asked: movies (s, t, h, w) -> responses (s, n, t) of the neurons of the objective.
        objective: what is best; `goal` "inhibit" looks for the lowest value.
        canvas: where gratings are shown, and what is around.
        monitor: the screen, with the pixels of the movies.
        rms: RMS contrast in grey values; None: full contrast.
        mean: with `rms`.
        num_frames: t.
        fps: frames per second.
        space: which are tried; None: the default.
        batch_size: movies that are asked together.
        progress: show a progress bar.

    Raises:
        DataError: no grating of the grid can have the contrast.
    """
    space = GratingSpace() if space is None else space

    def draw(grating: Grating) -> NDArray[np.float32] | None:
        frames = grating.draw(monitor, num_frames, fps=fps)
        if rms is None:
            return frames / np.float32(2 * GREY) * np.float32(WHITE)
        try:
            return match_contrast(frames, canvas.free, rms, mean)
        except DataError:
            return None

    rows: list[dict[str, object]] = []

    def best_of(gratings: Sequence[Grating]) -> tuple[float, Grating]:
        values, scores = [], []
        for start in range(0, len(gratings), batch_size):
            part = gratings[start : start + batch_size]
            value, score = _ask(asked, objective, canvas, [draw(grating) for grating in part])
            values.append(value)
            scores.append(score)
            bar.update(len(part))
        rows.extend(
            vars(grating) | {"value": value}
            for grating, value in zip(gratings, np.concatenate(values), strict=True)
        )
        ranked = np.concatenate(scores)
        best = int(ranked.argmax())
        return float(ranked[best]), gratings[best]

    with tqdm(desc="gratings", unit="grating", disable=not progress) as bar:
        top, first = best_of(space.grid())
        if top == -np.inf:
            raise DataError(f"no grating can have RMS contrast {rms} around {mean}: ask for less")
        found = []
        for wave in space.waves:
            best = (-np.inf, replace(first, wave=wave))
            for number in range(space.rounds):
                best = max(
                    best, best_of(space.around(best[1], 0.5**number)), key=lambda pair: pair[0]
                )
            found.append(best)
        found.append((top, first))
    _, grating = max(found, key=lambda pair: pair[0])
    drawn = draw(grating)
    assert drawn is not None
    with torch.no_grad():
        shown = canvas.show(torch.from_numpy(drawn)[None])
        value = objective.value(asked(shown))
    return BestGrating(
        grating=grating,
        frames=shown[0].cpu().numpy().astype(np.float32),
        value=float(value[0]),
        tried=pd.DataFrame(rows),
    )


def _ask(
    asked: Asked,
    objective: Objective,
    canvas: Canvas,
    drawn: Sequence[NDArray[np.float32] | None],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values (NaN) and scores (-inf) of movies, of which None could not be drawn."""
    values, scores = np.full(len(drawn), np.nan), np.full(len(drawn), -np.inf)
    kept = [number for number, frames in enumerate(drawn) if frames is not None]
    if kept:
        movies = torch.from_numpy(np.stack([frames for frames in drawn if frames is not None]))
        with torch.no_grad():
            responses = asked(canvas.show(movies))
        values[kept] = objective.value(responses).double().cpu().numpy()
        scores[kept] = objective.score(responses).double().cpu().numpy()
    return values, scores
