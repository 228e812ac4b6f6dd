"""Direction tuning on disk: two tables, and the published arrays."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.names import MouseId
from viv1t.results.specs import TABLES
from viv1t.results.store import read_result, write_result
from viv1t.results.tables import read_table, write_table
from viv1t.utils.files import write_npy


class DirectionTableNames(NamedTuple):
    """The tables of one stimulus: indexes, curves, similarity of neighbours, its decay."""

    indexes: str
    curves: str
    similarity: str
    decay: str


DIRECTION_TABLE_NAMES: Final[Mapping[str, DirectionTableNames]] = MappingProxyType(
    {
        "gabor": DirectionTableNames(
            "gabor_selectivity", "gabor_curves", "gabor_similarity", "gabor_decay"
        ),
        "grating": DirectionTableNames(
            "selectivity", "direction_curves", "direction_similarity", "direction_decay"
        ),
    }
)


def write_direction_tuning(
    folder: Path,
    mouse_id: MouseId,
    stimulus: str,
    table: pd.DataFrame,
    curves: pd.DataFrame,
    neurons: pd.DataFrame,
    *,
    method: Mapping[str, Any],
) -> list[Path]:
    """The paths of the two tables of a mouse, and of the published arrays if `method` says so.

    Args:
        folder: of results.
        mouse_id: the mouse.
        stimulus: of `DIRECTION_TABLE_NAMES`.
        table: n rows of indexes.
        curves: n times d rows; column row numbers the neurons.
        neurons: n rows; column neuron, and x_um, y_um, z_um where known.
        method: settings that shaped the numbers.
    """
    names = DIRECTION_TABLE_NAMES[stimulus][:2]
    who = neurons.reset_index(drop=True).assign(mouse=mouse_id)
    for place in ("x_um", "y_um", "z_um"):
        who[place] = who.get(place, np.nan)
    whole = pd.concat([who, table.reset_index(drop=True)], axis=1)
    number = who["neuron"].to_numpy()[curves["row"].to_numpy()]
    long = curves.drop(columns="row").assign(mouse=mouse_id, neuron=number)
    paths = [
        write_result(folder, name, frame[list(TABLES[name].columns)], method=method)
        for name, frame in zip(names, (whole, long), strict=True)
    ]
    if method.get("as_published", False):
        paths += _write_published(Path(folder) / "tuning" / f"mouse{mouse_id}", table, curves)
    return paths


def read_direction_tuning(
    folder: Path, stimulus: str, mouse_ids: list[MouseId] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The two tables that `write_direction_tuning` wrote.

    Raises:
        MissingResultError: one is missing; the message names the command.
    """
    names = DIRECTION_TABLE_NAMES[stimulus]
    return (
        read_result(folder, names.indexes, mouse_ids=mouse_ids),
        read_result(folder, names.curves, mouse_ids=mouse_ids),
    )


def write_tuning_similarity(
    folder: Path,
    mouse_id: MouseId,
    stimulus: str,
    parts: Sequence[tuple[pd.DataFrame, pd.DataFrame]],
    *,
    method: Mapping[str, Any],
) -> list[Path]:
    """The paths of the tables of similarity and decay of a mouse.

    As published, of the table of similarity and tuning/tuning_similarity.parquet (all pairs).

    Args:
        folder: of results.
        mouse_id: the mouse.
        stimulus: of `DIRECTION_TABLE_NAMES`.
        parts: bins, and fits or (as published) pairs; one for each kind of tuning.
        method: settings that shaped the numbers.
    """
    names = DIRECTION_TABLE_NAMES[stimulus]
    bins, others = (
        pd.concat([part[i] for part in parts], ignore_index=True).assign(mouse=mouse_id)
        for i in range(2)
    )
    path = write_result(folder, names.similarity, bins, method=method)
    if not method.get("as_published", False):
        return [path, write_result(folder, names.decay, others, method=method)]
    pairs_path = Path(folder) / "tuning" / "tuning_similarity.parquet"
    if pairs_path.is_file():
        stored = read_table(pairs_path, command=TABLES[names.similarity].made_by)
        others = pd.concat([stored[stored["mouse"] != mouse_id], others], ignore_index=True)
    write_table(pairs_path, others)
    return [path, pairs_path]


def _write_published(folder: Path, table: pd.DataFrame, curves: pd.DataFrame) -> list[Path]:
    wide = curves.pivot_table(index="row", columns="direction_deg", values="mean", dropna=False)
    arrays: dict[str, NDArray[np.generic]] = {
        "tuning_curve": wide.to_numpy(np.float32),
        "OSI": table["osi"].to_numpy(np.float32),
        "DSI": table["dsi"].to_numpy(np.float32),
        "orientation_selective": table["orientation_selective"].to_numpy(bool),
        "direction_selective": table["direction_selective"].to_numpy(bool),
    }
    for name, values in arrays.items():
        write_npy(folder / f"{name}.npy", values)
    return [folder / f"{name}.npy" for name in arrays]
