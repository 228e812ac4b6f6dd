"""Most exciting stimuli of neurons whose best stimulus is known: made, and measured."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from viv1t.analysis.moving_waves import dominant_wave, energy_centre
from viv1t.analysis.tuning_curves import circular_distance
from viv1t.data.synthetic import Population, SyntheticMouse
from viv1t.data.synthetic.energy import EnergyNeuron, EnergyNeurons
from viv1t.errors import DataError
from viv1t.most_exciting_stimulus.ascent import AscentConfig, Generated, ascend
from viv1t.most_exciting_stimulus.canvas import Canvas, centre_disc
from viv1t.most_exciting_stimulus.constraints import HeldContrast, Sigmoid, rms_contrast
from viv1t.most_exciting_stimulus.gratings import best_grating
from viv1t.most_exciting_stimulus.objective import one_neuron
from viv1t.most_exciting_stimulus.parameters import Fourier, Pixel
from viv1t.most_exciting_stimulus.respond import Asked, ask_of
from viv1t.most_exciting_stimulus.search import match_contrast
from viv1t.units import DEFAULT_MONITOR, GREY, Monitor

Method: TypeAlias = Literal["pixel", "cutoff"]

SEEDS: Final = (1, 2, 3, 4, 5)
NUM_FRAMES: Final = 30
# The screen of the mice in vivo, and the disc of its published stimuli.
MONITOR: Final = Monitor(width_cm=51.0, height_cm=29.0, distance_cm=20.0)
CANVAS_DEG: Final = 60.0
# The canvas lies beside the receptive field: a stimulus has to find it.
ASIDE_PX: Final = (3.0, -2.0)
# Of gratings with all their contrast in a smaller disc.
SMALL_DEG: Final = (20.0, 25.0, 30.0, 35.0, 40.0, 50.0)
# A seed has as good as arrived at this share of the best it finds.
ARRIVED: Final = 0.99


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How stimuli are made.

    Attributes:
        name: of the recipe.
        method: what is optimised.
        rms: RMS contrast that is held, in grey values; None: full contrast, the published sigmoid.
        config: of the ascent.
    """

    name: str
    method: Method = "pixel"
    rms: float | None = None
    config: AscentConfig = field(default_factory=AscentConfig)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A neuron whose best stimulus is known, and who is asked.

    Attributes:
        true: what it prefers.
        asked: movies (s, t, h, w) -> responses (s, 1, t) of this neuron.
        canvas: where stimuli are made.
        monitor: the screen.
    """

    true: EnergyNeuron
    asked: Asked
    canvas: Canvas
    monitor: Monitor = MONITOR


def known_neurons(monitor: Monitor = MONITOR) -> tuple[EnergyNeuron, ...]:
    """Twelve cells: every 30 degrees, three spatial and three temporal frequencies, four places.

    Args:
        monitor: near the middle of whose pixels they stand.
    """
    cpps, cpfs = (0.08, 0.1, 0.125), (1 / 30, 1 / 15, 0.1)
    left_px, top_px = monitor.width_px / 2 - 2, monitor.height_px / 2 - 2
    return tuple(
        EnergyNeuron(
            x_px=left_px + 3 * (number % 2),
            y_px=top_px + 3 * (number // 2 % 2),
            direction_deg=30.0 * number,
            cpp=cpps[number % 3],
            cpf=cpfs[(number + number // 3) % 3],
        )
        for number in range(12)
    )


def known_case(neuron: EnergyNeuron, monitor: Monitor = MONITOR) -> Case:
    """A known neuron, asked without noise."""
    frame = monitor.height_px, monitor.width_px
    asked = ask_of(EnergyNeurons.of([neuron], frame=frame), "K", neurons=[0])
    return Case(true=neuron, asked=asked, canvas=canvas_of(neuron, monitor), monitor=monitor)


def population_cases(
    truth: pd.DataFrame, neurons: Sequence[int], monitor: Monitor = DEFAULT_MONITOR
) -> list[Case]:
    """Neurons of a synthetic population, asked as the scripts ask with `--responder truth`.

    Args:
        truth: the table of true parameters.
        neurons: rows.
        monitor: the screen for which it was drawn.
    """
    mouse = SyntheticMouse({"O": Population(truth).eval()})
    cases = []
    for row in neurons:
        cell = truth.iloc[row]
        true = EnergyNeuron(
            x_px=cell["rf_x_px"],
            y_px=cell["rf_y_px"],
            direction_deg=cell["direction_deg"],
            cpp=cell["sf_cpd"] * cell["deg_per_px"],
            cpf=cell["tf_hz"] / cell["fps"],
        )
        asked = ask_of(mouse, "O", neurons=[row])
        canvas = canvas_of(true, monitor)
        cases.append(Case(true=true, asked=asked, canvas=canvas, monitor=monitor))
    return cases


def canvas_of(
    neuron: EnergyNeuron, monitor: Monitor = MONITOR, size_deg: float = CANVAS_DEG
) -> Canvas:
    """A disc that lies `ASIDE_PX` beside the receptive field."""
    centre = neuron.x_px + ASIDE_PX[0], neuron.y_px + ASIDE_PX[1]
    return centre_disc(monitor, size_deg=size_deg, centre_px=centre)


def make(
    case: Case,
    recipe: Recipe,
    *,
    seeds: Sequence[int] = SEEDS,
    **options: Any,  # noqa: ANN401
) -> Generated:
    """The most exciting videos of a neuron.

    Args:
        case: the neuron, and where.
        recipe: how.
        seeds: of the starts.
        options: goal and reduce of `one_neuron`.
    """
    shape = case.monitor.height_px, case.monitor.width_px
    kind = Pixel if recipe.method == "pixel" else Fourier
    return ascend(
        case.asked,
        one_neuron(0, **options),
        case.canvas,
        kind(shape=shape, num_frames=NUM_FRAMES),
        Sigmoid() if recipe.rms is None else HeldContrast(rms=recipe.rms),
        config=recipe.config,
        seeds=seeds,
    )


def measure(generated: Generated, case: Case) -> pd.DataFrame:
    """What was found of a neuron, one row a seed.

    Columns seed, value, converged, last_gain (share gained in the last tenth of the steps),
    steps (until `ARRIVED` of the best), direction_error (degrees), direction_index,
    sf_ratio (found over true), tf_error (cycles per frame), centre_error (pixels), rms, low, high
    (grey values in the canvas).

    Args:
        generated: the stimuli.
        case: for which they were made.
    """
    rows = []
    canvas, true = case.canvas, case.true
    free = canvas.free > 0
    contrasts = rms_contrast(torch.from_numpy(generated.video), torch.from_numpy(canvas.free))
    for number, seed in enumerate(generated.seeds):
        movie = generated.video[number]
        found = dominant_wave(movie, canvas.free)
        x, y = energy_centre(movie, canvas.free)
        course = np.maximum.accumulate(generated.values[:, number])
        tenth = max(1, len(course) // 10)
        rows.append(
            {
                "seed": seed,
                "value": float(generated.value[number]),
                "converged": bool(generated.converged[number]),
                "last_gain": float(course[-1] / course[-1 - tenth] - 1),
                "steps": int(np.argmax(course >= ARRIVED * course[-1])),
                "direction_error": float(
                    circular_distance(found.direction_deg, true.direction_deg, 360.0)
                ),
                "direction_index": found.direction_index,
                "sf_ratio": found.cpp / true.cpp,
                "tf_error": abs(found.cpf - true.cpf),
                "centre_error": float(np.hypot(x - true.x_px, y - true.y_px)),
                "rms": float(contrasts[number]),
                "low": float(movie[:, free].min()),
                "high": float(movie[:, free].max()),
            }
        )
    return pd.DataFrame(rows)


def grating_values(case: Case, rms: float | None) -> dict[str, float]:
    """The responses to the best gratings: sine, square, small.

    "sine" and "square" fill the canvas; "small" is the better of them with all of its contrast in
    a smaller disc on the receptive field, the RMS contrast over the canvas being the same (NaN at
    full contrast).

    Args:
        case: the neuron, and where.
        rms: RMS contrast over the canvas; None: full contrast.
    """
    free, true = case.canvas.free, case.true
    ask: dict[str, Any] = {"rms": rms, "num_frames": NUM_FRAMES}
    best = best_grating(case.asked, one_neuron(0), case.canvas, case.monitor, **ask)
    found = {str(wave): float(rows.max()) for wave, rows in best.tried.groupby("wave")["value"]}
    found["small"] = np.nan
    if rms is None:
        return found
    frames = best.grating.draw(case.monitor, NUM_FRAMES)
    for size_deg in SMALL_DEG:
        centre_px = true.x_px, true.y_px
        disc = free * centre_disc(case.monitor, size_deg=size_deg, centre_px=centre_px).free
        own = rms * float(np.sqrt(free.sum() / disc.sum()))
        try:
            shown = match_contrast(np.where(disc > 0, frames, GREY), disc, own)
        except DataError:  # no grey value is that far from the mean
            continue
        found["small"] = float(np.fmax(found["small"], value_of(case.asked, shown)))
    return found


def value_of(asked: Asked, movie: NDArray[np.float32]) -> float:
    """The response of one neuron to a movie (t, h, w), summed over its frames."""
    with torch.no_grad():
        return float(asked(torch.from_numpy(movie)[None]).sum())


def judge(case: Case, recipe: Recipe, *, seeds: Sequence[int] = SEEDS) -> pd.DataFrame:
    """The rows of `measure`, with recipe, sine, square, small, matched and step_ms.

    "matched" is the value over that of the better grating that fills the canvas; step_ms is the
    time of a step of one seed.

    Args:
        case: the neuron, and where.
        recipe: how stimuli are made.
        seeds: of the starts.
    """
    gratings = grating_values(case, recipe.rms)
    start = time.process_time()
    generated = make(case, recipe, seeds=seeds)
    step_ms = 1e3 * (time.process_time() - start) / len(generated.values) / len(seeds)
    rows = measure(generated, case).assign(**gratings, recipe=recipe.name, step_ms=step_ms)
    return rows.assign(matched=rows["value"] / max(gratings["sine"], gratings["square"]))
