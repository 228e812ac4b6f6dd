"""A later day of an animal: which block of which trial showed what, and the responses to it.

A day is a folder beside that of the first day, `<first day>_day<k>`:

    natural_movies/                     movies of the first day again, in the layout of that day
    artificial_movies/data/responses/   <trial>.npy (n, blocks x frames of a block)
    session.yaml                        the manifest of the stimuli that were shown, and besides
                                        animal, day, num_neurons and blocks, see `DayFacts`

Neurons keep their rows of the first day; those that were not found again are NaN throughout.
Published sessions have no session.yaml but artificial_movies/meta/trials/video_ids.npy, text
(trial, block); their stimuli are told by the published names, see `published_names`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.data.arrays import open_array
from viv1t.data.mice import Mouse
from viv1t.data.recording import Recording
from viv1t.errors import DataError, MissingResultError
from viv1t.experiments.table import ResponseTable, tabulate
from viv1t.experiments.tally import Reduction
from viv1t.in_vivo.published_names import (
    PUBLISHED_TIMING,
    animal_of,
    published_conditions,
    read_published_blocks,
)
from viv1t.most_exciting_stimulus.library import KIND
from viv1t.most_exciting_stimulus.manifest import Manifest, RigTiming, manifest_of
from viv1t.names import MouseId
from viv1t.registry import unknown_name
from viv1t.units import Monitor
from viv1t.utils.yaml_lines import Where, YamlLines

NAME: Final = "session.yaml"
NATURAL: Final = "natural_movies"
ARTIFICIAL: Final = "artificial_movies"
# What conditions of a session say of a stimulus, besides its name.
ROLES: Final = ("neuron", *KIND, "seed", "value", "converged", "rms", "library")
_GRATING: Final = re.compile(r"(low|high)_(centre|iso|cross)\b")
_CONTRAST: Final = re.compile(r"\bcontrast ([\d.]+)")
_DIRECTION: Final = re.compile(r"\bdirection ([\d.]+)")
# Contrasts of the published gratings, where a stimulus does not state its own.
CONTRASTS: Final = (("low", 0.05), ("high", 1.0))


@dataclass(frozen=True, kw_only=True)
class DayFacts:
    """What session.yaml says beyond the manifest.

    Attributes:
        animal: that was recorded; fields of view of one animal are not independent.
        day: of the recording, as the name of the folder says; the first day is 1.
        num_neurons: rows of all responses, those of the first day.
        blocks: names of the stimuli of each trial, in the order in which they were shown.
        responses: folder of <trial>.npy, relative to the file.
    """

    animal: str
    day: int
    num_neurons: int
    blocks: tuple[tuple[str, ...], ...]
    responses: str = f"{ARTIFICIAL}/data/responses"


@dataclass(frozen=True, kw_only=True)
class Session:
    """A later day of a field of view.

    Attributes:
        folder: of the day.
        mouse: the field of view, by the id of its first day.
        facts: what session.yaml says of the day.
        monitor: the screen.
        timing: of a block.
        conditions: a row a stimulus: stimulus (its name), `ROLES` as in a library of stimuli, and
            of contextual gratings contrast, kind (see `names.SURROUND_KINDS`; of others empty) and
            direction.
    """

    folder: Path
    mouse: MouseId
    facts: DayFacts
    monitor: Monitor
    timing: RigTiming
    conditions: pd.DataFrame

    @property
    def presentations(self) -> pd.DataFrame:
        """One row a block: condition (row of `conditions`), trial, slot, onset, repeat."""
        numbers = {name: row for row, name in enumerate(self.conditions["stimulus"])}
        rows = [
            (numbers[name], trial, slot, slot * self.timing.block_frames + self.timing.grey_before)
            for trial, names in enumerate(self.facts.blocks)
            for slot, name in enumerate(names)
        ]
        table = pd.DataFrame(rows, columns=["condition", "trial", "slot", "onset"])
        return table.assign(repeat=table.groupby("condition").cumcount())

    def responses(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """(trial, responses (n, t)) in turn; neurons that were not found again are NaN.

        Raises:
            DataError: a value within a trial is missing, or a neuron is missing in some trials.
        """
        missing: NDArray[np.bool_] | None = None
        for trial in range(len(self.facts.blocks)):
            path = self._path(trial)
            values = np.array(open_array(path), dtype=np.float32)
            bad = ~np.isfinite(values)
            if missing is None:
                missing = np.asarray(bad.all(axis=1))
            wrong = np.argwhere(bad != missing[:, None])
            if len(wrong):
                neuron, frame = wrong[0]
                raise DataError(
                    f"{path}: neuron {neuron} is {values[neuron, frame]:g} in frame {frame}; a "
                    "neuron that was not found again is NaN in all trials, others in none"
                )
            yield trial, values

    def natural(self, first: Mouse) -> Recording:
        """The recording of the natural movies of the day.

        Args:
            first: the mouse of the first day, for what its files do not say.

        Raises:
            DataError: its rows are not the neurons of the first day.
        """
        recording = Recording(replace(first, folder=self.folder / NATURAL), use_packed=False)
        if recording.num_neurons != self.facts.num_neurons:
            raise DataError(
                f"{recording.folder / 'data/responses'}: responses have {recording.num_neurons} "
                f"rows, the first day in {first.folder} has {self.facts.num_neurons} neurons: one "
                "row for each of them, NaN where it was not found again"
            )
        return recording

    def _path(self, trial: int) -> Path:
        return self.folder / self.facts.responses / f"{trial}.npy"


def day_folder(first: Mouse, day: int) -> Path:
    """The folder of a later day, beside that of the first."""
    return first.folder.with_name(f"{first.folder.name.removesuffix('_day1')}_day{day}")


def read_session(first: Mouse, day: int, *, num_neurons: int) -> Session:
    """A later day, checked against its files and against the first day.

    Args:
        first: the mouse of the first day.
        day: 2, 3, ...
        num_neurons: of the first day.

    Raises:
        MissingResultError: there is no such day.
        DataError: session.yaml and the recording do not fit; the message names file and line.
    """
    folder = day_folder(first, day)
    path = folder / NAME
    if not path.is_file():
        return _published(first, day, folder, num_neurons)
    file = YamlLines(path)
    of_manifest = [field.name for field in fields(Manifest)]
    manifest = manifest_of(file, besides=[field.name for field in fields(DayFacts)])
    facts = file.fields((), DayFacts, besides=of_manifest)
    expected: tuple[tuple[str, object, object, str], ...] = (
        ("mouse", manifest.mouse, first.id, f"{folder} lies beside {first.folder}"),
        ("day", facts.day, day, f"the folder is {folder.name}: were days swapped?"),
        ("num_neurons", facts.num_neurons, num_neurons, f"as the first day in {first.folder}"),
    )
    for key, found, wanted, why in expected:
        if found != wanted:
            raise file.error((key,), f"{key} should be {wanted} ({why}), found {found}")
    _check_names(file, manifest, facts)
    session = Session(
        folder=folder,
        mouse=first.id,
        facts=facts,
        monitor=manifest.monitor,
        timing=manifest.timing,
        conditions=conditions_of(manifest),
    )
    _check_files(session, file.error)
    return session


def responses_of(session: Session) -> ResponseTable:
    """Recorded responses to the stimuli of a session; the trace shows all frames of a block."""
    return tabulate(
        session.responses(),
        conditions=session.conditions,
        presentations=session.presentations,
        on=session.timing.stimulus,
        reduction=reduction_of(session.timing),
        source="recorded",
    )


def reduction_of(timing: RigTiming) -> Reduction:
    """What is kept of the response to a block."""
    return Reduction(before=timing.grey_before, after=timing.grey_after)


def conditions_of(manifest: Manifest) -> pd.DataFrame:
    """`Session.conditions` of an exported set of stimuli."""
    rows = [asdict(stimulus) for stimulus in manifest.stimuli]
    table = pd.DataFrame(rows)
    gratings = [grating_of(row["source"]) for row in rows]
    named = pd.DataFrame(gratings, columns=["contrast", "kind", "direction"])
    roles = table[list(ROLES)].assign(value=table["value"].astype(float))
    return pd.concat([table["name"].rename("stimulus"), roles, named.astype({"kind": str})], axis=1)


def grating_of(source: str) -> tuple[float, str, float]:
    """(contrast, kind, direction) of a contextual grating from its source; NaN and "" of others.

    The source begins with low_centre ... high_cross; "contrast 0.1" and "direction 45" in it give
    these.

    Args:
        source: of a stimulus of a manifest or library.
    """
    found = _GRATING.match(source)
    if found is None:
        return np.nan, "", np.nan
    contrast, direction = _CONTRAST.search(source), _DIRECTION.search(source)
    return (
        float(contrast[1]) if contrast else dict(CONTRASTS)[found[1]],
        found[2],
        float(direction[1]) if direction else 0.0,
    )


def _check_names(file: YamlLines, manifest: Manifest, facts: DayFacts) -> None:
    shown = {name for names in facts.blocks for name in names}
    for where in file.items(("blocks",)):
        trial = int(where[-1])
        for slot, name in enumerate(facts.blocks[trial]):
            if name not in manifest.names:
                unknown = unknown_name("stimulus", name, manifest.names)
                raise file.error((*where, slot), f"trial {trial}, block {slot}: {unknown}")
    for number, name in enumerate(manifest.names):
        if name not in shown:
            raise file.error(
                ("stimuli", number, "name"),
                f"{name} is shown in no block: add the block that is missing, or take it out",
            )


def _check_files(session: Session, error: Callable[[Where, str], DataError]) -> None:
    """Raise unless the responses are those of the blocks, and of the neurons that are named."""
    facts, timing = session.facts, session.timing
    for number, neuron in enumerate(session.conditions["neuron"]):
        if neuron >= facts.num_neurons:
            name = session.conditions["stimulus"].iloc[number]
            raise error(
                ("stimuli", number, "neuron"),
                f"{name} is made for neuron {neuron}, but there are {facts.num_neurons} neurons, "
                f"0 to {facts.num_neurons - 1}: was another field of view recorded?",
            )
    for trial, names in enumerate(facts.blocks):
        path = session._path(trial)
        if not path.is_file():
            raise error(("blocks", trial), f"trial {trial} has no responses: {path} is missing")
        shape = open_array(path).shape
        if len(shape) != 2:
            raise error(("blocks", trial), f"{path} should be (neurons, frames), found {shape}")
        rows, frames = shape
        wanted = len(names) * timing.block_frames
        if frames != wanted:
            raise error(
                ("blocks", trial),
                f"trial {trial} lists {len(names)} blocks of {timing.block_frames} frames "
                f"({wanted}), but {path} holds {frames}: is a block missing?",
            )
        if rows != facts.num_neurons:
            raise error(
                ("num_neurons",),
                f"num_neurons is {facts.num_neurons}, but {path} has {rows} rows: one for each "
                "neuron of the first day, NaN where it was not found again",
            )
    found = sorted((session.folder / facts.responses).glob("*.npy"))
    if len(found) != len(facts.blocks):
        raise error(
            ("blocks",),
            f"blocks lists {len(facts.blocks)} trials, but {session.folder / facts.responses} "
            f"holds {len(found)} files: is a trial missing?",
        )


def _published(first: Mouse, day: int, folder: Path, num_neurons: int) -> Session:
    """A published session, which has no session.yaml."""
    path = folder / ARTIFICIAL / "meta/trials/video_ids.npy"
    if not path.is_file():
        raise MissingResultError(
            f"{folder / NAME} does not exist, nor does the published {path}; write one (see "
            "in_vivo_analysis/README.md), or simulate the day: python "
            f"in_vivo_analysis/simulate_session.py --mouse_ids {first.id} --day {day}"
        )
    blocks = read_published_blocks(path)
    names: Sequence[str] = sorted({name for trial in blocks for name in trial})
    session = Session(
        folder=folder,
        mouse=first.id,
        facts=DayFacts(
            animal=animal_of(folder.name), day=day, num_neurons=num_neurons, blocks=blocks
        ),
        monitor=first.monitor,
        timing=PUBLISHED_TIMING,
        conditions=published_conditions(names, mouse_id=first.id, day=day, path=path),
    )
    _check_files(session, lambda where, message: DataError(f"{path}: {message}"))
    return session
