"""Discs of grating in grey and grey holes in a grating: size tuning, and when responses begin.

After Keller, Roth & Scanziani (2020, Nature): "classical" is a disc, "inverse" a hole.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.config.flags import check, flag
from viv1t.experiments import feedback_published
from viv1t.experiments.discs import SIGMAS, DiscPlacement, on_own_discs, take_neurons
from viv1t.experiments.discs import SIZE as SIZE_DEG
from viv1t.experiments.feedback_published import (
    CPD,
    HZ,
    ONSET_TIMING,
    SIZE_TIMING,
    SIZES_DEG,
    disc_or_hole,
)
from viv1t.experiments.placed import Group, Placement
from viv1t.experiments.probing import run_all
from viv1t.experiments.published import product_table
from viv1t.experiments.stimuli import Render, StimulusSet
from viv1t.experiments.tally import Reduction
from viv1t.experiments.timing import Timing
from viv1t.insilico.probe import Probe
from viv1t.names import MouseId
from viv1t.rng import child
from viv1t.stimuli.grating import drifting_grating

SIZE: Final = "feedbackRF"
ONSET: Final = "feedbackRF_onset"
PUBLISHED: Final = "_published"
# The first half second is left out, as in Keller et al.; the trace shows the grey around it.
SIZE_REDUCTION: Final = Reduction(skip=15, before=15, after=15)
ONSET_REDUCTION: Final = Reduction(before=15, after=15, presentations=False)
COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {SIZE: "tuning_feedbackRF/predict_grating.py", ONSET: "tuning_feedbackRF/predict_onset.py"}
)


@dataclass(frozen=True, kw_only=True)
class SizeConfig:
    """How size tuning is probed."""

    num_repeats: int = flag(
        6, help="presentations of each size, stimulus and direction (published: 12)"
    )
    sizes_deg: tuple[float, ...] = flag(
        SIZES_DEG, help="diameters of discs and holes in degrees, ascending from 0"
    )

    def __post_init__(self) -> None:
        check(self.num_repeats >= 2, f"--num_repeats must be 2 or more, got {self.num_repeats}")
        ascends = all(a < b for a, b in zip(self.sizes_deg, self.sizes_deg[1:], strict=False))
        check(
            len(self.sizes_deg) >= 4 and self.sizes_deg[0] == 0 and ascends,
            f"--sizes_deg must be 4 or more, ascending from 0; got {self.sizes_deg}",
        )


@dataclass(frozen=True, kw_only=True)
class OnsetConfig:
    """How onsets are probed."""

    num_repeats: int = flag(
        24, help="presentations of each stimulus and direction (published: 500)"
    )
    disc_sigmas: float = flag(
        2.5,
        help="radius of disc and hole in sigmas of each neuron's receptive field; below 2.5 the "
        "hole does not isolate the feedback",
    )
    stimulus_size: float | None = flag(
        None,
        help="diameter of disc and hole in degrees, the same for all neurons, instead of "
        "--disc_sigmas (published: 20)",
    )

    def __post_init__(self) -> None:
        check(self.num_repeats >= 2, f"--num_repeats must be 2 or more, got {self.num_repeats}")
        size = self.disc_sigmas if self.stimulus_size is None else self.stimulus_size
        check(size > 0, f"--disc_sigmas and --stimulus_size must be positive, got {size}")


@dataclass(frozen=True, kw_only=True)
class ShownTo:
    """Which neurons are shown the stimuli, and where; each place costs a pass of its own."""

    use_RF_center: bool | None = flag(
        None,
        help="place stimuli on each neuron's receptive field, not in the middle of the screen; "
        "none: on, and off with --as_published",
    )
    neurons: tuple[int, ...] | None = flag(None, help="rows of the mouse to ask; none: all")
    max_neurons: int | None = flag(None, help="ask so many neurons, drawn at random; none: all")

    def __post_init__(self) -> None:
        few = self.max_neurons is not None and self.max_neurons < 1
        check(not few, f"--max_neurons must be 1 or more, got {self.max_neurons}")


def show_sizes(
    probe: Probe, config: SizeConfig, shown_to: ShownTo, *, as_published: bool = False
) -> dict[MouseId, Path]:
    """The file with the responses of each mouse to discs and holes of all sizes.

    Args:
        probe: who is asked.
        config: settings; not used `as_published`.
        shown_to: which neurons, and where.
        as_published: the published stimuli and centres.

    Raises:
        MissingResultError: the table aRF or selectivity is missing; the message names the command.
        ConfigError: a file holds another experiment, or no neuron is left.
    """
    design = feedback_published.size_set if as_published else partial(size_set, config)
    return _show(probe, SIZE, design, shown_to, None, SIZE_REDUCTION, as_published)


def show_onsets(
    probe: Probe, config: OnsetConfig, shown_to: ShownTo, *, as_published: bool = False
) -> dict[MouseId, Path]:
    """The file with the responses of each mouse to a disc and a hole; see `show_sizes`.

    Args:
        probe: who is asked.
        config: settings.
        shown_to: which neurons, and where.
        as_published: the published stimuli and centres, with the repeats and size of `config`.
    """
    design = partial(onset_set, config)
    if as_published:
        size = config.stimulus_size or feedback_published.SIZE_OF_ONSET_DEG
        design = partial(feedback_published.onset_set, config.num_repeats, size)
    own = config.stimulus_size is None and not as_published
    sigmas = config.disc_sigmas if own else None
    return _show(probe, ONSET, design, shown_to, sigmas, ONSET_REDUCTION, as_published)


def _show(
    probe: Probe,
    name: str,
    design: Callable[[Placement], StimulusSet],
    shown_to: ShownTo,
    sigmas: float | None,
    reduction: Reduction,
    as_published: bool,
) -> dict[MouseId, Path]:
    on_neuron = not as_published if shown_to.use_RF_center is None else shown_to.use_RF_center

    def divide(mouse_id: MouseId, groups: list[Group]) -> list[Group]:
        if sigmas is not None:
            groups = on_own_discs(probe, mouse_id, groups, sigmas=sigmas)
        return take_neurons(
            groups, neurons=shown_to.neurons, max_neurons=shown_to.max_neurons, seed=probe.seed
        )

    return run_all(
        probe,
        name + PUBLISHED * as_published,
        design,
        mode="neuron" if on_neuron else "screen",
        own_direction=not as_published,
        as_published=as_published,
        divide=divide,
        reduction=reduction,
    )


def size_set(config: SizeConfig, placement: Placement) -> StimulusSet:
    """Discs and holes of all sizes along the preferred axis.

    Conditions: size_deg, direction (0 or 180: from the preferred one of the placement, in
    degrees), inverse (0 disc, 1 hole). A disc of size 0 is a blank screen, a hole of size 0 the
    full field. Phases are evenly spaced over repeats, and the same for all sizes.

    Args:
        config: settings.
        placement: where, and in which direction.
    """
    conditions = product_table(
        **{SIZE_DEG: config.sizes_deg, "direction": (0.0, 180.0), "inverse": (0.0, 1.0)}
    )
    return _evenly_phased(conditions, SIZE_TIMING, config.num_repeats, placement)


def onset_set(config: OnsetConfig, placement: Placement) -> StimulusSet:
    """A disc and a hole of one size, half a second each, along the preferred axis.

    Conditions: size_deg, or disc_sigmas where each neuron has its own; direction and inverse as
    in `size_set`.

    Args:
        config: settings.
        placement: where, and in which direction; with its own disc unless the config has a size.
    """
    name, size = SIZE_DEG, config.stimulus_size
    if size is None:
        name, size = SIGMAS, config.disc_sigmas
    columns = {name: (size,), "direction": (0.0, 180.0), "inverse": (0.0, 1.0)}
    conditions = product_table(**columns)
    return _evenly_phased(conditions, ONSET_TIMING, config.num_repeats, placement)


def example_movies(
    placement: Placement, sizes_deg: Sequence[float] = SIZES_DEG
) -> dict[str, NDArray[np.float32]]:
    """{"classical": (s, t, h, w), "inverse": likewise}: what is shown at a place, phase 0.

    Args:
        placement: where, and in which direction.
        sizes_deg: (s,) diameters.
    """
    render = _renderer(placement, SIZE_TIMING.on)
    unused = np.random.default_rng(0)
    movies = {}
    for kind, name in enumerate(("classical", "inverse")):
        rows = [
            {SIZE_DEG: size, "direction": 0.0, "inverse": kind, "phase_deg": 0.0}
            for size in sizes_deg
        ]
        movies[name] = np.stack([render(row, unused) for row in rows]).astype(np.float32)
    return movies


def _evenly_phased(
    conditions: pd.DataFrame, timing: Timing, repeats: int, placement: Placement
) -> StimulusSet:
    """Stimuli whose phases are evenly spaced over the repeats of each direction."""
    plain = StimulusSet(
        conditions=conditions,
        render=_renderer(placement, timing.on),
        timing=timing,
        repeats=repeats,
    )

    def plan(seed: int) -> pd.DataFrame:
        table = plain.schedule(seed)
        direction = conditions["direction"].to_numpy()[table["condition"]]
        first = {d: child(seed, "phase", int(d)).uniform() for d in np.unique(direction)}
        turns = table["repeat"] + pd.Series(direction).map(first)
        return table.assign(phase_deg=360 * turns / repeats)

    return replace(plain, plan=plan)


def _renderer(placement: Placement, on: int) -> Render:
    monitor, own = placement.monitor, placement.direction_deg or 0.0

    def render(row: Mapping[str, Any], rng: np.random.Generator) -> NDArray[np.number]:
        del rng
        grating = drifting_grating(
            monitor,
            direction_deg=own + row["direction"],
            num_frames=on,
            cpd=CPD,
            hz=HZ,
            phase_deg=row["phase_deg"],
        )
        size = row.get(SIZE_DEG)
        if size is None:
            assert isinstance(placement, DiscPlacement)
            size = monitor.diameter_deg(placement.radius_px)
        return disc_or_hole(grating, row, monitor, size, placement.centre_px)

    return render
