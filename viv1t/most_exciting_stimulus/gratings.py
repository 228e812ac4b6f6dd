"""The gratings that drive most: a fine search for one objective."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from viv1t.errors import DataError
from viv1t.most_exciting_stimulus.canvas import Canvas
from viv1t.most_exciting_stimulus.constraints import MID_GREY, WHITE
from viv1t.most_exciting_stimulus.objective import Objective
from viv1t.most_exciting_stimulus.respond import Asked
from viv1t.most_exciting_stimulus.search import match_contrast
from viv1t.stimuli.grating import drifting_grating
from viv1t.units import FPS, GREY, Monitor

Wave: TypeAlias = Literal["sine", "square"]

STIMULUS_FRAMES: Final = 30
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
