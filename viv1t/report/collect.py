"""What a folder of runs holds: figures with their numbers, tables, configurations."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
from PIL import Image, UnidentifiedImageError

from viv1t.errors import MissingResultError, UserError
from viv1t.plot.style import CAPTION_KEY
from viv1t.report.chapters import chapter_of, words_of
from viv1t.results.run import RunDir
from viv1t.results.specs import TABLES
from viv1t.results.store import ResultDir

logger = logging.getLogger(__name__)

# Of one drawing in several formats the first is shown.
PICTURES: Final = (".png", ".svg", ".jpg", ".jpeg", ".gif", ".mp4")
MOVING: Final = (".gif", ".mp4")
# Folders without figures or tables of results.
LEFT_OUT: Final = frozenset({"ckpt", "data", "responses", "tensorboard", "wandb", "aRFs"})


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure or an animation.

    Attributes:
        path: of its file.
        name: relative to the folder of the report, without suffix.
        caption: what it shows.
        chapter: the analysis it belongs to.
        numbers: CSV files with the numbers of its panels.
    """

    path: Path
    name: str
    caption: str
    chapter: str
    numbers: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True)
class StoredTable:
    """A table of results.

    Attributes:
        path: of its file, parquet or CSV.
        name: relative to the folder of the report.
        chapter: the analysis it belongs to.
        about: how it was made; empty where no JSON file beside it tells.
    """

    path: Path
    name: str
    chapter: str
    about: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Contents:
    """All that a report shows.

    Attributes:
        pictures: in the order of their names.
        tables: in the order of their names.
        runs: folders with an args.yaml, by name relative to the folder of the report.
        folders: folders with results of analyses, likewise.
    """

    pictures: tuple[Picture, ...]
    tables: tuple[StoredTable, ...]
    runs: Mapping[str, RunDir]
    folders: Mapping[str, ResultDir]


def collect(folder: Path) -> Contents:
    """What `folder` and the runs in it hold.

    Raises:
        MissingResultError: the folder does not exist, or holds no figure and no table.
    """
    files = sorted(_files(folder)) if folder.is_dir() else []
    figures, numbers = _pictures(files, folder)
    tables = tuple(_tables((f for f in files if f not in numbers), folder))
    runs = {_name(f.parent, folder): RunDir(f.parent) for f in files if f.name == "args.yaml"}
    if not (figures or tables or runs):
        raise MissingResultError(
            f"{folder} holds no figure, no table and no run: nothing to report; make some with "
            f"train.py, predict.py or the scripts in tuning_*/ (--output_dir {folder}/<run>)"
        )
    # Libraries of stimuli have tables of their own, which no analysis reads.
    analysed = (t.path for t in tables if t.path.stem in TABLES)
    homes = {path.parent.parent for path in analysed if path.parent.name == "tables"}
    folders = {_name(home, folder): ResultDir(home) for home in sorted(homes)}
    return Contents(pictures=figures, tables=tables, runs=runs, folders=folders)


def read_any(path: Path) -> pd.DataFrame | None:
    """The table in a parquet or CSV file; None if it is damaged, after one line that says so."""
    try:
        return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    except (OSError, ValueError) as error:
        logger.warning("left out %s, which cannot be read: %s", path, error)
        return None


def known_tables(folder: ResultDir) -> dict[str, pd.DataFrame]:
    """The readable tables of analyses in `folder`, by name."""
    found = {}
    for name in TABLES:
        if folder.table(name).is_file():
            table = read_any(folder.table(name))
            if table is not None:
                found[name] = table
    return found


def _files(folder: Path) -> Iterator[Path]:
    """All files below `folder` that may be shown; hidden ones and bulky folders left out."""
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if entry.name not in LEFT_OUT:
                yield from _files(entry)
        else:
            yield entry


def _pictures(files: Iterable[Path], folder: Path) -> tuple[tuple[Picture, ...], frozenset[Path]]:
    """The pictures, and the CSV files with their numbers."""
    chosen: dict[Path, Path] = {}
    csv: list[Path] = []
    for file in files:
        if file.suffix == ".csv":
            csv.append(file)
        elif file.suffix in PICTURES:
            # An animation beside a figure of its name is another thing than that figure.
            key = file.with_suffix(".moving" if file.suffix in MOVING else "")
            best = min(chosen.get(key, file), file, key=lambda f: PICTURES.index(f.suffix))
            chosen[key] = best
    of_drawing: dict[Path, list[Path]] = {}
    for table in csv:
        owners = [key for key in chosen if str(table).startswith(f"{key}_")]
        if owners:
            of_drawing.setdefault(max(owners, key=lambda key: len(str(key))), []).append(table)
    pictures = []
    for key, path in chosen.items():
        name = str(path.relative_to(folder).with_suffix(""))
        pictures.append(
            Picture(
                path=path,
                name=name,
                caption=_caption(path) or words_of(path.stem),
                chapter=chapter_of(name),
                numbers=tuple(of_drawing.get(key, ())),
            )
        )
    return tuple(pictures), frozenset(t for tables in of_drawing.values() for t in tables)


def _caption(path: Path) -> str:
    if path.suffix != ".png":
        return ""
    try:
        with Image.open(path) as image:
            return str(image.info.get(CAPTION_KEY, ""))
    except (OSError, UnidentifiedImageError):
        return ""


def _tables(files: Iterable[Path], folder: Path) -> Iterator[StoredTable]:
    for file in files:
        if file.suffix not in (".parquet", ".csv"):
            continue
        about: Mapping[str, Any] = {}
        if file.with_suffix(".json").is_file():
            try:
                about = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
            except ValueError:
                logger.warning("%s is not valid JSON", file.with_suffix(".json"))
        name = str(file.relative_to(folder))
        made_by = TABLES[file.stem].made_by.split()[0] if file.stem in TABLES else name
        yield StoredTable(path=file, name=name, chapter=chapter_of(made_by), about=about)


def _name(path: Path, folder: Path) -> str:
    return path.name if path == folder else str(path.relative_to(folder))


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """How a run was made.

    Attributes:
        flags: of args.yaml; empty if it is damaged.
        start: what is known of its last start; empty if nothing is.
        num_epochs: that finished; 0: unknown.
    """

    flags: Mapping[str, Any]
    start: Mapping[str, Any]
    num_epochs: int


def configuration_of(run: RunDir) -> Configuration:
    """How `run` was made, as far as its files can be read."""
    flags = _or_empty(run.read_args)
    starts = _or_empty(run.read_provenance).get("starts") or [{}]
    epochs = _or_empty(lambda: {"epochs": run.read_history()}).get("epochs", ())
    return Configuration(flags=flags, start=starts[-1], num_epochs=len(epochs))


def _or_empty(read: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return read()
    except UserError:
        return {}
