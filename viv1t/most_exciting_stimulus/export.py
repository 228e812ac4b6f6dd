"""Sets of stimuli as a rig takes them: frames on disk, a manifest, and proof that both agree."""

import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from tqdm import tqdm

from viv1t.config.flags import check
from viv1t.errors import ConfigError, DataError
from viv1t.most_exciting_stimulus.library import COLUMNS, POPULATION, Library, scores
from viv1t.most_exciting_stimulus.manifest import (
    NAME,
    Manifest,
    RigTiming,
    ShownStimulus,
    centre_deg,
    read_manifest,
    write_manifest,
)
from viv1t.names import MouseId
from viv1t.units import Monitor
from viv1t.utils.files import write_npy

logger = logging.getLogger(__name__)

FrameFormat: TypeAlias = Literal["npy", "png"]
FORMATS: Final[tuple[FrameFormat, ...]] = ("npy", "png")
OTHER: Final = "ME"
_CENTRE_NUMBER: Final = re.compile(r"^(G?CS)\d{3}")

# (centre, centre_motion, for the population) -> prefix of the published names.
_PREFIXES: Final[Mapping[tuple[str, str, bool], str]] = MappingProxyType(
    {
        ("grating", "dynamic", False): "GCS",
        ("natural", "static", False): "CS",
        ("natural", "static", True): "CS",
    }
)
# Number of the exciting stimulus with this surround; the inhibiting one comes next, the centre
# alone is 0.
_SURROUNDS: Final[Mapping[str, Mapping[tuple[str, str], int]]] = MappingProxyType(
    {
        "GCS": {
            ("grating", "dynamic"): 1,
            ("natural", "dynamic"): 3,
            ("generated", "dynamic"): 5,
        },
        "CS": {
            ("natural", "static"): 1,
            ("natural", "dynamic"): 3,
            ("generated", "static"): 5,
            ("generated", "dynamic"): 7,
        },
    }
)
# Stimuli without a centre, for the population: likewise.
_FULL: Final[Mapping[tuple[str, str], int]] = MappingProxyType(
    {
        ("full_natural", "static"): 0,
        ("full_natural", "dynamic"): 2,
        ("full_generated", "static"): 4,
        ("full_generated", "dynamic"): 6,
    }
)


def published_name(row: Mapping[str, Any]) -> str | None:
    """The name that the paper's recordings give to a stimulus of this kind; None: it has none.

    GCS000_N012 is the grating centre of neuron 12, with grating surrounds in 001 and 002, natural
    videos in 003 and 004, generated ones in 005 and 006; CS000_N012 a natural image as the centre,
    with natural images (001, 002) and videos (003, 004) and generated images (005, 006) and videos
    (007, 008) around it. The first of each pair excites, the second inhibits. CS000 to CS008 are
    those of the population; FF000 to FF007 fill the screen for the population: natural images,
    natural videos, generated images, generated videos. A name CM000 stays as it is.
    """
    name, neuron = str(row["stimulus"]), int(row["neuron"])
    if name[:2] == "CM" and name[2:].isdigit():
        return name
    is_population, centre = neuron == POPULATION, (row["centre"], row["centre_motion"])
    inhibits = int(row["goal"] == "inhibit")
    if is_population and centre in _FULL and row["surround"] == "none":
        return f"FF{_FULL[centre] + inhibits:03d}"
    prefix = _PREFIXES.get((*centre, is_population))
    if prefix is None:
        return None
    suffix = "" if is_population else f"_N{neuron:03d}"
    if row["surround"] == "none":
        return None if inhibits else f"{prefix}000{suffix}"
    number = _SURROUNDS[prefix].get((row["surround"], row["surround_motion"]))
    return None if number is None else f"{prefix}{number + inhibits:03d}{suffix}"


