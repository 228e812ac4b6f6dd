"""The published searches of gratings: centre x surround directions, and the full field."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from viv1t.insilico.probe import Probe
from viv1t.most_exciting_stimulus.canvas import Canvas, centre_disc, full_field, surround_ring
from viv1t.most_exciting_stimulus.found import (
    Row,
    ask_targets,
    library_row,
    shown_frames,
    table_path,
)
from viv1t.most_exciting_stimulus.gratings import GridConfig, RepeatConfig, SurroundConfig
from viv1t.most_exciting_stimulus.library import library_folder, write_library
from viv1t.most_exciting_stimulus.neurons import (
    SelectionConfig,
    Target,
    share_a_place,
    targets_of,
)
from viv1t.names import MouseId
from viv1t.results.tables import write_table
from viv1t.rng import child

NAME: Final = "gratings"
NO_SURROUND: Final = -1


@dataclass(frozen=True, kw_only=True, eq=False)
class _Shown:
    """A stimulus: what the table says of it, its pixels, and where they were free."""

    about: dict[str, float]
    frames: NDArray[np.number]
    canvas: Canvas


# The values (k, s) of k targets -> for each target, kind and goal the number of a stimulus.
_Choose = Callable[[NDArray[np.float64], Sequence[_Shown]], list[tuple[int, str, str, int]]]


def search_center_surround(
    probe: Probe,
    selection: SelectionConfig,
    config: GridConfig,
    surround: SurroundConfig,
    *,
    as_published: bool = False,
) -> dict[MouseId, Path]:
    """The library of each mouse: best centre, best and worst surround of it, for each target.

    Shown are gratings in the centre alone, and each of them with each grating around it. The table
    of all responses, tables/center_surround_<aim>_mouse<M>.parquet beside the library, has the
    columns mouse, neuron, center_direction, surround_direction (-1: grey) and response, the sum
    over the frames of the grating in recorded units.

    Args:
        probe: who is asked.
        selection: whom the stimuli are for.
        config: which gratings.
        surround: how far it reaches.
        as_published: choice, places and gratings as published.

    Raises:
        MissingResultError: a table is missing; the message names the command.
        ConfigError: no neuron has a place.
    """
    outer = surround.outer_deg(selection)

    def show(mouse_id: MouseId, group: Sequence[Target]) -> list[_Shown]:
        monitor = probe.monitors[mouse_id]
        where: dict[str, Any] = {"size_deg": group[0].size_deg, "centre_px": group[0].centre_px}
        drawn = {
            direction: config.draw(
                monitor, probe.responder.fps, direction, as_published=as_published
            )
            for direction in config.directions_deg
        }
        disc = centre_disc(monitor, **where)
        shown = []
        for centre, grating in drawn.items():
            alone = shown_frames(disc, grating)
            about = {"center_direction": centre, "surround_direction": float(NO_SURROUND)}
            shown.append(_Shown(about=about, frames=alone, canvas=disc))
            ring = surround_ring(monitor, alone, outer_deg=outer, **where)
            for around, surrounding in drawn.items():
                about = {"center_direction": centre, "surround_direction": around}
                frames = shown_frames(ring, surrounding)
                shown.append(_Shown(about=about, frames=frames, canvas=ring))
        return shown

    def choose(
        values: NDArray[np.float64], shown: Sequence[_Shown]
    ) -> list[tuple[int, str, str, int]]:
        centres, surrounds = (
            np.array([stimulus.about[name] for stimulus in shown])
            for name in ("center_direction", "surround_direction")
        )
        chosen = []
        for number, row in enumerate(values):
            best = _extreme(row, surrounds == NO_SURROUND, 1)
            around = (centres == centres[best]) & (surrounds != NO_SURROUND)
            chosen.append((number, "grating_centre", "excite", best))
            for goal, sign in (("excite", 1), ("inhibit", -1)):
                chosen.append((number, "grating_grating", goal, _extreme(row, around, sign)))
        return chosen

    columns: dict[str, dict[str, Any]] = {
        "grating_centre": {"centre": "grating", "centre_motion": "dynamic"},
        "grating_grating": {
            "centre": "grating",
            "centre_motion": "dynamic",
            "surround": "grating",
            "surround_motion": "dynamic",
            "outer_deg": np.nan if outer is None else outer,
        },
    }
    return _search(
        probe,
        selection,
        show,
        choose,
        columns,
        name="center_surround",
        method=asdict(config) | asdict(surround) | asdict(selection),
        lead_frames=config.lead_frames,
        as_published=as_published,
    )


def search_full_field(
    probe: Probe,
    selection: SelectionConfig,
    config: GridConfig,
    repeats: RepeatConfig,
    *,
    as_published: bool = False,
) -> dict[MouseId, Path]:
    """The library of each mouse: best and worst grating on the whole screen, for each target.

    Each direction is shown with random phases (whole degrees); the direction is chosen by its mean
    response, of its presentations the strongest (weakest) one. The table of all responses,
    tables/full_field_<aim>_mouse<M>.parquet beside the library, has the columns mouse, neuron,
    direction, repeat, phase and response. As published responses are rounded to whole numbers and
    those of a population not weighted.

    Args:
        probe: who is asked.
        selection: whom the stimuli are for.
        config: which gratings.
        repeats: how often.
        as_published: choice, gratings and responses as published.

    Raises:
        MissingResultError: a table is missing; the message names the command.
        ConfigError: no neuron has a place.
    """

    def show(mouse_id: MouseId, group: Sequence[Target]) -> list[_Shown]:
        del group
        monitor = probe.monitors[mouse_id]
        canvas = full_field(monitor)
        shown = []
        for direction in config.directions_deg:
            for repeat in range(repeats.num_repeats):
                rng = child(probe.seed, "full_field", int(direction * 1000), repeat)
                phase = float(rng.integers(0, 360))
                frames = config.draw(
                    monitor,
                    probe.responder.fps,
                    direction,
                    phase_deg=phase,
                    as_published=as_published,
                )
                about = {"direction": direction, "repeat": float(repeat), "phase": phase}
                shown.append(_Shown(about=about, frames=frames, canvas=canvas))
        return shown

    def choose(
        values: NDArray[np.float64], shown: Sequence[_Shown]
    ) -> list[tuple[int, str, str, int]]:
        directions = np.array([stimulus.about["direction"] for stimulus in shown])
        chosen = []
        for number, row in enumerate(values):
            means = {d: row[directions == d].mean() for d in config.directions_deg}
            for goal, sign in (("excite", 1), ("inhibit", -1)):
                best = max(means, key=lambda d: sign * means[d])
                number_of_it = _extreme(row, directions == best, sign)
                chosen.append((number, "full_grating", goal, number_of_it))
        return chosen

    kind = {"centre": "full_grating", "centre_motion": "dynamic", "size_deg": np.nan}
    return _search(
        probe,
        selection,
        show,
        choose,
        {"full_grating": kind},
        name="full_field",
        method=asdict(config) | asdict(repeats) | asdict(selection) | {"seed": probe.seed},
        lead_frames=config.lead_frames,
        as_published=as_published,
        rounded=as_published,
    )


def _extreme(values: NDArray[np.float64], allowed: NDArray[np.bool_], sign: int) -> int:
    """The number of the highest (sign 1) or lowest (-1) of the values that are allowed."""
    return int(np.where(allowed, sign * values, -np.inf).argmax())


def _search(
    probe: Probe,
    selection: SelectionConfig,
    show: Callable[[MouseId, Sequence[Target]], list[_Shown]],
    choose: _Choose,
    columns: dict[str, dict[str, Any]],
    *,
    name: str,
    method: dict[str, Any],
    lead_frames: int,
    as_published: bool,
    rounded: bool = False,
) -> dict[MouseId, Path]:
    """Show stimuli to all targets, and write the table of responses and those that are chosen.

    Values in the library are those of a fresh prediction of what was chosen.
    """
    folder = library_folder(probe.output_dir, NAME)
    written = {}
    for mouse_id in probe.mouse_ids:
        monitor = probe.monitors[mouse_id]
        targets = targets_of(probe, mouse_id, selection, as_published=as_published)
        rows: list[Row] = []
        movies: list[NDArray[np.number]] = []
        tables = []
        groups = [targets] if name == "full_field" else share_a_place(targets)
        for group in tqdm(
            groups, desc=f"mouse {mouse_id}", unit="place", disable=not probe.progress
        ):
            if rounded:
                everyone = range(probe.responder.num_neurons(mouse_id))
                group = [_unweighted(target, everyone) for target in group]
            shown = show(mouse_id, group)
            values = _values(probe, mouse_id, group, shown, lead_frames)
            chosen = choose(values, shown)
            again = sorted({number for *_, number in chosen})
            fresh = _values(probe, mouse_id, group, [shown[n] for n in again], lead_frames)
            for target, kind, goal, number in chosen:
                stimulus = shown[number]
                movies.append(stimulus.frames)
                rows.append(
                    library_row(
                        group[target],
                        monitor,
                        stimulus.canvas,
                        stimulus.frames,
                        kind=f"{kind}_{goal}",
                        goal=goal,
                        value=float(fresh[target, again.index(number)]),
                        source=_source(stimulus.about),
                        **columns[kind],
                    )
                )
            values = np.round(values) if rounded else values
            abouts = pd.DataFrame([stimulus.about for stimulus in shown])
            tables += [
                abouts.assign(mouse=mouse_id, neuron=target.neuron, response=row)
                for target, row in zip(group, values, strict=True)
            ]
        about = {"as_published": as_published, **method, **probe.provenance}
        written[mouse_id] = write_library(
            folder, mouse_id, pd.DataFrame(rows), movies, method=about
        )
        table = pd.concat(tables, ignore_index=True)
        first = ["mouse", "neuron"]
        table = table[[*first, *(column for column in table if column not in first)]]
        write_table(table_path(folder, name, targets, mouse_id), table)
    return written


def _values(
    probe: Probe,
    mouse_id: MouseId,
    targets: Sequence[Target],
    shown: Sequence[_Shown],
    lead_frames: int,
) -> NDArray[np.float64]:
    """The values (k, s) of k targets for s stimuli."""
    asked, neurons, objectives = ask_targets(probe, mouse_id, targets, lead_frames=lead_frames)
    place = {neuron: number for number, neuron in enumerate(neurons)}
    columns = [[place[neuron] for neuron in objective.neurons] for objective in objectives]
    values = np.empty((len(targets), len(shown)))
    for start in range(0, len(shown), probe.batch_size):
        part = [np.asarray(s.frames, np.float32) for s in shown[start : start + probe.batch_size]]
        with torch.no_grad():
            responses = asked(torch.from_numpy(np.stack(part)))
        for row, (objective, column) in enumerate(zip(objectives, columns, strict=True)):
            value = objective.value(responses[:, column])
            values[row, start : start + len(part)] = value.double().cpu().numpy()
    return values


def _unweighted(target: Target, everyone: Sequence[int]) -> Target:
    """All neurons of a population count the same, those that are not predicted too."""
    if not target.is_population:
        return target
    count = len(everyone)
    return replace(target, neurons=tuple(everyone), weights=(1 / count,) * count)


def _source(about: dict[str, float]) -> str:
    """What a grating is, in words."""
    names = {"center_direction": "centre", "surround_direction": "surround"}
    return " ".join(
        f"{names.get(name, name)} {value:g}"
        for name, value in about.items()
        if (name, value) != ("surround_direction", NO_SURROUND)
    )
