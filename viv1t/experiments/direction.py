"""Drifting gratings on the receptive field, and drifting Gabors that a mouse or a twin saw."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.config.flags import check, flag
from viv1t.experiments.placed import Placement
from viv1t.experiments.recorded import tabulate_file
from viv1t.experiments.stimuli import StimulusSet
from viv1t.experiments.table import ResponseTable
from viv1t.experiments.tally import Reduction
from viv1t.experiments.timing import Timing
from viv1t.results.responses import ResponseFile
from viv1t.stimuli.aperture import compose, disc
from viv1t.stimuli.grating import drifting_grating
from viv1t.units import GREY

NAME: Final = "direction"
TIMING: Final = Timing()
# All frames count: two periods of 2 Hz. The baseline is the end of the grey before.
REDUCTION: Final = Reduction(before=5)
# What Gabors are told apart by besides their direction.
OTHERS: Final = ("wavelength", "speed_rank")
GABOR_FRAMES: Final = 25
# The first 100 ms of a Gabor still answer the one before.
GABOR_REDUCTION: Final = Reduction(skip=3, trace=False)
PUBLISHED_REDUCTION: Final = Reduction(trace=False)


@dataclass(frozen=True, kw_only=True)
class DirectionConfig:
    """How direction tuning is probed."""

    num_directions: int = flag(16, help="directions of motion, evenly spaced; an even number")
    num_repeats: int = flag(4, help="presentations of each direction, of random phases")
    size_deg: float = flag(
        30.0, help="diameter of the aperture in degrees; more than 40 recruits the surround"
    )
    cpd: float = flag(0.04, help="spatial frequency in cycles per degree")
    hz: float = flag(2.0, help="temporal frequency in cycles per second")

    def __post_init__(self) -> None:
        check(
            self.num_directions >= 8 and self.num_directions % 2 == 0,
            f"--num_directions must be even and 8 or more, got {self.num_directions}",
        )
        check(self.num_repeats >= 2, f"--num_repeats must be 2 or more, got {self.num_repeats}")
        for name in ("size_deg", "cpd", "hz"):
            value = getattr(self, name)
            check(value > 0, f"--{name} must be positive, got {value}")


@dataclass(frozen=True, kw_only=True, eq=False)
class DirectionSamples:
    """Responses to single presentations, and what each of them showed.

    Attributes:
        responses: (n, p) mean over the stimulus.
        direction_deg: (p,).
        condition: (p,) what stimuli of one direction differ by, as numbers; None: nothing.
        unit: (p,) number of the stimulus, equal for repeats of the same frames; None: there are
            no repeats.
        baseline: (n,) response to the blank screen; None: there was none.
        neurons: n rows; column neuron, and where known x_um, y_um, z_um.
    """

    responses: NDArray[np.float32]
    direction_deg: NDArray[np.float64]
    condition: NDArray[np.int64] | None
    unit: NDArray[np.int64] | None
    baseline: NDArray[np.float32] | None
    neurons: pd.DataFrame


def direction_set(config: DirectionConfig, placement: Placement) -> StimulusSet:
    """Gratings of full contrast in an aperture on grey; conditions: direction_deg.

    Args:
        config: settings.
        placement: where; directions are absolute, its direction is not used.
    """
    monitor = placement.monitor
    inside = disc(monitor, config.size_deg, centre_px=placement.centre_px)

    def render(row: Mapping[str, Any], rng: np.random.Generator) -> NDArray[np.number]:
        grating = drifting_grating(
            monitor,
            direction_deg=row["direction_deg"],
            num_frames=TIMING.on,
            cpd=config.cpd,
            hz=config.hz,
            phase_deg=rng.uniform(0, 360),
        )
        return compose(inside, grating, GREY)

    directions = np.arange(config.num_directions) * 360 / config.num_directions
    return StimulusSet(
        conditions=pd.DataFrame({"direction_deg": directions}),
        render=render,
        timing=TIMING,
        repeats=config.num_repeats,
    )


def grating_samples(table: ResponseTable) -> DirectionSamples:
    """The samples of a `direction_set`; neurons that were shown nothing are left out."""
    placed = table.neurons.get("placed")
    shown = table if placed is None else table.select(neurons=placed.to_numpy(bool))
    assert shown.amplitude is not None
    assert shown.trace is not None
    before = shown.trace[:, :, : shown.reduction.before]
    return DirectionSamples(
        responses=shown.amplitude,
        direction_deg=_of_presentation(shown, "direction_deg"),
        condition=None,
        unit=None,
        baseline=before.mean(axis=(1, 2)),
        neurons=shown.neurons,
    )


def gabor_table(
    file: ResponseFile,
    blocks: pd.DataFrame,
    *,
    coordinates: NDArray[np.float32],
    reduction: Reduction = GABOR_REDUCTION,
) -> ResponseTable:
    """Recorded or predicted responses to drifting Gabors, by direction, wavelength and speed.

    Blocks that begin within the frames that the file lacks at its start are left out.

    Args:
        file: responses of one mouse.
        blocks: its rows of the table gabor_blocks.
        coordinates: (N, 3) cortical positions in µm of all neurons of the recording.
        reduction: what to keep of a block.

    Raises:
        MissingResultError: the file or its responses to these trials are missing.
        DataError: the file has more frames than the movies, or other neurons.
    """
    shown = blocks.rename(columns={"start_frame": "frame", "block": "slot"})
    return tabulate_file(
        file,
        shown[["trial", "frame", "slot", "video_id", "direction_deg", *OTHERS]],
        by=("direction_deg", *OTHERS),
        num_frames=dict(zip(blocks["trial"], blocks["num_frames"], strict=True)),
        on=GABOR_FRAMES,
        reduction=reduction,
        coordinates=coordinates,
    )


def gabor_samples(table: ResponseTable) -> DirectionSamples:
    """The samples of a `gabor_table`; there is no blank screen between Gabors."""
    assert table.amplitude is not None
    others = table.conditions[list(OTHERS)]
    condition = others.groupby(list(OTHERS)).ngroup().to_numpy()
    shown = table.presentations
    return DirectionSamples(
        responses=table.amplitude,
        direction_deg=_of_presentation(table, "direction_deg"),
        condition=condition[shown["condition"].to_numpy()],
        unit=shown.groupby(["video_id", "slot"]).ngroup().to_numpy().astype(np.int64),
        baseline=None,
        neurons=table.neurons,
    )


def _of_presentation(table: ResponseTable, name: str) -> NDArray[np.float64]:
    values = table.conditions[name].to_numpy(float)
    return values[table.presentations["condition"].to_numpy()]
