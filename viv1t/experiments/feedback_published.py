"""The published discs and holes (tuning.md 4.1, 4.4), random number for number."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viv1t.experiments.placed import Placement
from viv1t.experiments.published import product_table, published_plan
from viv1t.experiments.stimuli import StimulusSet
from viv1t.experiments.timing import Timing
from viv1t.stimuli.aperture import compose, disc
from viv1t.stimuli.grating import published_grating
from viv1t.units import DEFAULT_MONITOR, FPS, GREY, Monitor
from viv1t.utils.files import write_npy

SIZE_TIMING: Final = Timing()
ONSET_TIMING: Final = Timing(on=15, slots=5)
CPD: Final = 0.04
HZ: Final = 2.0
SIZES_DEG: Final = tuple(float(size) for size in range(0, 100, 10))
DIRECTIONS_DEG: Final = (90.0, 270.0)
NUM_REPEATS: Final = 12
SIZE_OF_ONSET_DEG: Final = 20.0
# Of `feedback.OnsetConfig`.
ONSET_DEFAULTS: Final[Mapping[str, float]] = MappingProxyType(
    {"num_repeats": 500, "stimulus_size": SIZE_OF_ONSET_DEG}
)


def size_set(placement: Placement) -> StimulusSet:
    """The published stimuli of size tuning: 40 conditions x 12 in the published order.

    Directions 90 and 270 degrees for all neurons, random phases, gratings of the Sensorium screen;
    conditions as in `feedback.size_set`, but `direction` is where the bars move.

    Args:
        placement: where; its direction is not used.
    """
    return _stimuli(SIZES_DEG, SIZE_TIMING, NUM_REPEATS, placement)


def onset_set(num_repeats: int, size_deg: float, placement: Placement) -> StimulusSet:
    """The published stimuli of onsets: 4 conditions; otherwise as `size_set`.

    Args:
        num_repeats: presentations of each condition; published: 500.
        size_deg: of disc and hole; published: 20.
        placement: where; its direction is not used.
    """
    return _stimuli((size_deg,), ONSET_TIMING, num_repeats, placement)


def write_parameters(folder: Path, stimuli: StimulusSet, *, seed: int) -> Path:
    """parameters.npy in `folder`, as published: (trials, slots, 3) of size, direction, type.

    Args:
        folder: for example <output_dir>/feedbackRF.
        stimuli: of this module.
        seed: of the experiment.
    """
    shown = stimuli.conditions.iloc[stimuli.schedule(seed)["condition"]]
    path = folder / "parameters.npy"
    write_npy(path, shown.to_numpy(np.float32).reshape(-1, stimuli.timing.slots, 3))
    return path


def screen_placement() -> Placement:
    """The middle of the Sensorium screen, for orders that do not depend on the place."""
    return Placement(monitor=DEFAULT_MONITOR, centre_px=None)


def disc_or_hole(
    grating: NDArray[np.number],
    row: Mapping[str, Any],
    monitor: Monitor,
    size_deg: float,
    centre_px: tuple[float, float] | None,
) -> NDArray[np.number]:
    """`grating` (t, h, w) within a disc, or around a hole if the condition `row` is inverse."""
    inside = disc(monitor, size_deg, centre_px=centre_px)
    return compose(~inside if row["inverse"] else inside, grating, GREY)


def _stimuli(
    sizes: Sequence[float], timing: Timing, repeats: int, placement: Placement
) -> StimulusSet:
    conditions = product_table(size_deg=sizes, direction=DIRECTIONS_DEG, inverse=(0.0, 1.0))
    return StimulusSet(
        conditions=conditions,
        render=partial(_render, placement, timing.on),
        timing=timing,
        repeats=repeats,
        plan=published_plan(conditions, timing=timing, repeats=repeats),
    )


def _render(
    placement: Placement, on: int, row: Mapping[str, Any], rng: np.random.Generator
) -> NDArray[np.number]:
    del rng
    monitor = placement.monitor
    grating = published_grating(
        (monitor.height_px, monitor.width_px),
        direction_deg=row["direction"],
        num_frames=on,
        cpd=CPD,
        cpf=HZ / FPS,
        phase_deg=row["phase_deg"],
    )
    return disc_or_hole(grating, row, monitor, row["size_deg"], placement.centre_px)
