"""The known mice: where their recordings lie, and on which screen they saw their movies."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from viv1t.data.archive import extract_session
from viv1t.errors import ConfigError, DataError, UserError
from viv1t.names import MouseId
from viv1t.registry import unknown_name
from viv1t.units import DEFAULT_MONITOR, FPS, MAX_FRAMES, SKIP_FRAMES, Monitor
from viv1t.utils.files import read_yaml

_HASH_1: Final = "8744edeac3b4d1ce16b680916b5267ce"
_HASH_2: Final = "9b4f6a1a067fe51e15306b9628efea20"

# Sensorium 2023: mouse -> (animal-session-scan, hash of the release).
SENSORIUM: Final[Mapping[MouseId, str]] = MappingProxyType(
    {
        mouse: f"dynamic{scan}-Video-{release}"
        for mouse, scan, release in (
            ("A", "29156-11-10", _HASH_1),
            ("B", "29228-2-10", _HASH_1),
            ("C", "29234-6-9", _HASH_1),
            ("D", "29513-3-5", _HASH_1),
            ("E", "29514-2-9", _HASH_1),
            ("F", "29515-10-12", _HASH_2),
            ("G", "29623-4-9", _HASH_2),
            ("H", "29647-19-8", _HASH_2),
            ("I", "29712-5-9", _HASH_2),
            ("J", "29755-2-8", _HASH_2),
        )
    }
)
ROCHEFORT: Final[Mapping[MouseId, str]] = MappingProxyType(
    {
        "K": "VIPcre232_FOV1_day1",
        "L": "VIPcre232_FOV2_day1",
        "M": "VIPcre233_FOV1_day1",
        "N": "VIPcre233_FOV2_day1",
        "O": "VT288_FOV1_day1",
        "P": "VT289_FOV1_day1",
        "K_day2": "VIPcre232_FOV1_day2",
        "L_day2": "VIPcre232_FOV2_day2",
        "L_day3": "VIPcre232_FOV2_day3",
        "L_day4": "VIPcre232_FOV2_day4",
        "M_day2": "VIPcre233_FOV1_day2",
        "N_day2": "VIPcre233_FOV2_day2",
    }
)
_ROCHEFORT_MONITOR: Final = Monitor(width_cm=51.0, height_cm=29.0, distance_cm=20.0)
_MONITOR_KEYS: Final = ("width_cm", "height_cm", "distance_cm")
_FRAME_KEYS: Final = ("skip_frames", "max_frames")


@dataclass(frozen=True, kw_only=True)
class Mouse:
    """Where a recording lies and what its files do not say.

    Attributes:
        id: the name of the mouse in flags, files and tables.
        folder: the session folder.
        monitor: the screen; its pixel counts are those of the stored movie.
        fps: frames (and response samples) per second.
        video_px: (h, w) of the stored movie, or None: as the files say.
        skip_frames: frames at the start of a trial that are never scored.
        max_frames: frames of a trial that are used at most.
    """

    id: MouseId
    folder: Path
    monitor: Monitor
    fps: float = FPS
    video_px: tuple[int, int] | None = None
    skip_frames: int = SKIP_FRAMES
    max_frames: int = MAX_FRAMES


def find_mice(data_dir: Path) -> dict[MouseId, Mouse]:
    """All known mice by id: the built-in table, extended or overridden by mice.yaml.

    The recordings themselves need not exist.

    Args:
        data_dir: the folder that holds the recordings and, if there is one, mice.yaml.

    Raises:
        DataError: mice.yaml has an unknown key, lacks one, or holds a value that cannot be.
    """
    mice = _built_in(data_dir)
    for mouse_id, entry in _entries(data_dir).items():
        mice[mouse_id] = _from_entry(mouse_id, entry, data_dir, mice.get(mouse_id))
    return mice


def choose_mice(data_dir: Path, mouse_ids: Sequence[MouseId] | None) -> tuple[Mouse, ...]:
    """The mice of a run, in the order asked for; zipped sessions are unpacked beside the zip.

    Args:
        data_dir: the folder that holds the recordings.
        mouse_ids: the ids; None: all of mice.yaml, else those of A-J that are on disk.

    Raises:
        ConfigError: an id is unknown or given twice.
        DataError: there is no data folder, no mouse in it, or a mouse has no session.
    """
    if not data_dir.is_dir():
        raise DataError(
            f"the data folder {data_dir} does not exist; give another --data_dir, write synthetic "
            "recordings (data/make_synthetic.py) or download some (data/download_GIN.py)"
        )
    mice = find_mice(data_dir)
    if mouse_ids is None:
        mouse_ids = tuple(_entries(data_dir)) or tuple(m for m in SENSORIUM if is_on_disk(mice[m]))
    if not mouse_ids:
        raise DataError(
            f"found no mouse in {data_dir}: looked for {data_dir / 'mice.yaml'} and for the "
            f"sessions of mice A-J, as folder or .zip, in {data_dir / 'sensorium'} (for example "
            f"{mice['A'].folder.name})"
        )
    for mouse_id in mouse_ids:
        if mouse_id not in mice:
            raise unknown_name("mouse", mouse_id, mice)
    if len(set(mouse_ids)) < len(mouse_ids):
        raise ConfigError(f"--mouse_ids names a mouse twice: {' '.join(mouse_ids)}")
    return tuple(_unpacked(mice[mouse_id]) for mouse_id in mouse_ids)


def _built_in(data_dir: Path) -> dict[MouseId, Mouse]:
    tables = (
        (SENSORIUM, "sensorium", DEFAULT_MONITOR),
        (ROCHEFORT, "rochefort-lab", _ROCHEFORT_MONITOR),
    )
    return {
        mouse_id: Mouse(id=mouse_id, folder=data_dir / parent / name, monitor=monitor)
        for table, parent, monitor in tables
        for mouse_id, name in table.items()
    }


def _archive(mouse: Mouse) -> Path:
    return mouse.folder.parent / f"{mouse.folder.name}.zip"


def is_on_disk(mouse: Mouse) -> bool:
    """True if the session is there, as a folder or as a zip beside it."""
    return mouse.folder.is_dir() or _archive(mouse).is_file()


def _unpacked(mouse: Mouse) -> Mouse:
    if not is_on_disk(mouse):
        raise DataError(
            f"mouse {mouse.id} has no session: looked for the folder {mouse.folder} and for "
            f"{_archive(mouse).name} beside it"
        )
    if not mouse.folder.is_dir():
        extract_session(_archive(mouse), mouse.folder)
    return mouse


def _entries(data_dir: Path) -> dict[MouseId, dict[str, Any]]:
    """The `mice` mapping of mice.yaml, empty if there is no such file."""
    path = data_dir / "mice.yaml"
    if not path.is_file():
        return {}
    try:
        values = read_yaml(path)
    except UserError as error:
        raise DataError(str(error)) from error
    _check_keys(values, ("schema", "mice"), required=("schema", "mice"), where=str(path))
    if values["schema"] != 1:
        raise DataError(f"{path}: schema should be 1, found {values['schema']!r}")
    mice = values["mice"]
    if not isinstance(mice, dict) or not mice:
        raise DataError(f"{path}: mice should map at least one id to its entry, found {mice!r}")
    return {str(mouse_id): entry for mouse_id, entry in mice.items()}


def _check_keys(
    values: object, known: Sequence[str], *, required: Sequence[str], where: str
) -> None:
    if not isinstance(values, dict):
        raise DataError(f"{where} should be a mapping with the keys {', '.join(known)}")
    for key in values:
        if key not in known:
            raise DataError(f"{where}: {unknown_name('key', str(key), known)}")
    for key in required:
        if key not in values:
            raise DataError(f"{where} lacks the key {key!r} (required: {', '.join(required)})")


def _from_entry(mouse_id: MouseId, entry: object, data_dir: Path, base: Mouse | None) -> Mouse:
    where = f"{data_dir / 'mice.yaml'}: mouse {mouse_id}"
    if not re.fullmatch(r"[A-Za-z0-9_-]+", mouse_id):
        raise DataError(f"{where}: an id has letters, digits, - and _ only")
    known = ("folder", "fps", "video_px", "monitor", *_FRAME_KEYS)
    _check_keys(entry, known, required=() if base else ("folder", "monitor"), where=where)
    assert isinstance(entry, dict)
    values: dict[str, Any] = {}
    if "folder" in entry:
        values["folder"] = data_dir / str(entry["folder"])
    if "monitor" in entry:
        _check_keys(
            entry["monitor"], _MONITOR_KEYS, required=_MONITOR_KEYS, where=f"{where}, monitor"
        )
        sizes = [_positive(entry["monitor"][k], f"{where}, monitor: {k}") for k in _MONITOR_KEYS]
        values["monitor"] = Monitor(width_cm=sizes[0], height_cm=sizes[1], distance_cm=sizes[2])
    if "fps" in entry:
        values["fps"] = _positive(entry["fps"], f"{where}: fps")
    if "video_px" in entry:
        values["video_px"] = _video_px(entry["video_px"], where)
    for key in _FRAME_KEYS:
        if key in entry:
            values[key] = _whole(entry[key], f"{where}: {key}")
    mouse = replace(base, **values) if base else Mouse(id=mouse_id, **values)
    if mouse.max_frames <= mouse.skip_frames:
        raise DataError(
            f"{where}: max_frames ({mouse.max_frames}) must exceed skip_frames "
            f"({mouse.skip_frames})"
        )
    return mouse


def _positive(value: object, where: str) -> float:
    if type(value) not in (int, float) or not 0 < value < math.inf:  # type: ignore[operator]
        raise DataError(f"{where} should be a positive number, found {value!r}")
    return float(value)  # type: ignore[arg-type]


def _whole(value: object, where: str) -> int:
    if type(value) is not int or value < 0:
        raise DataError(f"{where} should be a whole number of frames, found {value!r}")
    return value


def _video_px(value: object, where: str) -> tuple[int, int]:
    whole = isinstance(value, list) and all(type(v) is int and v > 0 for v in value)
    if not whole or len(value) != 2:  # type: ignore[arg-type]
        raise DataError(f"{where}: video_px should be [height, width] in pixels, found {value!r}")
    return (value[0], value[1])  # type: ignore[index]
