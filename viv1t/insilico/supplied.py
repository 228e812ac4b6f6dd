"""Statistics that come from outside a run folder: a data folder, or a mapping of numbers."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viv1t.batch import DataShapes
from viv1t.data.facts import MouseFacts, facts_of
from viv1t.data.mice import choose_mice, find_mice, is_on_disk
from viv1t.data.recording import Recording
from viv1t.data.statistics import Statistics, load_statistics
from viv1t.errors import ConfigError, DataError
from viv1t.names import MouseId
from viv1t.registry import unknown_name

logger = logging.getLogger(__name__)

# {mouse: {signal: {moment: numbers}}}
StatisticsMapping: TypeAlias = Mapping[MouseId, Mapping[str, Mapping[str, ArrayLike]]]
StatisticsSource: TypeAlias = Path | str | StatisticsMapping


@dataclass(frozen=True, kw_only=True)
class KnownMouse:
    """What is known of a mouse of a run.

    Attributes:
        mouse_id: the mouse.
        num_neurons: neurons n of the model.
        neuron_idx: (n,) int64 rows of the recording.
        statistics: of the neurons of the model; None if unknown.
        facts: of the recording; None if unknown.
    """

    mouse_id: MouseId
    num_neurons: int
    neuron_idx: NDArray[np.int64]
    statistics: Statistics | None = None
    facts: MouseFacts | None = None

    @classmethod
    def published(
        cls, mouse_id: MouseId, num_neurons: int, neuron_idx: Sequence[int] | None
    ) -> "KnownMouse":
        """A mouse of a published run, of which args.yaml tells the number of neurons."""
        rows = np.arange(num_neurons) if neuron_idx is None else np.asarray(neuron_idx, np.int64)
        if rows.shape != (num_neurons,):
            raise ConfigError(
                f"`neuron_idx` of mouse {mouse_id} lists {rows.size} neurons, `output_shapes` "
                f"says {num_neurons}"
            )
        return cls(mouse_id=mouse_id, num_neurons=num_neurons, neuron_idx=rows)


def supply(
    source: StatisticsSource, mice: Mapping[MouseId, KnownMouse], *, shapes: DataShapes
) -> dict[MouseId, KnownMouse]:
    """The mice with statistics from `source`; mice that it does not hold stay as they are.

    Args:
        source: a data folder, or {mouse: {video|behavior|pupil_center|response:
            {mean, std, min, max, median}}} in recorded units.
        mice: of the run.
        shapes: of the data that the model takes.

    Raises:
        ConfigError: the mapping names a mouse that the run does not have.
        DataError: nothing is there for these mice, an entry is missing, or a size differs.
    """
    if isinstance(source, Path | str):
        return _from_folder(Path(source), mice, shapes)
    for mouse_id in source:
        if mouse_id not in mice:
            raise unknown_name("mouse", mouse_id, mice)
    return {
        m: _from_mapping(source[m], mouse, shapes) if m in source else mouse
        for m, mouse in mice.items()
    }


def _from_folder(
    data_dir: Path, mice: Mapping[MouseId, KnownMouse], shapes: DataShapes
) -> dict[MouseId, KnownMouse]:
    known = find_mice(data_dir)
    there = [m for m in mice if m in known and is_on_disk(known[m])]
    if not there:
        raise DataError(
            f"statistics: {data_dir} holds no session of mice {', '.join(mice)}; give the data "
            "folder of the training"
        )
    recordings = {mouse.id: Recording(mouse) for mouse in choose_mice(data_dir, there)}
    if len(there) < len(mice):
        logger.info("no statistics for mice %s", ", ".join(m for m in mice if m not in there))
    return {
        m: _from_recording(recordings[m], mouse, shapes) if m in there else mouse
        for m, mouse in mice.items()
    }


def _from_recording(recording: Recording, mouse: KnownMouse, shapes: DataShapes) -> KnownMouse:
    rows = mouse.neuron_idx
    # A run that was not limited to some neurons has all of them, those never found left out.
    is_whole = mouse.facts is None and np.array_equal(rows, np.arange(mouse.num_neurons))
    if rows.max() >= recording.num_neurons or (
        is_whole and recording.num_neurons != mouse.num_neurons
    ):
        raise DataError(
            f"mouse {mouse.mouse_id}: the model has {mouse.num_neurons} neurons, rows "
            f"{rows.min()} to {rows.max()} of its recording; {recording.folder} holds "
            f"{recording.num_neurons}. Give the data folder of the training"
        )
    facts = facts_of(recording, neurons=rows, statistics=load_statistics(recording).select(rows))
    expected = (shapes.video[0], *shapes.video[2:], shapes.num_behaviors, shapes.num_pupils)
    found = (*facts.video_shape, facts.num_behaviors, facts.num_pupils)
    if expected != found:
        raise DataError(
            f"mouse {mouse.mouse_id}: the model takes (channels, rows, columns, behaviour rows, "
            f"pupil rows) {expected}, {recording.folder} holds {found}"
        )
    return replace(mouse, statistics=facts.statistics, facts=facts)


def _from_mapping(
    given: Mapping[str, Mapping[str, ArrayLike]], mouse: KnownMouse, shapes: DataShapes
) -> KnownMouse:
    arrays = {
        f"{signal}/{moment}": np.asarray(values, dtype=np.float32)
        for signal, moments in given.items()
        for moment, values in moments.items()
    }
    try:
        statistics = Statistics.from_arrays(arrays)
    except DataError as error:
        raise DataError(f"statistics of mouse {mouse.mouse_id}: {error}") from error
    expected: dict[str, tuple[int, ...]] = {
        "video": (),
        "behavior": (shapes.num_behaviors,),
        "pupil_center": (shapes.num_pupils,),
        "response": (mouse.num_neurons,),
    }
    for name, values in arrays.items():
        shape = expected.get(name.partition("/")[0])
        if values.shape != shape:
            raise DataError(
                f"statistics of mouse {mouse.mouse_id}: {name} should have shape {shape}, found "
                f"{values.shape}"
            )
    return replace(mouse, statistics=statistics)
