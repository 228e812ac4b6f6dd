"""The recorded movies that drive most and least: in the centre, around it, on the whole screen."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.config.flags import check, flag
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.insilico.probe import Probe
from viv1t.most_exciting_stimulus.canvas import Canvas, centre_disc, full_field, surround_ring
from viv1t.most_exciting_stimulus.found import (
    Row,
    ask_targets,
    check_frames,
    library_row,
    search_parser,
    shown_frames,
    table_path,
)
from viv1t.most_exciting_stimulus.gratings import OUTER_DEG
from viv1t.most_exciting_stimulus.library import library_folder, write_library
from viv1t.most_exciting_stimulus.neurons import (
    SelectionConfig,
    Target,
    share_a_place,
    targets_of,
)
from viv1t.most_exciting_stimulus.origins import Found, Origins
from viv1t.most_exciting_stimulus.search import Clips, best_clips, recorded_clips
from viv1t.names import MouseId
from viv1t.results.tables import write_table
from viv1t.units import SKIP_FRAMES, Monitor

# What the clips are: the centre, the surround of a natural or of a grating centre, all.
Layout: TypeAlias = Literal["centre", "surround", "grating_surround", "full_field"]

NAME: Final = "natural"
VALUE: Final = "a fresh prediction of the clip that the search chose"


@dataclass(frozen=True, kw_only=True)
class NaturalConfig:
    """Which clips of the recorded movies are shown."""

    step: int = flag(5, help="frames from one clip of a movie to the next")
    tiers: tuple[str, ...] = flag(("train",), help="tiers whose movies are searched")
    num_frames: int = flag(30, help="frames of a clip")
    lead_frames: int = flag(SKIP_FRAMES, help="grey frames before a clip")
    outer_stimulus_size: float | None = flag(
        None,
        help="diameter in degrees beyond which all is grey, 0: no limit; none: 60 around a centre, "
        "no limit for full field",
    )

    def __post_init__(self) -> None:
        check(self.step >= 1, f"--step must be 1 or more, got {self.step}")
        check(self.num_frames >= 1, f"--num_frames must be 1 or more, got {self.num_frames}")
        check(self.lead_frames >= 0, f"--lead_frames must be 0 or more, got {self.lead_frames}")

    def outer_deg(self, layout: Layout) -> float | None:
        """The outer limit of a layout; None: there is none."""
        if self.outer_stimulus_size is None:
            return None if layout == "full_field" else OUTER_DEG
        return self.outer_stimulus_size or None


# Of the flags of `natural_parser`.
CONFIGS: Final = (SelectionConfig, NaturalConfig)


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """What is searched, as the library says it."""

    name: str
    centre: str
    centre_motion: str
    surround: str = "none"
    surround_motion: str = "none"

    @property
    def columns(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if name != "name"}


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Targets that are shown the same clips on the same canvas."""

    targets: list[Target]
    canvas: Canvas
    centre: Found | None = None


def natural_parser(description: str, *switches: str) -> argparse.ArgumentParser:
    """The parser of a script that searches natural clips.

    Args:
        description: of the script.
        switches: flags that are on or off, "static", "static_center" or "static_surround".
    """
    parser = search_parser(description, *CONFIGS)
    text = "threads that read movies ahead; two movies more in memory for each, the same result"
    parser.add_argument("--num_workers", type=int, default=0, help=text)
    for name in switches:
        text = "held frames instead of movies"
        part = "static_centre" if name == "static_center" else "static"
        parser.add_argument(f"--{name}", dest=part, action="store_true", help=text)
    return parser


def natural_options(args: argparse.Namespace, layout: Layout) -> dict[str, Any]:
    """The options of `search_natural`, but for the probe and its configs.

    Args:
        args: the flags of `natural_parser`.
        layout: see `search_natural`.
    """
    held = {name: getattr(args, name, False) for name in ("static", "static_centre")}
    return {"layout": layout, "data_dir": args.data_dir, "num_workers": args.num_workers, **held}


def search_natural(
    probe: Probe,
    selection: SelectionConfig,
    config: NaturalConfig,
    *,
    layout: Layout,
    data_dir: Path,
    static: bool = False,
    static_centre: bool = False,
    num_workers: int = 0,
    as_published: bool = False,
) -> dict[MouseId, Path]:
    """The library of each mouse, with the best and the worst clip for each target.

    All clips of the movies are shown, one batch at a time; interrupted, the same call goes on.
    A table beside the library, tables/<kind>_<aim>_mouse<M>.parquet, tells of each target and goal
    which clip was chosen of how many, its value in the search (`searched`), and that of a fresh
    prediction (`value`, also in the library: the largest of many noisy values is too large).

    Args:
        probe: who is asked.
        selection: whom the stimuli are for.
        config: which clips.
        layout: what the clips are: "centre", the "surround" of the best natural centre, that of
            the best grating centre ("grating_surround"), or "full_field".
        data_dir: the recordings.
        static: held frames, not stretches of movies.
        static_centre: the natural centre of a "surround" is a held frame.
        num_workers: threads that read movies ahead.
        as_published: choice of neurons and places as published.

    Raises:
        MissingResultError: a table or a centre is missing; the message names the command.
        ConfigError: no neuron has a place.
        DataError: a recording is missing or damaged, or its movies are too short.
    """
    check(num_workers >= 0, f"--num_workers must be 0 or more, got {num_workers}")
    kind = _kind(layout, "static" if static else "dynamic", static_centre=static_centre)
    folder = library_folder(probe.output_dir, NAME)
    written = {}
    for mouse_id in probe.mouse_ids:
        (mouse,) = choose_mice(data_dir, [mouse_id])
        recording, monitor = Recording(mouse), probe.monitors[mouse_id]
        check_frames(monitor, recording.frame_shape, str(recording.folder))
        clips = recorded_clips(
            recording,
            tiers=config.tiers,
            num_frames=config.num_frames,
            step=config.step,
            static=static,
        )
        targets = targets_of(probe, mouse_id, selection, as_published=as_published)
        origins = Origins(probe.output_dir, mouse_id, config.num_frames)
        places = _places(targets, monitor, layout, origins, kind, config)
        rows: list[Row] = []
        movies: list[NDArray[np.number]] = []
        tables = []
        for number, place in enumerate(places, start=1):
            label = f"mouse {mouse_id}, place {number} of {len(places)}"
            table = _search(
                probe, mouse_id, place, clips, recording, folder, label, config, num_workers
            )
            tables.append(table)
            for found in table.to_dict("records"):
                row, frames = _library_row(found, place, clips, monitor, layout, kind, config)
                rows.append(row)
                movies.append(frames)
        method = asdict(config) | asdict(selection) | dict(probe.provenance)
        method |= {"as_published": as_published, "num_clips": len(clips), "value": VALUE}
        written[mouse_id] = write_library(
            folder, mouse_id, pd.DataFrame(rows), movies, method=method
        )
        whole = pd.concat(tables).drop(columns=["objective", "number"])
        whole.insert(0, "mouse", mouse_id)
        write_table(table_path(folder, kind.name, targets, mouse_id), whole)
    return written