def export_names(table: pd.DataFrame, *, everything: bool = False) -> dict[int, str]:
    """Row of the table -> name in the exported set, in the order of the names.

    Of several stimuli of one name the best is taken, that of the largest value (to inhibit: the
    smallest).

    Args:
        table: of a library, of one mouse.
        everything: stimuli without a published name, and those that were not the best, are
            exported as well, as ME000_N012, ME001_N012, ... (population: ME000, ...).
    """
    table = table.reset_index(drop=True)
    rows = table.to_dict("records")
    published = pd.Series([published_name({str(k): v for k, v in row.items()}) for row in rows])
    best = scores(table)[published.notna()].groupby(published).idxmax()
    names = {int(row): str(name) for name, row in best.sort_index().items()}
    if everything:
        counts: Counter[int] = Counter()
        for row, neuron in enumerate(table["neuron"].astype(int)):
            if row not in names:
                suffix = "" if neuron == POPULATION else f"_N{neuron:03d}"
                names[row] = f"{OTHER}{counts[neuron]:03d}{suffix}"
                counts[neuron] += 1
    return names


def export_stimuli(
    folder: Path,
    library: Library,
    *,
    mouse_id: MouseId,
    monitor: Monitor,
    timing: RigTiming,
    formats: Sequence[FrameFormat] = FORMATS,
    everything: bool = False,
    progress: bool = False,
) -> Path:
    """The manifest of the set that was written to `folder`, read back and checked.

    Frames are rounded to whole grey values. As .npy they are one array (t, h, w) uint8 a stimulus,
    as PNG a folder of lossless frames, frame000.png first; the manifest names the first of
    `formats`. Files of another set in the folder stay.

    Args:
        folder: of the set.
        library: stimuli of this mouse; others are left out.
        mouse_id: the mouse.
        monitor: its screen.
        timing: of a block.
        formats: "npy", "png" or both.
        everything: see `export_names`.
        progress: show a progress bar.

    Raises:
        ConfigError: no stimulus is left, or frames do not fit the screen or the timing.
        DataError: a file does not read as it was written.
    """
    check(bool(formats) and set(formats) <= set(FORMATS), f"--formats: {', '.join(FORMATS)}")
    library = library.of((library.table["mouse"] == mouse_id).to_numpy(bool))
    names = export_names(library.table, everything=everything)
    if not names:
        raise ConfigError(
            f"none of {len(library)} stimuli of mouse {mouse_id} is of a kind with a published "
            "name; --everything exports them all"
        )
    _warn_of_other_centres(library, names, monitor)
    folder = Path(folder)
    shown = []
    for row, name in tqdm(
        names.items(), desc=f"mouse {mouse_id}", unit="stimulus", disable=not progress
    ):
        frames = grey_bytes(library.frames(row))
        wanted = (timing.stimulus, monitor.height_px, monitor.width_px)
        if frames.shape != wanted:
            raise ConfigError(
                f"{name} has frames (t, h, w) of shape {frames.shape}, the timing and the screen "
                f"ask for {wanted}: export libraries of other shapes one by one, with --stimuli"
            )
        files = [_write_frames(folder, name, frames, kind) for kind in formats]
        entry = {str(key): value for key, value in library.table.iloc[row].items()}
        shown.append(_described(name, entry, frames, files[0], monitor))
    manifest = Manifest(mouse=mouse_id, monitor=monitor, timing=timing, stimuli=tuple(shown))
    path = write_manifest(folder / NAME, manifest)
    check_export(folder)
    return path


def _warn_of_other_centres(library: Library, names: Mapping[int, str], monitor: Monitor) -> None:
    """Say which surrounds do not lie around the centre that is exported with them.

    The inner half of discs is compared, where edges that are soft do not reach.
    """
    row_of = {name: row for row, name in names.items()}
    for row, name in names.items():
        alone = row_of.get(_CENTRE_NUMBER.sub(r"\g<1>000", name))
        about = library.table.iloc[row]
        if alone in (None, row) or about["surround"] == "none":
            continue
        place = (about["centre_x_px"], about["centre_y_px"])
        if not np.isfinite([*place, about["size_deg"]]).all():
            continue
        inside = monitor.disc(about["size_deg"] / 2, centre_px=place)
        shown, other = (library.frames(k) for k in (row, alone))
        if shown.shape != other.shape or np.abs(shown - other)[:, inside].max(initial=0) > 1:
            logger.warning(
                "%s (%s/%s) has another centre than %s: compare its responses with those of its "
                "own centre",
                *(name, about["library"], about["stimulus"], names[alone]),
            )


