"""Where generated stimuli stand, what is kept of older ones, and the table about them."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from viv1t.errors import MissingResultError
from viv1t.most_exciting_stimulus.library import (
    COLUMNS,
    METHOD,
    Library,
    library_folder,
    read_library,
    write_library,
)
from viv1t.most_exciting_stimulus.neurons import Target
from viv1t.most_exciting_stimulus.parts import GenerateConfig
from viv1t.most_exciting_stimulus.workshop import SUMMARY
from viv1t.names import MouseId
from viv1t.results.generated_tables import GENERATED
from viv1t.results.store import read_result, spec_of, write_result
from viv1t.utils.files import read_yaml


def motion(is_static: bool) -> str:
    """As libraries and folders call it."""
    return "static" if is_static else "dynamic"


def generated_folder(output_dir: Path, config: GenerateConfig, *, is_population: bool) -> Path:
    """The folder of the stimuli of one `save_dir`, as published."""
    whose = "population" if is_population else "single_neuron"
    root = Path(output_dir) / "most_exciting_stimulus" / whose / "generated" / config.canvas
    if config.canvas == "full_field":
        return root / motion(config.static) / config.save_dir
    moves = f"{motion(config.static_center)}_center_{motion(config.static_surround)}_surround"
    return root / f"{config.centre}_center" / moves / config.save_dir


def target_folder(
    output_dir: Path, config: GenerateConfig, mouse_id: MouseId, target: Target
) -> Path:
    """The folder of the stimuli of one target."""
    folder = generated_folder(output_dir, config, is_population=target.is_population)
    folder = folder / f"mouse{mouse_id}"
    return folder if target.is_population else folder / target.name


def write_summaries(
    output_dir: Path, config: GenerateConfig, mouse_id: MouseId, targets: Sequence[Target]
) -> None:
    """Add what is known of the stimuli of some targets to the table generated_stimuli.

    Rows of other stimuli of the mouse stay.

    Args:
        output_dir: the folder of results.
        config: of the stimuli.
        mouse_id: the mouse.
        targets: for whom.
    """
    rows = [row for target in targets for row in _summaries(output_dir, config, mouse_id, target)]
    key, table = list(spec_of(GENERATED).key), pd.DataFrame(rows)
    try:
        stored = read_result(output_dir, GENERATED, mouse_ids=[mouse_id])
        is_old = (stored["library"] == config.save_dir) & stored["folder"].isin(table["folder"])
        table = pd.concat([stored[~is_old], table]).drop_duplicates(key, keep="last")
    except MissingResultError:
        pass
    write_result(output_dir, GENERATED, table, method={})


def _summaries(
    output_dir: Path, config: GenerateConfig, mouse_id: MouseId, target: Target
) -> Iterator[dict[str, Any]]:
    folder = target_folder(output_dir, config, mouse_id, target)
    for path in sorted(folder.glob(f"*/{SUMMARY}")):
        known = read_yaml(path)
        others = known.pop("held_out").values()
        yield {
            **dict.fromkeys(("varied_value", "varied_correlation"), float("nan")),
            **known,
            "mouse": mouse_id,
            "library": config.save_dir,
            "neuron": target.neuron,
            "role": path.parent.name,
            "folder": str(path.parent.relative_to(output_dir)),
            "held_out_value": _mean([other["value"] for other in others]),
            "held_out_share": _mean([other["share"] for other in others]),
        }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def put_aside(
    output_dir: Path, config: GenerateConfig, mouse_id: MouseId, target: Target
) -> Path | None:
    """The folder that now holds the stimuli of a target, out of the way; None: there were none.

    It is called <name>.old1, or by the first number that is free; the rows that stood in the
    library are in its folder `library`.

    Args:
        output_dir: the folder of results.
        config: of the stimuli.
        mouse_id: the mouse.
        target: for whom.
    """
    folder = target_folder(output_dir, config, mouse_id, target)
    if not folder.is_dir():
        return None
    _take_out(library_folder(output_dir, config.save_dir), config, mouse_id, target, folder)
    number = 1
    while (aside := folder.with_name(f"{folder.name}.old{number}")).exists():
        number += 1
    folder.rename(aside)
    return aside


def _take_out(
    folder: Path, config: GenerateConfig, mouse_id: MouseId, target: Target, aside: Path
) -> None:
    """Move the rows of a target from the library in `folder` to one in `aside`."""
    try:
        library = read_library(folder, [mouse_id])
    except MissingResultError:
        return
    table = library.table
    is_full = config.canvas == "full_field"
    is_old = table["neuron"] == target.neuron
    is_old &= table["centre"] == ("full_generated" if is_full else config.centre)
    is_old &= table["centre_motion"] == motion(config.static if is_full else config.static_center)
    moves = table["surround_motion"]
    is_old &= (moves == "none") | (moves == motion(config.static_surround))
    rows = is_old.to_numpy(bool)
    _copy(library.of(rows), aside / "library", mouse_id)
    path, rest = folder / f"mouse{mouse_id}.h5", folder / ".rest"
    (rest / path.name).unlink(missing_ok=True)
    _copy(library.of(~rows), rest, mouse_id)
    if rows.all():
        path.unlink()
    else:
        (rest / path.name).replace(path)


def _copy(library: Library, folder: Path, mouse_id: MouseId) -> None:
    """Write stimuli into another library, each with the settings that made it."""
    for method in library.table[METHOD].unique():
        rows = (library.table[METHOD] == method).to_numpy(bool)
        part = library.of(rows)
        frames = [part.frames(row) for row in range(len(part))]
        write_library(
            folder, mouse_id, part.table[list(COLUMNS)], frames, method=json.loads(method)
        )
