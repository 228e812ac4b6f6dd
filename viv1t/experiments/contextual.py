"""Gratings in a disc on the receptive field, with surrounds that go on, turn, shift or are grey."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.config.flags import check, flag
from viv1t.experiments.contextual_published import TIMING, published_set
from viv1t.experiments.discs import SIGMAS, SIZE, DiscPlacement, on_own_discs, take_neurons
from viv1t.experiments.placed import Group, Placement
from viv1t.experiments.probing import run_all
from viv1t.experiments.published import product_table
from viv1t.experiments.stimuli import Plan, StimulusSet
from viv1t.experiments.tally import Reduction
from viv1t.insilico.probe import Probe
from viv1t.names import SURROUND_KINDS, MouseId
from viv1t.results.contextual_tables import CENTRED, MODULATION
from viv1t.rng import child
from viv1t.stimuli.aperture import compose, disc
from viv1t.stimuli.grating import drifting_grating
from viv1t.units import GREY

# The experiment, by what the disc is centred on.
NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {centre: MODULATION + suffix for centre, suffix in CENTRED.items()}
)
# All frames of the stimulus count; the trace shows the grey before and after.
REDUCTION: Final = Reduction(before=TIMING.blank_pre, after=TIMING.blank_post)
Centre: TypeAlias = Literal["neuron", "population"]


@dataclass(frozen=True, kw_only=True)
class ContextualConfig:
    """Settings of the experiment.

    Attributes: see the help of the flags.
    """

    contrasts: tuple[float, ...] = flag((0.05, 1.0), help="contrasts of the gratings, 0..1")
    num_repeats: int = flag(12, help="presentations of each stimulus and direction")
    disc_sigmas: float = flag(
        3.0, help="radius of the disc, in sigmas of each neuron's receptive field"
    )
    sizes_deg: tuple[float, ...] | None = flag(
        None, help="diameters of the discs in degrees, the same for all neurons, not --disc_sigmas"
    )
    directions_deg: tuple[float, ...] | None = flag(
        None,
        help="directions of the centre in degrees, the same for all neurons; none: each neuron's "
        "preferred direction and the opposite one",
    )
    cpd: float = flag(0.04, help="spatial frequency in cycles per degree")
    hz: float = flag(2.0, help="temporal frequency in cycles per second")

    def __post_init__(self) -> None:
        check(
            bool(self.contrasts) and all(0 < c <= 1 for c in self.contrasts),
            f"--contrasts must lie within 0..1, got {self.contrasts}",
        )
        sizes = (self.disc_sigmas, *(self.sizes_deg or ()))
        check(min(sizes) > 0, f"--disc_sigmas and --sizes_deg must be positive, got {sizes}")
        check(self.num_repeats >= 1, f"--num_repeats must be 1 or more, got {self.num_repeats}")


def show_gratings(
    probe: Probe,
    config: ContextualConfig,
    *,
    centre: Centre,
    neurons: Sequence[int] | None = None,
    max_neurons: int | None = None,
    as_published: bool = False,
) -> dict[MouseId, Path]:
    """The file with the responses of each mouse, see `probing.run_all`.

    Around the centre of the population all neurons see one disc: that of the median neuron.

    Args:
        probe: who is asked.
        config: settings; not used `as_published`.
        centre: discs lie on each neuron's receptive field, or on the median one.
        neurons: rows that are wanted; None: all.
        max_neurons: draw so many of them at random; None: all.
        as_published: the published stimuli and centres.

    Raises:
        MissingResultError: the table aRF or selectivity is missing; the message names the command.
        ConfigError: a file holds another experiment, or no neuron is left.
    """

    def divide(mouse_id: MouseId, groups: list[Group]) -> list[Group]:
        if config.sizes_deg is None and not as_published:
            shared = centre == "population"
            groups = on_own_discs(probe, mouse_id, groups, sigmas=config.disc_sigmas, shared=shared)
        return take_neurons(groups, neurons=neurons, max_neurons=max_neurons, seed=probe.seed)

    return run_all(
        probe,
        experiment_name(centre, as_published=as_published),
        published_set if as_published else partial(contextual_set, config),
        mode=centre,
        own_direction=config.directions_deg is None and not as_published,
        as_published=as_published,
        divide=divide,
        reduction=REDUCTION,
    )


def contextual_set(config: ContextualConfig, placement: Placement) -> StimulusSet:
    """The stimuli at one placement: contrast x disc x direction x surround, iso once.

    Conditions: contrast, kind (see `names.SURROUND_KINDS`), size_deg (diameter of the disc in
    degrees) or disc_sigmas (its radius in sigmas, if each neuron has its own), and direction (in
    degrees; 0 and 180 are the preferred and opposite direction of the placement where the config
    names none). The iso surround, one grating that fills the screen, has size 0. Presentations
    with the same direction and repeat have the same phase of the centre, evenly spaced over
    repeats, so that kinds and contrasts are compared at equal phases; the cross surround turns by
    +90 and -90° equally often, with the same phases in another order.

    Args:
        config: settings.
        placement: where, and in which direction; with its own disc unless the config has sizes.
    """
    size, discs = (SIZE, config.sizes_deg) if config.sizes_deg else (SIGMAS, (config.disc_sigmas,))
    turns = config.directions_deg or (0.0, 180.0)
    table = product_table(
        **{"contrast": config.contrasts, "kind": SURROUND_KINDS, size: discs, "direction": turns}
    )
    table.loc[table["kind"] == "iso", size] = 0.0
    table = table.drop_duplicates(ignore_index=True)
    plain = StimulusSet(
        conditions=table,
        render=_renderer(config, placement),
        timing=TIMING,
        repeats=config.num_repeats,
    )
    return replace(plain, plan=_matched(plain))


def _matched(plain: StimulusSet) -> Plan:
    """The schedule of `plain` with matched phases."""
    repeats = plain.repeats
    direction = pd.factorize(plain.conditions["direction"])[0]

    def plan(seed: int) -> pd.DataFrame:
        table = plain.schedule(seed)
        drawn = {}
        for number in np.unique(direction):
            rng = child(seed, "phase", int(number))
            phases = 360 * (np.arange(repeats) + rng.uniform()) / repeats
            sides = np.where(np.arange(repeats) % 2, -90.0, 90.0)
            drawn[number] = [rng.permutation(x) for x in (phases, phases, sides)]
        names = ("phase_deg", "surround_phase_deg", "side_deg")
        chosen = zip(direction[table["condition"]], table["repeat"], strict=True)
        values = [[of[repeat] for of in drawn[number]] for number, repeat in chosen]
        return table.join(pd.DataFrame(values, columns=list(names)))

    return plan


def _renderer(
    config: ContextualConfig, placement: Placement
) -> Callable[[Mapping[str, Any], np.random.Generator], NDArray[np.number]]:
    monitor, frame = placement.monitor, TIMING.on

    def grating(row: Mapping[str, Any], direction: float, phase: float) -> NDArray[np.float32]:
        return drifting_grating(
            monitor,
            direction_deg=direction,
            num_frames=frame,
            cpd=config.cpd,
            hz=config.hz,
            phase_deg=phase,
            contrast=row["contrast"],
        )

    def render(row: Mapping[str, Any], rng: np.random.Generator) -> NDArray[np.number]:
        del rng
        own = placement.direction_deg if config.directions_deg is None else None
        direction = row["direction"] + (own or 0.0)
        centre = grating(row, direction, row["phase_deg"])
        if row["kind"] == "iso":
            return centre
        surround: Any = GREY
        if row["kind"] == "cross":
            surround = grating(row, direction + row["side_deg"], row["surround_phase_deg"])
        elif row["kind"] == "shift":
            surround = grating(row, direction, row["phase_deg"] + 180)
        mask = disc(monitor, disc_deg(row, placement), centre_px=placement.centre_px)
        return compose(mask, centre, surround)

    return render


def disc_deg(row: Mapping[str, Any], placement: Placement) -> float:
    """Diameter in degrees of the disc of a condition."""
    if isinstance(placement, DiscPlacement):
        return placement.monitor.diameter_deg(placement.radius_px)
    return float(row[SIZE])


def example_movies(
    placement: DiscPlacement, contrasts: Sequence[float], *, as_published: bool = False
) -> dict[tuple[float, str], NDArray[np.number]]:
    """(contrast, kind) -> frames (t, h, w) of the stimuli at a place, with phase 0.

    Args:
        placement: where; bars move down where it has no direction.
        contrasts: of the gratings.
        as_published: the published gratings.
    """
    size, direction = placement.monitor.diameter_deg(placement.radius_px), 90.0
    stimuli = published_set(placement)
    if not as_published:
        own = None if placement.direction_deg is not None else (direction,)
        stimuli = contextual_set(ContextualConfig(directions_deg=own), placement)
        direction = direction if own else 0.0
    fixed = {"phase_deg": 0.0, "side_deg": 90.0, "surround_phase_deg": 0.0}
    fixed |= {SIZE: size, "direction": direction}
    return {
        (contrast, kind): stimuli.render(
            {"contrast": contrast, "kind": kind, **fixed}, child(0, "example")
        )
        for contrast in contrasts
        for kind in SURROUND_KINDS
    }


def experiment_name(centre: Centre, *, as_published: bool) -> str:
    """The name of the experiment; published stimuli have their own."""
    return NAMES[centre] + ("_published" if as_published else "")
