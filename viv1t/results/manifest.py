"""What a figure compares: models, recordings and the truth, named by the user."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from viv1t.errors import ConfigError
from viv1t.utils.files import read_yaml

Kind: TypeAlias = Literal["model", "recorded", "truth"]

RECORDED: Final = "recorded"
TRUTH: Final = "truth"
KEYS: Final = ("label", "folder", "colour")


@dataclass(frozen=True, kw_only=True)
class Source:
    """One side of a comparison.

    Attributes:
        label: its name in figures.
        path: the folder with its tables.
        kind: recordings and the truth have fixed colours; models have theirs in order.
        colour: the user's own, as matplotlib knows it; None: that of the house style.
    """

    label: str
    path: Path
    kind: Kind = "model"
    colour: str | None = None


def open_compare(
    entries: Sequence[str] | None,
    output_dir: Path,
    data_dir: Path | None = None,
    *,
    with_recorded: bool = False,
) -> list[Source]:
    """What to compare, in the order of the user: each source once, all folders there.

    An entry is a folder (its name is the label), `label=folder`, `recorded` (the data folder) or
    a YAML file that lists sources, with folders seen from where the command runs:

        sources:
          - {label: ViViT, folder: runs/demo/vivit, colour: "#0072B2"}
          - runs/demo/ln
          - recorded

    A source called "recorded" or "truth" is drawn as such.

    Args:
        entries: `--compare` as it was given; None or empty: `output_dir` alone.
        output_dir: the folder of the script.
        data_dir: the folder with the recordings; None: there are none.
        with_recorded: without entries, compare `output_dir` with the recordings.

    Raises:
        ConfigError: a folder that is not there, a label used twice, or a YAML file in another form.
        MissingResultError: a YAML file that is not there.
    """
    if not entries:
        entries = [str(output_dir)]
        if data_dir is not None and with_recorded and not _is_same(output_dir, data_dir):
            entries = [*entries, RECORDED]
    sources: list[Source] = []
    for entry in entries:
        if entry.endswith((".yaml", ".yml")):
            sources += _of_file(Path(entry), data_dir)
        else:
            sources.append(_of_text(entry, data_dir, where=f"--compare {entry}"))
    labels = [source.label for source in sources]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise ConfigError(
            f"--compare names {', '.join(twice)} more than once: give each folder a label of its "
            "own, as in --compare first=runs/a second=runs/b"
        )
    return sources


def _of_file(path: Path, data_dir: Path | None) -> list[Source]:
    entries = read_yaml(path).get("sources")
    if not isinstance(entries, list) or not entries:
        raise ConfigError(
            f"{path} should hold a list of sources: 'sources: [{{label: A, folder: runs/a}}, "
            "recorded]'"
        )
    return [_of_yaml(entry, data_dir, where=f"{path}, source {entry}") for entry in entries]


def _of_yaml(entry: Any, data_dir: Path | None, *, where: str) -> Source:  # noqa: ANN401
    if isinstance(entry, str):
        return _of_text(entry, data_dir, where=where)
    if not isinstance(entry, Mapping) or "folder" not in entry or not set(entry) <= set(KEYS):
        raise ConfigError(f"{where}: expected a folder, or a mapping of {', '.join(KEYS)}")
    folder = str(entry["folder"])
    label = str(entry.get("label") or _of_text(folder, data_dir, where=where).label)
    colour = entry.get("colour")
    return _source(label, folder, data_dir, where, None if colour is None else str(colour))


def _of_text(entry: str, data_dir: Path | None, *, where: str) -> Source:
    label, equals, folder = entry.partition("=")
    if not equals or Path(entry).is_dir():
        label, folder = (entry if entry == RECORDED else Path(entry).resolve().name), entry
    return _source(label, folder, data_dir, where)


def _source(
    label: str, folder: str, data_dir: Path | None, where: str, colour: str | None = None
) -> Source:
    """The source; `folder` may be the word "recorded"."""
    path = Path(folder)
    if folder == RECORDED:
        if data_dir is None:
            raise ConfigError(f"{where}: no folder of recordings is known here; name one")
        path = data_dir
    if not label:
        raise ConfigError(f"{where}: expected label=folder, found no label")
    if not folder or not path.is_dir():
        raise ConfigError(f"{where}: no folder {path.absolute()}; name one that holds results")
    is_recorded = data_dir is not None and _is_same(path, data_dir)
    kind: Kind = RECORDED if is_recorded or label == RECORDED else "model"
    return Source(label=label, path=path, kind=TRUTH if label == TRUTH else kind, colour=colour)


def _is_same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()
