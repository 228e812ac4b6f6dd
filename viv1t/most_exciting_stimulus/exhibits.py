"""Stimuli with all that is known of them, ready to be looked at: the best of each kind."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.config.flags import flag
from viv1t.errors import MissingResultError
from viv1t.most_exciting_stimulus.library import (
    CENTRES,
    GOALS,
    KIND,
    ORIGINS,
    POPULATION,
    Library,
    best_rows,
    kind_words,
    library_folder,
    read_libraries,
)
from viv1t.most_exciting_stimulus.traces import MADE_BY, RESPONSES, Traces, read_traces
from viv1t.names import MouseId
from viv1t.units import GREY

_ORDER: Final = MappingProxyType({"centre": CENTRES, "surround": ORIGINS, "goal": GOALS})
HEADROOM: Final = 1.05


def neuron_name(mouse_id: MouseId, neuron: int) -> str:
    """How figures call a neuron, or the population (-1), such as "Mouse S1, neuron 12"."""
    who = "population" if neuron == POPULATION else f"neuron {neuron}"
    return f"Mouse {mouse_id}, {who}"


def richest_neurons(table: pd.DataFrame, num: int) -> list[tuple[MouseId, int]]:
    """(mouse, neuron) of the targets that have most kinds of stimuli, in their order.

    Args:
        table: of a library.
        num: how many at most.
    """
    best = table.iloc[best_rows(table)]
    counts = best.groupby(["mouse", "neuron"], sort=True).size()
    chosen = counts.sort_values(ascending=False, kind="stable").index[:num]
    return sorted((str(mouse), int(neuron)) for mouse, neuron in chosen)


@dataclass(frozen=True, kw_only=True, eq=False)
class Exhibit:
    """A stimulus and the responses to it.

    Attributes:
        words: its kind, see `library.kind_words`.
        row: what the library says of it.
        frames: (t, h, w) of the stimulus.
        traces: (t',) of its neuron (mean over the population) by the name of who was asked; grey
            before and after.
        window: frames of the traces at which the stimulus is on.
        fps: frames per second.
    """

    words: str
    row: Mapping[str, Any]
    frames: NDArray[np.float32]
    traces: Mapping[str, NDArray[np.float32]]
    window: slice
    fps: float

    @property
    def is_generated(self) -> bool:
        """Whether an ascent made it, so that it can have converged or not."""
        return "generated" in f"{self.row['centre']} {self.row['surround']}"

    @property
    def framed(self) -> NDArray[np.float32]:
        """(t', h, w) with the grey frames of the traces before and after."""
        length = len(next(iter(self.traces.values())))
        frames = np.full((length, *self.frames.shape[1:]), GREY, np.float32)
        frames[self.window] = self.frames
        return frames

    @property
    def values(self) -> dict[str, tuple[float, float]]:
        """Who was asked -> sum and maximum of the response while the stimulus is on."""
        shown = {who: trace[self.window] for who, trace in self.traces.items()}
        return {who: (float(trace.sum()), float(trace.max())) for who, trace in shown.items()}


@dataclass(frozen=True, kw_only=True)
class ExhibitSet:
    """All stimuli of a neuron, or of the population.

    Attributes:
        mouse: the mouse.
        neuron: row of the mouse; -1: the population.
        exhibits: centres first; each read from disk as it is asked for.
    """

    mouse: MouseId
    neuron: int
    exhibits: tuple[Exhibit, ...]

    @property
    def name(self) -> str:
        """See `neuron_name`."""
        return neuron_name(self.mouse, self.neuron)

    def file_name(self, exhibit: Exhibit) -> str:
        """Such as "mouseS1_neuron012_grating_centre_video", different for each exhibit."""
        whom = "population" if self.neuron == POPULATION else f"neuron{self.neuron:03d}"
        alike = [other for other in self.exhibits if other.words == exhibit.words]
        words = re.sub(r"[^a-z0-9]+", "_", exhibit.words)
        number = "" if alike[0] is exhibit else f"_{alike.index(exhibit) + 1}"
        return f"mouse{self.mouse}_{whom}_{words}{number}"

    @property
    def limits(self) -> tuple[float, float]:
        """Of the axis of responses, the same for all of the set."""
        traces = [trace for exhibit in self.exhibits for trace in exhibit.traces.values()]
        lowest, highest = min(map(np.min, traces)), max(map(np.max, traces))
        return min(0.0, HEADROOM * float(lowest)), HEADROOM * float(highest) or 1.0


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which stimuli are looked at."""

    neurons: tuple[int, ...] | None = flag(None, help="rows of neurons, -1: the population")
    responders: tuple[str, ...] | None = flag(None, help="who was asked; none: all that were")
    everything: bool = flag(False, help="not only the best stimulus of each kind")


def read_sets(
    output_dir: Path,
    *,
    choice: Choice,
    names: Sequence[str] | None = None,
    mouse_ids: Sequence[MouseId] | None = None,
) -> Iterator[ExhibitSet]:
    """The stimuli of each neuron of each mouse, one neuron after the other.

    Args:
        output_dir: the folder of results with the libraries.
        choice: which stimuli.
        names: of the libraries; None: all.
        mouse_ids: None: all.

    Raises:
        MissingResultError: no such library or neuron, or responses that were not predicted.
    """
    library = read_libraries(output_dir, names, mouse_ids)
    table = library.table.assign(_row=np.arange(len(library)))
    chosen = table if choice.everything else table.iloc[best_rows(table)]
    if choice.neurons is not None:
        chosen = chosen[chosen["neuron"].isin(choice.neurons)]
    if chosen.empty:
        wanted, known = choice.neurons or (), sorted(set(table["neuron"]))
        raise MissingResultError(
            f"{output_dir} holds no stimulus of neurons {', '.join(map(str, wanted))}; there are "
            f"some of {', '.join(map(str, known))}"
        )
    places = {f"_{name}": chosen[name].map(order.index) for name, order in _ORDER.items()}
    places["_population"] = chosen["neuron"] == POPULATION
    order = ["mouse", "_population", "neuron", *(f"_{name}" for name in _ORDER)]
    chosen = chosen.assign(**places).sort_values([*order, *KIND], kind="stable")
    opened: dict[tuple[str, MouseId], dict[str, Traces]] = {}
    for (mouse_id, neuron), group in chosen.groupby(["mouse", "neuron"], sort=False):
        exhibits = []
        for row in group.to_dict("records"):
            name = str(row["library"]), str(mouse_id)
            if name not in opened:
                opened[name] = _traces(output_dir, *name, choice.responders)
            about = {str(key): value for key, value in row.items()}
            exhibits.append(_exhibit(library, about, opened[name]))
        yield ExhibitSet(mouse=str(mouse_id), neuron=int(str(neuron)), exhibits=tuple(exhibits))


def _traces(
    output_dir: Path, library: str, mouse_id: MouseId, responders: Sequence[str] | None
) -> dict[str, Traces]:
    """The responses to a library, by who was asked."""
    if responders is None:
        folder = library_folder(output_dir, library) / RESPONSES
        responders = sorted(path.parent.name for path in folder.glob(f"*/mouse{mouse_id}.h5"))
    if not responders:
        raise MissingResultError(
            f"nobody was asked about the library {library} of {output_dir}; predict responses "
            f"with: python {MADE_BY} --output_dir {output_dir} --stimuli {library} "
            f"--mouse_ids {mouse_id}"
        )
    return {who: read_traces(output_dir, library, who, mouse_id) for who in responders}


def _exhibit(library: Library, row: Mapping[str, Any], traces: Mapping[str, Traces]) -> Exhibit:
    first = next(iter(traces.values()))
    return Exhibit(
        words=kind_words(row),
        row=row,
        frames=library.frames(int(row["_row"])),
        traces={who: t.read(row["stimulus"], int(row["neuron"])) for who, t in traces.items()},
        window=first.window,
        fps=first.fps,
    )