def _kind(layout: Layout, motion: str, *, static_centre: bool) -> _Kind:
    if layout in ("centre", "full_field"):
        centre = "natural" if layout == "centre" else "full_natural"
        return _Kind(name=f"{centre}_{motion}", centre=centre, centre_motion=motion)
    centre = "natural" if layout == "surround" else "grating"
    centre_motion = "static" if static_centre else "dynamic"
    return _Kind(
        name=f"{centre}_{centre_motion}_natural_{motion}",
        centre=centre,
        centre_motion=centre_motion,
        surround="natural",
        surround_motion=motion,
    )


def _places(
    targets: Sequence[Target],
    monitor: Monitor,
    layout: Layout,
    origins: Origins,
    kind: _Kind,
    config: NaturalConfig,
) -> list[_Place]:
    """Where clips are shown to whom; centres that are needed are looked up first."""
    outer = config.outer_deg(layout)
    if layout == "full_field" and outer is None:
        return [_Place(targets=list(targets), canvas=full_field(monitor))]
    places = []
    for group in share_a_place(targets):
        where: dict[str, Any] = {"centre_px": group[0].centre_px}
        size = group[0].size_deg
        if layout == "full_field":
            canvas = full_field(monitor, outer_deg=outer, **where)
            places.append(_Place(targets=group, canvas=canvas))
        elif layout == "centre":
            canvas = centre_disc(monitor, size_deg=size, **where)
            places.append(_Place(targets=group, canvas=canvas))
        else:
            for target in group:
                centre = origins.needed(
                    target,
                    f"{kind.centre_motion} {kind.centre} centre",
                    centre=kind.centre,
                    centre_motion=kind.centre_motion,
                    surround="none",
                    goal="excite",
                )
                canvas = surround_ring(
                    monitor, centre.frames, size_deg=size, outer_deg=outer, **where
                )
                places.append(_Place(targets=[target], canvas=canvas, centre=centre))
    return places


def _search(
    probe: Probe,
    mouse_id: MouseId,
    place: _Place,
    clips: Clips,
    recording: Recording,
    folder: Path,
    label: str,
    config: NaturalConfig,
    num_workers: int,
) -> pd.DataFrame:
    """The table of `best_clips` at a place, with the column neuron."""
    asked, neurons, objectives = ask_targets(
        probe, mouse_id, place.targets, lead_frames=config.lead_frames
    )
    state = probe.states.get(mouse_id, (None, None))
    table = best_clips(
        asked,
        clips,
        objectives,
        place.canvas,
        neurons=neurons,
        batch_size=probe.batch_size,
        num_workers=num_workers,
        folder=folder / "search",
        facts={
            "provenance": dict(probe.provenance),
            "state": [None if s is None else s.tolist() for s in state],
            "mouse": mouse_id,
            "movies": recording.fingerprint(),
            "lead_frames": config.lead_frames,
        },
        progress=label if probe.progress else "",
    )
    table.insert(0, "neuron", [place.targets[number].neuron for number in table["objective"]])
    return table


def _library_row(
    found: dict[Any, Any],
    place: _Place,
    clips: Clips,
    monitor: Monitor,
    layout: Layout,
    kind: _Kind,
    config: NaturalConfig,
) -> tuple[Row, NDArray[np.number]]:
    """The row of a clip in the library, and its frames."""
    (clip,) = clips.read([int(found["number"])])
    frames = shown_frames(place.canvas, clip)
    source = f"trial {found['trial']} frame {found['frame']}"
    if place.centre is not None:
        source = f"centre {place.centre.name}; surround {source}"
    columns: dict[str, Any] = kind.columns | {"source": source, "value": found["value"]}
    if layout != "centre":
        outer = config.outer_deg(layout)
        columns["outer_deg"] = np.nan if outer is None else outer
    if layout == "full_field":
        columns["size_deg"] = np.nan
    row = library_row(
        place.targets[int(found["objective"])],
        monitor,
        place.canvas,
        frames,
        kind=f"{kind.name}_{found['goal']}",
        goal=found["goal"],
        **columns,
    )
    return row, frames
