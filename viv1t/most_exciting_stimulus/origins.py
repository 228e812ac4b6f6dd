"""What searches found, as a centre that stays, a start of an ascent, or a contrast to match."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viv1t.errors import DataError, MissingResultError
from viv1t.most_exciting_stimulus.library import Library, read_libraries, scores
from viv1t.most_exciting_stimulus.neurons import Target
from viv1t.names import MouseId

# Places and sizes are equal within this.
_CLOSE: Final = 1e-3


@dataclass(frozen=True, kw_only=True)
class Found:
    """A stimulus that a search found.

    Attributes:
        frames: (t, h, w) as shown.
        rms: its RMS contrast in the pixels that were free.
        mean: its mean grey value there.
        name: library and stimulus.
        source: where it comes from, in words.
    """

    frames: NDArray[np.float32]
    rms: float
    mean: float
    name: str
    source: str = ""


class Origins:
    """The natural and grating stimuli of a mouse, in all libraries of a folder of results.

    Args:
        output_dir: the folder of results.
        mouse_id: the mouse.
        num_frames: frames of a stimulus.
    """

    def __init__(self, output_dir: Path, mouse_id: MouseId, num_frames: int) -> None:
        self.output_dir = Path(output_dir)
        self.mouse_id = mouse_id
        self.num_frames = num_frames
        self.library: Library | None = None
        try:
            library = read_libraries(self.output_dir, mouse_ids=[mouse_id])
        except MissingResultError:
            return
        of_mouse = library.table["mouse"].to_numpy() == mouse_id
        self.library = library.of(of_mouse)

    def best(self, target: Target, *, sized: bool = True, **kind: str) -> Found | None:
        """The best stimulus of a kind for a target, not contrast-matched; None: there is none.

        Stimuli of another number of frames are left out, if there are others.

        Args:
            target: for whom; with its place, and where `sized` its size.
            sized: the stimulus has a centre of the size of the target's.
            kind: columns of the library and their values; several are joined by "|".
        """
        if self.library is None:
            return None
        table = self.library.table
        chosen = (table["neuron"] == target.neuron) & ~table["contrast_matched"]
        for column, value in kind.items():
            chosen &= table[column].isin(value.split("|"))
        if sized:
            chosen &= (table["size_deg"] - target.size_deg).abs() < _CLOSE
            if target.centre_px is not None:
                for column, place in zip(
                    ("centre_x_px", "centre_y_px"), target.centre_px, strict=True
                ):
                    chosen &= (table[column] - place).abs() < _CLOSE
        rows = np.flatnonzero(chosen.to_numpy(bool))
        order = np.argsort(-scores(table.iloc[rows]).to_numpy(), kind="stable")
        lengths = {}
        for row in rows[order].tolist():
            about, frames = table.iloc[row], self.library.frames(row)
            name = f"{about['library']}/{about['stimulus']}"
            if len(frames) == self.num_frames:
                break
            lengths[name] = len(frames)
        else:
            if not lengths:
                return None
            name, length = next(iter(lengths.items()))
            raise DataError(
                f"{name} in {self.output_dir} has {length} frames, stimuli to generate have "
                f"{self.num_frames}: set --num_frames"
            )
        return Found(
            frames=frames,
            rms=float(about["rms"]),
            mean=float(about["mean"]),
            name=name,
            source=str(about["source"]),
        )

    def needed(self, target: Target, what: str, **asked: Any) -> Found:  # noqa: ANN401
        """Like `best`; a stimulus that must be there.

        Args:
            target: for whom.
            what: the stimulus in words.
            asked: as in `best`.

        Raises:
            MissingResultError: there is none; the message names the command.
        """
        found = self.best(target, **asked)
        if found is None:
            place = "the middle of the screen" if target.centre_px is None else target.centre_px
            command = " ".join(_search_of({k: str(v).split("|")[0] for k, v in asked.items()}))
            whom = " --objective population" if target.is_population else ""
            raise MissingResultError(
                f"{self.output_dir} holds no {what} for {target.name} of mouse {self.mouse_id} "
                f"({target.size_deg:g} degrees at {place}, {self.num_frames} frames); search for "
                f"it with: python most_exciting_stimulus/{command} --output_dir {self.output_dir}"
                f"{whom}"
            )
        return found


def _search_of(kind: Mapping[str, str]) -> Iterator[str]:
    """The script that searches for a kind of stimulus, and its flags."""
    centre, surround = kind["centre"], kind.get("surround", "none")
    is_static = [kind.get(f"{name}_motion") == "static" for name in ("centre", "surround")]
    if centre.startswith("full_"):
        yield f"predict_{centre.removeprefix('full_')}_full_field.py"
    elif "grating" in (surround, centre if surround == "none" else ""):
        yield "predict_center_surround_gratings.py"
    elif surround == "none":
        yield "predict_natural_center.py"
    elif centre == "grating":
        yield "predict_natural_surround_with_grating_center.py"
    else:
        yield "predict_natural_surround.py"
    if surround == "none" and is_static[0]:
        yield "--static"
    if surround == "natural":
        flags = ("--static_center", "--static_surround")
        yield from (flag for flag, given in zip(flags, is_static, strict=True) if given)
