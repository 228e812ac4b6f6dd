"""What a rig shows: an exported set of stimuli, described in manifest.yaml."""

import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from viv1t.errors import DataError
from viv1t.names import MouseId
from viv1t.units import GREY, Monitor
from viv1t.utils.files import write_yaml
from viv1t.utils.yaml_lines import YamlLines

SCHEMA_VERSION: Final = 1
NAME: Final = "manifest.yaml"
GAMMA: Final = (
    "Grey values 0..255 as in the recorded movies: show them on the same screen, with the gamma "
    "table of those movies and the movie stretched over the whole screen."
)
SHA256_LENGTH: Final = 64


@dataclass(frozen=True, kw_only=True)
class RigTiming:
    """The course of one block, in frames: grey, the stimulus, grey.

    Attributes:
        fps: frames per second.
        grey_before: frames of grey before the stimulus.
        stimulus: frames of the stimulus.
        grey_after: frames of grey after it.
        grey: the grey value of blank frames, 0..255.
    """

    fps: float
    stimulus: int
    grey_before: int = 15
    grey_after: int = 15
    grey: float = float(GREY)

    def __post_init__(self) -> None:
        if not (self.fps > 0 and self.stimulus > 0 and 0 <= self.grey <= 255):
            raise DataError(f"fps and stimulus should be positive, grey 0..255, got {self}")
        if min(self.grey_before, self.grey_after) < 0:
            raise DataError(f"grey_before and grey_after should be 0 or more, got {self}")

    @property
    def block_frames(self) -> int:
        """Frames of a block."""
        return self.grey_before + self.stimulus + self.grey_after

    @property
    def window(self) -> slice:
        """The frames of a block at which the stimulus is on."""
        return slice(self.grey_before, self.grey_before + self.stimulus)


@dataclass(frozen=True, kw_only=True)
class ShownStimulus:
    """A stimulus of the set; what a library says of it stands under the same names.

    Attributes:
        name: unique in the set: as published where `export.published_names` knows one.
        file: its frames, relative to the manifest: an .npy file, or a folder of PNG files.
        sha256: of the frames (t, h, w) uint8, in C order.
        neuron: row of the mouse for which it was made; -1: the population.
        centre: what is inside the disc: none, grating, natural, generated, full_...
        surround: none, grating, natural or generated.
        centre_motion: none, static or dynamic.
        surround_motion: none, static or dynamic.
        goal: excite, inhibit or none.
        seed: -1: nothing random.
        value: the predicted response (objective) of what made it; None: unknown.
        converged: whether its making had converged.
        contrast_matched: whether its contrast was set to that of others.
        centre_deg: (x, y) of the disc in degrees from the screen centre, right and up positive;
            None: no disc.
        size_deg: diameter of the disc; None: no disc.
        outer_deg: diameter beyond which the screen is grey; None: no such limit.
        mean_luminance: mean grey value of the frames, whole screen.
        rms: RMS contrast in grey values, over what of the screen is not fixed.
        source: where it comes from, in words; of contextual gratings it begins with the condition,
            low_centre ... high_cross.
        library: the library it was taken from.
        stimulus: its name there.
    """

    name: str
    file: str
    sha256: str
    neuron: int
    centre: str
    surround: str
    centre_motion: Literal["none", "static", "dynamic"]
    surround_motion: Literal["none", "static", "dynamic"]
    goal: Literal["excite", "inhibit", "none"]
    seed: int
    value: float | None
    converged: bool
    contrast_matched: bool
    centre_deg: tuple[float, float] | None
    size_deg: float | None
    outer_deg: float | None
    mean_luminance: float
    rms: float
    source: str = ""
    library: str = ""
    stimulus: str = ""

    def __post_init__(self) -> None:
        path = Path(self.file)
        if path.is_absolute() or ".." in path.parts or not self.file:
            raise DataError(f"file should lie in the folder of the manifest, got {self.file!r}")
        if len(self.sha256) != SHA256_LENGTH or set(self.sha256) - set("0123456789abcdef"):
            raise DataError(f"sha256 should be {SHA256_LENGTH} hexadecimal digits in lower case")


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """An exported set of stimuli.

    Attributes:
        mouse: for which it was made.
        monitor: the screen, with the pixels of the frames.
        timing: of a block; the same for all stimuli.
        stimuli: in order; names differ.
        gamma: a note for those who set up the screen.
        schema: version of the file.
    """

    mouse: MouseId
    monitor: Monitor
    timing: RigTiming
    stimuli: tuple[ShownStimulus, ...]
    gamma: str = GAMMA
    schema: int = SCHEMA_VERSION

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the stimuli, in order."""
        return tuple(stimulus.name for stimulus in self.stimuli)


def write_manifest(path: Path, manifest: Manifest) -> Path:
    """The path, to which `manifest` was written, whole or not at all."""
    write_yaml(Path(path), _plain(asdict(manifest)))
    return Path(path)


def read_manifest(path: Path) -> Manifest:
    """The manifest in a file, or in manifest.yaml of a folder; every value is checked.

    Raises:
        MissingResultError: there is no such file.
        DataError: a value is missing, unknown or of another type: the message names file and line.
    """
    path = Path(path)
    return manifest_of(YamlLines(path / NAME if path.is_dir() else path))


def manifest_of(file: YamlLines, besides: Collection[str] = ()) -> Manifest:
    """The manifest in an open YAML file.

    Args:
        file: the file.
        besides: keys of the file that are not those of a manifest, and that others read.

    Raises:
        DataError: see `read_manifest`.
    """
    schema = file.values.get("schema")
    if schema != SCHEMA_VERSION:
        raise file.error(
            ("schema",),
            f"schema should be {SCHEMA_VERSION}, found {schema}: written by another version",
        )
    stimuli: dict[str, ShownStimulus] = {}
    for where in file.items(("stimuli",)):
        stimulus = file.fields(where, ShownStimulus)
        if stimulus.name in stimuli:
            raise file.error((*where, "name"), f"{stimulus.name} stands here a second time")
        stimuli[stimulus.name] = stimulus
    if not stimuli:
        raise file.error(("stimuli",), "stimuli should name at least one stimulus")
    return file.fields(
        (),
        Manifest,
        besides=besides,
        monitor=file.fields(("monitor",), Monitor),
        timing=file.fields(("timing",), RigTiming),
        stimuli=tuple(stimuli.values()),
    )


def centre_deg(monitor: Monitor, x_px: float, y_px: float) -> tuple[float, float] | None:
    """(x, y) of a pixel in degrees of visual angle along each axis from the screen centre.

    Right and up are positive. The centres of the first and last pixel lie equally far from that of
    the screen. None where a coordinate is NaN.
    """
    if not (math.isfinite(x_px) and math.isfinite(y_px)):
        return None
    right = x_px - (monitor.width_px - 1) / 2
    up = (monitor.height_px - 1) / 2 - y_px
    x, y = (
        math.degrees(math.atan(px * monitor.cm_per_px / monitor.distance_cm)) for px in (right, up)
    )
    return round(x, 3), round(y, 3)


def _plain(value: Any) -> Any:  # noqa: ANN401
    """`value` with lists for tuples, as YAML has them."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
