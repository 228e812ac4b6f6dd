"""Finished stimuli of all origins in one form: searches and generators write, all others read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import h5py
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from viv1t.errors import DataError, MissingResultError
from viv1t.experiments.saved import read_frame, unreadable, write_frame
from viv1t.names import MouseId
from viv1t.utils.files import atomic

SCHEMA_VERSION: Final = 1
FOLDER: Final = "most_exciting_stimulus"
METHOD: Final = "method"
POPULATION: Final = -1
NO_SEED: Final = -1

# A column of the table: its type, what it is, and what it may be.
ORIGINS: Final = ("none", "grating", "natural", "generated")
CENTRES: Final = (*ORIGINS, *(f"full_{origin}" for origin in ORIGINS[1:]))
MOTIONS: Final = ("none", "static", "dynamic")
GOALS: Final = ("excite", "inhibit", "none")
CHOICES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "centre": CENTRES,
        "surround": ORIGINS,
        "centre_motion": MOTIONS,
        "surround_motion": MOTIONS,
        "goal": GOALS,
    }
)
COLUMNS: Final[Mapping[str, type]] = MappingProxyType(
    {
        "stimulus": str,
        "neuron": int,
        **dict.fromkeys(CHOICES, str),
        "seed": int,
        "value": float,
        "converged": bool,
        "centre_x_px": float,
        "centre_y_px": float,
        "size_deg": float,
        "outer_deg": float,
        "rms": float,
        "mean": float,
        "contrast_matched": bool,
        "source": str,
    }
)
_DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        **dict.fromkeys(CHOICES, "none"),
        "seed": NO_SEED,
        "converged": True,
        "size_deg": np.nan,
        "outer_deg": np.nan,
        "contrast_matched": False,
        "source": "",
    }
)
# What a stimulus is, whoever made it: stimuli that agree in these are of one kind.
KIND: Final = ("centre", "surround", "centre_motion", "surround_motion", "goal", "contrast_matched")


@dataclass(frozen=True)
class Library:
    """Finished stimuli.

    Attributes:
        table: a row a stimulus. The columns are stimulus (a name, unique in its file), neuron (row
            of the mouse; -1: the population), centre (what is inside the disc, or with "full_" on
            the whole screen), surround, centre_motion, surround_motion, goal, seed (-1: nothing
            random), value (the objective, in recorded units, on the responder that made it),
            converged (True where nothing can converge), centre_x_px, centre_y_px, size_deg,
            outer_deg (NaN: none), rms and mean (over the free canvas and all frames, in grey
            values), contrast_matched, source (where it comes from, in words), method (the settings
            that made it, as JSON); and of where it stands, mouse and library.
    """

    table: pd.DataFrame
    _places: tuple[tuple[Path, int], ...]

    def __len__(self) -> int:
        """Number of stimuli."""
        return len(self.table)

    def frames(self, row: int) -> NDArray[np.float32]:
        """The frames (t, h, w), grey values 0..255, of the stimulus in row `row` of the table.

        Raises:
            DataError: the file is damaged.
        """
        path, index = self._places[row]
        try:
            with h5py.File(path, "r") as file:
                frames: NDArray[np.float32] = file["frames"][index].astype(np.float32)
        except (OSError, KeyError, ValueError) as error:
            raise unreadable(path, error) from error
        return frames

    def of(self, rows: ArrayLike) -> "Library":
        """The library of some rows, in their order.

        Args:
            rows: their numbers, or a mask.
        """
        chosen = np.arange(len(self))[np.asarray(rows)]
        table = self.table.iloc[chosen].reset_index(drop=True)
        return Library(table, tuple(self._places[row] for row in chosen))


def library_folder(output_dir: Path, name: str) -> Path:
    """The folder of the library `name` of a folder of results."""
    return Path(output_dir) / FOLDER / name


def write_library(
    folder: Path,
    mouse_id: MouseId,
    table: pd.DataFrame,
    frames: NDArray[np.floating] | NDArray[np.uint8] | Sequence[NDArray[Any]],
    *,
    method: Mapping[str, Any],
) -> Path:
    """The file `<folder>/mouse<M>.h5` with these stimuli, written whole or not at all.

    Stimuli of the same name are replaced, others kept.

    Args:
        folder: see `library_folder`.
        mouse_id: the mouse.
        table: the columns of `Library` (without mouse, library, method), k rows. May be left out
            where they do not apply: those of the kind ("none"), seed (-1), converged (True),
            size_deg and outer_deg (NaN), contrast_matched (False), source (""); None and NaN in
            one of them mean the same.
        frames: (k, t, h, w) grey values 0..255, as uint8 or float; or k movies (t, h, w).
        method: the settings that made them, plain values.

    Raises:
        DataError: columns, types or frames that do not fit together, or a file of other frames.
    """
    path = Path(folder) / f"mouse{mouse_id}.h5"
    rows = _checked(table, where=str(path))
    movies = [np.asarray(movie) for movie in frames]
    _check_frames(movies, rows, path)
    rows[METHOD] = json.dumps(dict(method), sort_keys=True, default=str)
    kept, kept_rows = _kept(path, rows, movies)
    whole = pd.concat([kept, rows], ignore_index=True) if len(kept) else rows
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["schema"] = SCHEMA_VERSION
        file.attrs["mouse"] = mouse_id
        write_frame(file.create_group("table"), whole)
        _write_frames(file, path, kept_rows, movies)
    return path


def read_library(folder: Path, mouse_ids: Sequence[MouseId] | None = None) -> Library:
    """The library in a folder; frames stay on disk until they are asked for.

    Args:
        folder: see `library_folder`.
        mouse_ids: mice that are wanted, all of which must be there; None: those that are.

    Raises:
        MissingResultError: no stimulus, or none of a mouse.
        DataError: a file is damaged.
    """
    folder = Path(folder)
    if mouse_ids is None:
        mouse_ids = sorted(path.stem.removeprefix("mouse") for path in folder.glob("mouse*.h5"))
    paths = {mouse_id: folder / f"mouse{mouse_id}.h5" for mouse_id in mouse_ids}
    missing = [mouse_id for mouse_id, path in paths.items() if not path.is_file()]
    if missing or not paths:
        raise MissingResultError(
            f"{folder} holds no stimuli{' of mouse ' + ', '.join(missing) if missing else ''}; "
            "most_exciting_stimulus/README.md lists the scripts that search or generate some"
        )
    tables, places = [], []
    for mouse_id, path in paths.items():
        table = _read_table(path)
        tables.append(table.assign(mouse=mouse_id, library=folder.name))
        places += [(path, row) for row in range(len(table))]
    return Library(pd.concat(tables, ignore_index=True), tuple(places))


def read_libraries(
    output_dir: Path,
    names: Sequence[str] | None = None,
    mouse_ids: Sequence[MouseId] | None = None,
) -> Library:
    """Several libraries of a folder of results as one.

    Args:
        output_dir: the run, or another folder of results.
        names: of the libraries; None: all there are.
        mouse_ids: mice that are wanted, where a library has them; None: all.

    Raises:
        MissingResultError: no such library, or none of a mouse.
        DataError: a file is damaged.
    """
    known = sorted({path.parent.name for path in (Path(output_dir) / FOLDER).glob("*/mouse*.h5")})
    parts = []
    for name in known if names is None else names:
        folder = library_folder(output_dir, name)
        wanted = [m for m in mouse_ids or () if (folder / f"mouse{m}.h5").is_file()]
        if wanted or mouse_ids is None:
            parts.append(read_library(folder, wanted or None))
    of_mice = set(mouse_ids or ()) - {m for part in parts for m in part.table["mouse"]}
    if of_mice or not parts:
        raise MissingResultError(
            f"{Path(output_dir) / FOLDER} holds no stimuli of mouse {', '.join(sorted(of_mice))}"
            if of_mice
            else f"{Path(output_dir) / FOLDER} holds no library of stimuli; "
            "most_exciting_stimulus/README.md lists the scripts that search or generate some"
        )
    table = pd.concat([part.table for part in parts], ignore_index=True)
    return Library(table, tuple(place for part in parts for place in part._places))


def scores(table: pd.DataFrame) -> pd.Series:
    """How good each stimulus is for what it was made for: its value, to inhibit minus its value.

    -inf where the value is unknown.

    Args:
        table: of a `Library`.
    """
    value = table["value"].astype(float)
    return value.where(table["goal"] != "inhibit", -value).fillna(-np.inf)


def best_rows(table: pd.DataFrame, by: Sequence[str] = ()) -> NDArray[np.int64]:
    """Rows (numbers, ascending) of the best stimulus of every kind for each neuron of each mouse.

    The best is the one of the largest value; of those made to inhibit, of the smallest.

    Args:
        table: of a `Library`.
        by: columns besides mouse, neuron and `KIND` that tell stimuli apart.
    """
    numbered = table.assign(_score=scores(table)).reset_index(drop=True)
    groups = numbered.groupby(["mouse", "neuron", *KIND, *by], sort=False, dropna=False)
    return np.sort(groups["_score"].idxmax().to_numpy(np.int64))


def kind_words(row: Mapping[str, Any]) -> str:
    """The kind of a stimulus in words, such as "natural centre, generated video, inhibiting"."""
    motion = {"static": "image", "dynamic": "video"}
    centre, surround = str(row["centre"]), str(row["surround"])
    parts = []
    if centre != "none":
        is_full = centre.startswith("full_")
        name = f"{centre.removeprefix('full_')} {'full field' if is_full else 'centre'}"
        parts.append(" ".join((name, motion.get(str(row["centre_motion"]), ""))).strip())
    if surround != "none":
        parts.append(f"{surround} surround {motion.get(str(row['surround_motion']), '')}".strip())
    if row["goal"] == "inhibit":
        parts.append("inhibiting")
    if row["contrast_matched"]:
        parts.append("contrast-matched")
    return ", ".join(parts) or "blank"


def _checked(table: pd.DataFrame, *, where: str) -> pd.DataFrame:
    """`table` with all columns, in order and of their types."""
    unknown = [str(name) for name in table if name not in COLUMNS]
    missing = [name for name in COLUMNS if name not in table and name not in _DEFAULTS]
    if unknown or missing or table.empty or table["stimulus"].isna().any():
        raise DataError(
            f"{where}: a table of stimuli has a row for each, and the columns "
            f"{', '.join(COLUMNS)}; missing: {', '.join(missing) or 'none'}, unknown: "
            f"{', '.join(unknown) or 'none'}, rows: {len(table)}"
        )
    whole = table.assign(
        **{
            name: table[name].where(table[name].notna(), default) if name in table else default
            for name, default in _DEFAULTS.items()
        }
    )
    try:
        rows = pd.DataFrame({n: whole[n].astype(kind) for n, kind in COLUMNS.items()})
    except (ValueError, TypeError) as error:
        raise DataError(f"{where}: a column of stimuli is of another type: {error}") from error
    for name, choices in CHOICES.items():
        other = sorted(set(rows[name]) - set(choices))
        if other:
            raise DataError(
                f"{where}: {name} should be one of {', '.join(choices)}, found {', '.join(other)}"
            )
    twice = rows.loc[rows["stimulus"].duplicated(), "stimulus"].tolist()
    if twice or not rows["stimulus"].all():
        raise DataError(
            f"{where}: stimuli should have names that differ; {', '.join(twice) or 'one is empty'}"
        )
    return rows.reset_index(drop=True)


def _check_frames(movies: Sequence[NDArray[Any]], rows: pd.DataFrame, path: Path) -> None:
    shapes = {movie.shape for movie in movies}
    if len(movies) != len(rows) or len(shapes) != 1 or any(len(s) != 3 or 0 in s for s in shapes):
        raise DataError(
            f"{path}: {len(rows)} stimuli need as many movies (t, h, w) of one shape, got "
            f"{len(movies)} of {', '.join(map(str, sorted(shapes))) or 'none'}"
        )
    for name, movie in zip(rows["stimulus"], movies, strict=True):
        if not (np.isfinite(movie).all() and movie.min() >= 0 and movie.max() <= 255):
            raise DataError(
                f"{path}: {name} should hold grey values 0..255, found {movie.min():g}.."
                f"{movie.max():g}"
            )


def _read_table(path: Path) -> pd.DataFrame:
    try:
        with h5py.File(path, "r") as file:
            schema = int(file.attrs["schema"])
            if schema > SCHEMA_VERSION:
                raise DataError(
                    f"{path} has schema {schema}, this version of viv1t knows {SCHEMA_VERSION}: "
                    "update viv1t"
                )
            table = read_frame(file["table"])
            num_movies = len(file["frames"])
    except (OSError, KeyError) as error:
        raise unreadable(path, error) from error
    absent = [name for name in (*COLUMNS, METHOD) if name not in table]
    if absent or num_movies != len(table):
        raise unreadable(path, KeyError(f"{len(table)} rows, {num_movies} movies, lacks {absent}"))
    return table


def _kept(
    path: Path, rows: pd.DataFrame, movies: Sequence[NDArray[Any]]
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """The rows of the file that stay, and their numbers."""
    if not path.is_file():
        return pd.DataFrame(), np.empty(0, np.int64)
    stored = _read_table(path)
    numbers = np.flatnonzero(~stored["stimulus"].isin(set(rows["stimulus"])).to_numpy(bool))
    with h5py.File(path, "r") as file:
        shape = file["frames"].shape[1:]
    if len(numbers) and shape != movies[0].shape:
        raise DataError(
            f"{path} holds movies (t, h, w) of shape {shape}, the new ones have "
            f"{movies[0].shape}: give the library another name"
        )
    return stored.iloc[numbers], numbers


def _write_frames(
    file: h5py.File, path: Path, kept: NDArray[np.int64], movies: Sequence[NDArray[Any]]
) -> None:
    """Copy the movies of the rows `kept` of the file at `path`, one by one, then add `movies`."""
    shape = movies[0].shape
    is_bytes = all(movie.dtype == np.uint8 for movie in movies)
    old = h5py.File(path, "r") if len(kept) else None
    try:
        is_bytes = is_bytes and (old is None or old["frames"].dtype == np.uint8)
        frames = file.create_dataset(
            "frames",
            shape=(len(kept) + len(movies), *shape),
            dtype=np.uint8 if is_bytes else np.float32,
            chunks=(1, *shape),
            compression="gzip",
            compression_opts=4,
            shuffle=True,
        )
        for place, row in enumerate(kept if old is not None else ()):
            frames[place] = old["frames"][row]  # type: ignore[index]
    finally:
        if old is not None:
            old.close()
    for place, movie in enumerate(movies, start=len(kept)):
        frames[place] = movie
