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
from viv1t.experiments.discs import (
    DiscPlacement,
    disc_radius_px,
    take_neurons,
    with_discs,
)
from viv1t.experiments.placed import Group, Placement
from viv1t.experiments.probing import run_all
from viv1t.experiments.published import product_table, published_plan
from viv1t.experiments.stimuli import Plan, StimulusSet
from viv1t.experiments.table import ResponseTable
from viv1t.experiments.tally import Reduction
from viv1t.experiments.timing import Timing
from viv1t.insilico.probe import Probe
from viv1t.names import SURROUND_KINDS, MouseId
from viv1t.results.store import read_result
from viv1t.rng import child
from viv1t.stimuli.aperture import compose, disc, visible_share
from viv1t.stimuli.grating import drifting_grating, published_grating
from viv1t.units import FPS, GREY, Monitor

# The experiment and its table, by what the disc is centred on.
NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {"neuron": "contextual_modulation", "population": "contextual_modulation_population"}
)
TIMING: Final = Timing()
# All frames of the stimulus count; the trace shows the grey before and after.
REDUCTION: Final = Reduction(before=TIMING.blank_pre, after=TIMING.blank_post)
Centre: TypeAlias = Literal["neuron", "population"]
# How conditions state the disc: the same for all neurons, or each neuron's own.
SIZE: Final = "size_deg"
SIGMAS: Final = "disc_sigmas"
PUBLISHED_SIZES_DEG: Final = (10.0, 20.0, 30.0, 40.0, 50.0)
PUBLISHED_DIRECTIONS_DEG: Final = (90.0, 270.0)


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


PUBLISHED: Final = ContextualConfig(
    sizes_deg=PUBLISHED_SIZES_DEG, directions_deg=PUBLISHED_DIRECTIONS_DEG
)


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
            fields = read_result(probe.output_dir, "aRF", mouse_ids=[mouse_id])
            num_neurons = probe.responder.num_neurons(mouse_id)
            radius = disc_radius_px(fields, config.disc_sigmas, num_neurons)
            if centre == "population":
                radius[:] = np.nanmedian(radius)
            groups = with_discs(groups, radius)
        return take_neurons(groups, neurons=neurons, max_neurons=max_neurons, seed=probe.seed)

    return run_all(
        probe,
        NAMES[centre],
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


def published_set(placement: Placement) -> StimulusSet:
    """The published stimuli (tuning.md 3.1): 80 conditions x 12 in the published order.

    Directions 90 and 270° for all neurons, random phases, iso with every size, gratings of the
    Sensorium screen; conditions as in `contextual_set`.

    Args:
        placement: where; its direction is not used.
    """
    conditions = product_table(
        contrast=PUBLISHED.contrasts,
        size_deg=PUBLISHED_SIZES_DEG,
        direction=PUBLISHED_DIRECTIONS_DEG,
        kind=SURROUND_KINDS,
    )
    plan = published_plan(
        conditions, timing=TIMING, repeats=PUBLISHED.num_repeats, draw=_published_draw
    )

    def render(row: Mapping[str, Any], rng: np.random.Generator) -> NDArray[np.number]:
        del rng
        centre, surround = published_pair(row, placement)
        mask = disc(placement.monitor, row[SIZE], centre_px=placement.centre_px)
        return compose(mask, centre, surround)

    return StimulusSet(
        conditions=conditions,
        render=render,
        timing=TIMING,
        repeats=PUBLISHED.num_repeats,
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
            cpd=PUBLISHED.cpd,
            cpf=PUBLISHED.hz / FPS,
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


def samples_of(table: ResponseTable) -> tuple[NDArray[np.float64], pd.DataFrame]:
    """Responses to each presentation (n, k, r), and k conditions: contrast, size, kind.

    Presentations of all directions stand together; equal places in r have the same direction and
    repeat, and so the same phase. `size` is in degrees, or in sigmas.

    Args:
        table: of the stimuli of this module.
    """
    shown = table.presentations.reset_index(names="place")
    names = ["contrast", "kind", "direction"]
    shown = shown.join(table.conditions[names], on="condition")
    shown["size"] = table.conditions[_size_column(table)].to_numpy()[shown["condition"]]
    groups = shown.sort_values(["direction", "repeat"]).groupby(["contrast", "size", "kind"])
    assert table.amplitude is not None
    samples = np.stack([table.amplitude[:, part["place"]] for _, part in groups], axis=1)
    keys = pd.DataFrame([key for key, _ in groups], columns=["contrast", "size", "kind"])
    return samples.astype(float), keys


def grey_of(table: ResponseTable) -> NDArray[np.float64]:
    """Response (n,) to the grey before the stimuli, mean over all of them."""
    assert table.trace is not None
    return table.trace[:, :, : table.reduction.before].mean(axis=(1, 2), dtype=float)


def discs_of(
    table: ResponseTable, receptive_fields: pd.DataFrame | None, monitor: Monitor
) -> pd.DataFrame:
    """One row a neuron and disc: neuron, size, size_deg, disc_ratio, visible.

    disc_ratio is the radius of the disc over the sigma of the receptive field (NaN: unknown),
    visible the share of the disc that is on the screen.

    Args:
        table: of the stimuli of this module.
        receptive_fields: rows of the table aRF of the mouse; None: unknown.
        monitor: the screen of the mouse.
    """
    column = _size_column(table)
    sigma = np.full(len(table.neurons), np.nan)
    if receptive_fields is not None:
        sigma = disc_radius_px(receptive_fields, 1.0, len(sigma))
    rows = []
    for size in sorted(set(table.conditions[column]) - {0.0}):
        for neuron in table.neurons.to_dict("records"):
            if not neuron["placed"]:
                continue
            width = sigma[neuron["neuron"]]
            radius = neuron["radius_px"] if column == SIGMAS else monitor.radius_px(size)
            size_deg = monitor.diameter_deg(radius)
            centre = (neuron["centre_x_px"], neuron["centre_y_px"])
            inside = visible_share(
                monitor, size_deg, centre_px=None if np.isnan(centre[0]) else centre
            )
            rows.append((neuron["neuron"], size, size_deg, radius / width, inside))
    return pd.DataFrame(rows, columns=["neuron", "size", SIZE, "disc_ratio", "visible"])


def _size_column(table: ResponseTable) -> str:
    return SIGMAS if SIGMAS in table.conditions else SIZE
