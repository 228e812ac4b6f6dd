"""The published stimuli of contextual modulation (tuning.md 3.1), random number for number."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viv1t.experiments.discs import SIZE
from viv1t.experiments.placed import Placement
from viv1t.experiments.published import product_table, published_plan
from viv1t.experiments.stimuli import StimulusSet
from viv1t.experiments.timing import Timing
from viv1t.names import SURROUND_KINDS
from viv1t.stimuli.aperture import compose, disc
from viv1t.stimuli.grating import published_grating
from viv1t.units import DEFAULT_MONITOR, FPS, GREY
from viv1t.utils.files import write_npy

TIMING: Final = Timing()
CONTRASTS: Final = (0.05, 1.0)
SIZES_DEG: Final = (10.0, 20.0, 30.0, 40.0, 50.0)
DIRECTIONS_DEG: Final = (90.0, 270.0)
NUM_REPEATS: Final = 12
CPD: Final = 0.04
HZ: Final = 2.0


def published_set(placement: Placement) -> StimulusSet:
    """The published stimuli (tuning.md 3.1): 80 conditions x 12 in the published order.

    Directions 90 and 270° for all neurons, random phases, iso with every size, gratings of the
    Sensorium screen; conditions as in `contextual.contextual_set`.

    Args:
        placement: where; its direction is not used.
    """
    conditions = product_table(
        contrast=CONTRASTS,
        size_deg=SIZES_DEG,
        direction=DIRECTIONS_DEG,
        kind=SURROUND_KINDS,
    )
    plan = published_plan(conditions, timing=TIMING, repeats=NUM_REPEATS, draw=_published_draw)

    def render(row: Mapping[str, Any], rng: np.random.Generator) -> NDArray[np.number]:
        del rng
        centre, surround = published_pair(row, placement)
        mask = disc(placement.monitor, row[SIZE], centre_px=placement.centre_px)
        return compose(mask, centre, surround)

    return StimulusSet(
        conditions=conditions,
        render=render,
        timing=TIMING,
        repeats=NUM_REPEATS,
        plan=plan,
    )


def published_pair(
    row: Mapping[str, Any], placement: Placement
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Centre and surround (t, h, w) of a presentation, each over the whole screen.

    Args:
        row: contrast, direction, kind, phase_deg, and for cross side_deg, surround_phase_deg.
        placement: the screen.
    """

    def grating(direction: float, phase: float) -> NDArray[np.uint8]:
        return published_grating(
            (placement.monitor.height_px, placement.monitor.width_px),
            direction_deg=direction,
            num_frames=TIMING.on,
            cpd=CPD,
            cpf=HZ / FPS,
            phase_deg=phase,
            contrast=row["contrast"],
        )

    centre = grating(row["direction"], row["phase_deg"])
    if row["kind"] == "cross":
        turned = (row["direction"] + row["side_deg"]) % 360
        return centre, grating(turned, row["surround_phase_deg"])
    around = {"iso": centre, "shift": 255 - centre, "centre": np.full_like(centre, GREY)}
    return centre, around[row["kind"]]


def _published_draw(condition: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    drawn = {"phase_deg": float(rng.integers(0, 360)), "side_deg": 0.0, "surround_phase_deg": 0.0}
    if condition["kind"] == "cross":
        drawn["side_deg"] = float(rng.choice([-90, 90]))
        drawn["surround_phase_deg"] = float(rng.integers(0, 360))
    return drawn


def published_parameters(seed: int) -> NDArray[np.float32]:
    """What each slot of each trial shows, (trials, slots, 4), as the published file holds it.

    The last axis is contrast, size in degrees, direction of the centre, and kind (its place in
    `names.SURROUND_KINDS`). Trials are in the order in which they are shown.

    Args:
        seed: of the experiment.
    """
    stimuli = published_set(Placement(monitor=DEFAULT_MONITOR, centre_px=None))
    numbers = {kind: number for number, kind in enumerate(SURROUND_KINDS)}
    table = stimuli.conditions.replace({"kind": numbers}).infer_objects()
    shown = stimuli.schedule(seed)["condition"].to_numpy()
    columns = ["contrast", SIZE, "direction", "kind"]
    values = table[columns].to_numpy(np.float32)[shown]
    return values.reshape(-1, TIMING.slots, len(columns))


def write_parameters(folder: Path, seed: int) -> Path:
    """`folder`/parameters.npy with the `published_parameters`, at its published place.

    Args:
        folder: contextual_modulation or contextual_modulation_population of a run.
        seed: of the experiment.
    """
    path = folder / "parameters.npy"
    write_npy(path, published_parameters(seed))
    return path
