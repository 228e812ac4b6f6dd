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
from viv1t.experiments.contextual_published import SIZE, TIMING, published_set
from viv1t.experiments.discs import (
    DiscPlacement,
    disc_radius_px,
    take_neurons,
    with_discs,
)
from viv1t.experiments.placed import Group, Placement
from viv1t.experiments.probing import run_all
from viv1t.experiments.published import product_table
from viv1t.experiments.saved import load_experiment, load_facts
from viv1t.experiments.stimuli import Plan, StimulusSet
from viv1t.experiments.table import ResponseTable
from viv1t.experiments.tally import Reduction
from viv1t.insilico.probe import Probe
from viv1t.names import SURROUND_KINDS, MouseId
from viv1t.results.contextual_tables import CENTRED, MODULATION
from viv1t.results.store import ResultDir, read_result
from viv1t.rng import child
from viv1t.stimuli.aperture import compose, disc, visible_share
from viv1t.stimuli.grating import drifting_grating
from viv1t.units import FPS, GREY, Monitor

# The experiment, by what the disc is centred on.
NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {centre: MODULATION + suffix for centre, suffix in CENTRED.items()}
)
# All frames of the stimulus count; the trace shows the grey before and after.
REDUCTION: Final = Reduction(before=TIMING.blank_pre, after=TIMING.blank_post)
GREY_FRAMES: Final = 5
COMMAND: Final = "tuning_contextual_modulation/predict_grating.py"
Centre: TypeAlias = Literal["neuron", "population"]
# How conditions state the disc: the same for all neurons, or each neuron's own.
SIGMAS: Final = "disc_sigmas"


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
            fields = read_result(probe.output_dir, "aRF", mouse_ids=[mouse_id])
            num_neurons = probe.responder.num_neurons(mouse_id)
            radius = disc_radius_px(fields, config.disc_sigmas, num_neurons)
            if centre == "population":
                radius[:] = np.nanmedian(radius)
            groups = with_discs(groups, radius)
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


def load_gratings(
    folder: Path,
    *,
    centre: Centre,
    as_published: bool = False,
    mouse_ids: Sequence[MouseId] | None = None,
) -> dict[MouseId, tuple[ResponseTable, pd.DataFrame]]:
    """Responses of the neurons that saw the stimuli, and their discs (`discs_of`), by mouse.

    Args:
        folder: of the results.
        centre: what discs lie on.
        as_published: the published stimuli.
        mouse_ids: mice that are wanted; None: those that are there.

    Raises:
        MissingResultError: stimuli were not shown; the message names the command.
    """
    name = experiment_name(centre, as_published=as_published)
    command = f"{COMMAND} --centre {centre}{' --as_published' if as_published else ''}"
    tables = load_experiment(folder, name, command=command, mouse_ids=mouse_ids)
    found = {}
    for mouse_id, table in tables.items():
        facts = load_facts(ResultDir(folder).experiment(name) / f"mouse{mouse_id}.h5")
        monitor = Monitor(**facts["groups"][0]["monitor"])
        fields = read_result(folder, "aRF", mouse_ids=[mouse_id])
        shown = table.select(neurons=table.neurons["placed"].to_numpy(bool))
        found[mouse_id] = (shown, discs_of(shown, fields, monitor))
    return found


def experiment_name(centre: Centre, *, as_published: bool) -> str:
    """The name of the experiment; published stimuli have their own."""
    return NAMES[centre] + ("_published" if as_published else "")


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
    """Response (n,) to grey: mean over the last frames before all stimuli.

    Earlier ones still hold a part of the response to the stimulus before.
    """
    assert table.trace is not None
    before = table.reduction.before
    frames = slice(before - GREY_FRAMES, before)
    return table.trace[:, :, frames].mean(axis=(1, 2), dtype=float)


def traces_of(table: ResponseTable) -> pd.DataFrame:
    """Mean responses over time, both directions together, one row a frame.

    Columns: row (of the table), neuron, contrast, size (in degrees, or in sigmas), kind, time_s
    (from the onset), mean, sem (over presentations of one direction, averaged).

    Args:
        table: of the stimuli of this module.
    """
    assert table.trace is not None
    assert table.trace_sem is not None
    keys = ["contrast", "size", "kind"]
    conditions = table.conditions.rename(columns={_size_column(table): "size"})
    time = (np.arange(table.trace.shape[2]) - table.reduction.before) / FPS
    rows = np.arange(len(table.neurons))
    frames = []
    for key, part in conditions.groupby(keys):
        places = part.index.to_numpy()
        error = np.sqrt((table.trace_sem[:, places] ** 2).sum(axis=1)) / len(places)
        values = {
            "row": np.repeat(rows, len(time)),
            "neuron": np.repeat(table.neurons["neuron"].to_numpy(), len(time)),
            **dict(zip(keys, key, strict=True)),
            "time_s": np.tile(time, len(rows)),
            "mean": table.trace[:, places].mean(axis=1).ravel(),
            "sem": error.ravel(),
        }
        frames.append(pd.DataFrame(values))
    return pd.concat(frames, ignore_index=True)


def discs_of(
    table: ResponseTable, receptive_fields: pd.DataFrame, monitor: Monitor
) -> pd.DataFrame:
    """One row a neuron and disc: row, neuron, z_um, size, size_deg, disc_ratio, visible.

    row is that of the table, z_um the depth (NaN: unknown), disc_ratio the radius of the disc over
    the sigma of the receptive field (NaN: no good fit), visible the share of the disc that is on
    the screen.

    Args:
        table: of the stimuli of this module, neurons that saw them.
        receptive_fields: rows of the table aRF of the mouse.
        monitor: the screen of the mouse.
    """
    column = _size_column(table)
    fields = receptive_fields[receptive_fields["neuron"].isin(table.neurons["neuron"])]
    sigma = disc_radius_px(fields, 1.0, int(table.neurons["neuron"].max()) + 1)
    rows = []
    for size in sorted(set(table.conditions[column]) - {0.0}):
        for row, neuron in enumerate(table.neurons.to_dict("records")):
            width = sigma[neuron["neuron"]]
            radius = neuron["radius_px"] if column == SIGMAS else monitor.radius_px(size)
            size_deg = monitor.diameter_deg(radius)
            centre = (neuron["centre_x_px"], neuron["centre_y_px"])
            inside = visible_share(monitor, size_deg, centre_px=centre)
            who = row, neuron["neuron"], neuron.get("z_um", np.nan)
            rows.append((*who, size, size_deg, radius / width, inside))
    columns = ["row", "neuron", "z_um", "size", SIZE, "disc_ratio", "visible"]
    return pd.DataFrame(rows, columns=columns)


def _size_column(table: ResponseTable) -> str:
    return SIGMAS if SIGMAS in table.conditions else SIZE