def grey_bytes(frames: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Grey values as whole numbers, 0..255."""
    return np.rint(np.clip(frames, 0, 255)).astype(np.uint8)


def frames_digest(frames: NDArray[np.uint8]) -> str:
    """SHA-256 of frames (t, h, w), in C order."""
    return sha256(np.ascontiguousarray(frames, np.uint8).tobytes()).hexdigest()


def read_frames(path: Path) -> NDArray[np.uint8]:
    """The frames (t, h, w) in an .npy file, or in a folder of PNG files.

    Raises:
        DataError: there is no such file, or it holds something else.
    """
    try:
        if path.is_dir():
            frames = np.stack([_read_png(file) for file in sorted(path.glob("frame*.png"))])
        else:
            frames = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, UnidentifiedImageError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path} holds no frames of a stimulus ({reason}); export it again"
        ) from error
    if frames.dtype != np.uint8 or frames.ndim != 3:
        raise DataError(
            f"{path} should hold uint8 frames (t, h, w), found {frames.dtype} of shape "
            f"{frames.shape}; export it again"
        )
    return frames


def check_export(folder: Path) -> Manifest:
    """The manifest of an exported set all of whose frames are as it says, in every format.

    Raises:
        MissingResultError: there is no manifest.
        DataError: the manifest, or a file of frames, is damaged or missing; the message names it.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    screen = manifest.monitor
    wanted = (manifest.timing.stimulus, screen.height_px, screen.width_px)
    for stimulus in manifest.stimuli:
        others = (folder / f"{stimulus.name}.npy", folder / stimulus.name)
        files = {folder / stimulus.file, *(path for path in others if path.exists())}
        for path in sorted(files):
            frames = read_frames(path)
            if frames.shape != wanted:
                raise DataError(
                    f"{path}: expected frames (t, h, w) of shape {wanted} by {folder / NAME}, "
                    f"found {frames.shape}; export them again"
                )
            if frames_digest(frames) != stimulus.sha256:
                raise DataError(
                    f"{path}: the frames differ from those that {folder / NAME} describes "
                    f"(sha256 {stimulus.sha256[:12]}...); export them again"
                )
    return manifest


def read_blocks(folder: Path) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """(name, frames (t, h, w) with the grey before and after) of each stimulus of a set."""
    manifest = read_manifest(folder)
    timing = manifest.timing
    around = ((timing.grey_before, timing.grey_after), (0, 0), (0, 0))
    for stimulus in manifest.stimuli:
        frames = read_frames(Path(folder) / stimulus.file)
        yield stimulus.name, np.pad(frames, around, constant_values=round(timing.grey))


def _read_png(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        if image.mode != "L":
            raise ValueError(f"{path.name} is no grey picture of 8 bits, its mode is {image.mode}")
        return np.array(image, dtype=np.uint8)


def _number(file: Path) -> int:
    return int(file.stem.removeprefix("frame"))


def _write_frames(folder: Path, name: str, frames: NDArray[np.uint8], kind: FrameFormat) -> str:
    """The file, relative to the folder, to which frames were written."""
    if kind == "npy":
        write_npy(folder / f"{name}.npy", frames)
        return f"{name}.npy"
    stale = [file for file in (folder / name).glob("frame*.png") if _number(file) >= len(frames)]
    if stale:
        raise DataError(f"{stale[0]} is of a longer stimulus: export to another folder")
    (folder / name).mkdir(parents=True, exist_ok=True)
    # Not one by one to disk: the manifest, which comes last, vouches for them.
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / name / f"frame{number:03d}.png")
    return name


def _described(
    name: str, row: Mapping[str, Any], frames: NDArray[np.uint8], file: str, monitor: Monitor
) -> ShownStimulus:
    """What the manifest says of a stimulus."""
    plain = {n: row[n].item() if hasattr(row[n], "item") else row[n] for n in COLUMNS}
    own: dict[str, Any] = {f.name: plain[f.name] for f in fields(ShownStimulus) if f.name in plain}
    for key in ("value", "size_deg", "outer_deg"):
        own[key] = plain[key] if np.isfinite(plain[key]) else None
    own["rms"] = round(float(plain["rms"]), 4)
    return ShownStimulus(
        name=name,
        file=file,
        sha256=frames_digest(frames),
        centre_deg=centre_deg(monitor, plain["centre_x_px"], plain["centre_y_px"]),
        mean_luminance=round(float(frames.mean()), 4),
        library=str(row["library"]),
        **own,
    )
