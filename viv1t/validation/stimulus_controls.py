"""What the generation of stimuli must find in known neurons, and what it must not find."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from viv1t.analysis.moving_waves import dominant_wave
from viv1t.analysis.tuning_curves import circular_distance
from viv1t.data.synthetic.energy import EnergyNeuron, EnergyNeurons
from viv1t.most_exciting_stimulus.canvas import full_field, surround_ring
from viv1t.most_exciting_stimulus.respond import Asked, ask_of
from viv1t.units import GREY, Monitor
from viv1t.validation.known_stimuli import (
    MONITOR,
    NUM_FRAMES,
    SEEDS,
    Case,
    Recipe,
    make,
    value_of,
)

# Of the disc of a stimulus whose surround is generated.
CENTRE_DEG: Final = 40.0


def around_grey(case: Case, recipe: Recipe, *, seeds: Sequence[int] = SEEDS) -> dict[str, float]:
    """Responses to the most inhibiting stimulus, to grey ("blank") and to the most exciting one.

    Args:
        case: the neuron, and where.
        recipe: how stimuli are made.
        seeds: the best of which counts.
    """
    grey = np.full((NUM_FRAMES, *case.canvas.free.shape), GREY, dtype=np.float32)
    found = {"blank": value_of(case.asked, grey)}
    for goal in ("inhibit", "excite"):
        generated = make(case, recipe, seeds=seeds, goal=goal)
        found[goal] = float(generated.value[generated.best])
    return found


def around_centre(
    case: Case,
    recipe: Recipe,
    centre: NDArray[np.float32],
    *,
    size_deg: float = CENTRE_DEG,
    seeds: Sequence[int] = SEEDS,
) -> dict[str, float]:
    """Responses to a centre with the most inhibiting surround, with grey, with the most exciting.

    Args:
        case: the neuron, and the screen; surrounds fill it.
        recipe: how stimuli are made.
        centre: (t, h, w), of which the disc is shown.
        size_deg: diameter of the disc.
        seeds: the best of which counts.
    """
    place = case.true.x_px, case.true.y_px
    ring = surround_ring(case.monitor, centre, size_deg=size_deg, centre_px=place)
    return around_grey(replace(case, canvas=ring), recipe, seeds=seeds) | {
        "blank": value_of(case.asked, ring.background)
    }


def signed_direction_indices(
    case: Case, recipe: Recipe, *, seeds: Sequence[int] = SEEDS
) -> NDArray[np.float64]:
    """(s,) direction index of the stimulus of each seed, negative if it moves the other way.

    Args:
        case: the neuron, and where.
        recipe: how stimuli are made.
        seeds: of the starts.
    """
    found = []
    for movie in make(case, recipe, seeds=seeds).video:
        wave = dominant_wave(movie, case.canvas.free)
        away = circular_distance(wave.direction_deg, case.true.direction_deg, 360.0)
        found.append(wave.direction_index * (1 if away < 90 else -1))
    return np.array(found)


def held_out_gains(
    recipe: Recipe, *, seed: int, monitor: Monitor = MONITOR, seeds: Sequence[int] = SEEDS
) -> NDArray[np.float64]:
    """(s,) what stimuli of a model of noise gain on another one, as a share of their gain on it.

    Both answer with filters of white noise, which share nothing. A gain is the response less that
    to grey. It is never below 0: any stimulus has some energy.

    Args:
        recipe: how stimuli are made.
        seed: of both models.
        monitor: the screen.
        seeds: of the starts.
    """
    frame = monitor.height_px, monitor.width_px
    used, other = (
        ask_of(EnergyNeurons.noise(1, seed=2 * seed + i, frame=frame), "K", neurons=[0])
        for i in range(2)
    )
    nothing = EnergyNeuron(x_px=0, y_px=0, direction_deg=0, cpp=0.1, cpf=0.1)
    case = Case(true=nothing, asked=used, canvas=full_field(monitor), monitor=monitor)
    made = make(case, recipe, seeds=seeds)
    return _gains(other, made.video) / _gains(used, made.video)


def _gains(asked: Asked, movies: NDArray[np.float32]) -> NDArray[np.float64]:
    grey = np.full_like(movies[:1], GREY)
    with torch.no_grad():
        shown, blank = (asked(torch.from_numpy(m)).sum(dim=(1, 2)) for m in (movies, grey))
    gains: NDArray[np.float64] = (shown - blank).double().numpy()
    return gains
