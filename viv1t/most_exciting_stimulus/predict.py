"""Finished stimuli, predicted freshly: by the run that made them, by others, by the truth."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from viv1t.errors import DataError, MissingResultError
from viv1t.most_exciting_stimulus.adopted import PUBLISHED_BLANK
from viv1t.most_exciting_stimulus.library import (
    KIND,
    POPULATION,
    Library,
    best_rows,
)
from viv1t.most_exciting_stimulus.neurons import population_weights
from viv1t.most_exciting_stimulus.respond import ask_of
from viv1t.most_exciting_stimulus.traces import traces_path, write_traces
from viv1t.most_exciting_stimulus.witnesses import Witness
from viv1t.names import MouseId
from viv1t.results.stimulus_tables import OPTIMAL, RESPONSES
from viv1t.results.store import read_result, write_result
from viv1t.units import GREY, SKIP_FRAMES

logger = logging.getLogger(__name__)

# Grey frames before and after a stimulus that traces show, as published.
PAD: Final = 20


def predict_libraries(
    output_dir: Path, library: Library, witness: Witness, *, as_published: bool = False
) -> list[Path]:
    """The table stimulus_responses, and the files of traces that were written.

    The neurons asked are those for which the stimuli of a library were made; all of the mouse
    where one was made for the population. Rows of other libraries and responders are kept.

    Args:
        output_dir: the folder of results that holds the libraries.
        library: the stimuli.
        witness: who is asked.
        as_published: 135 frames of grey before (otherwise 50) and after the stimulus.

    Raises:
        DataError: frames that do not fit the responder.
    """
    rows, written = [], []
    for (mouse_id, name), group in library.table.groupby(["mouse", "library"], sort=True):
        part = library.of(group.index.to_numpy())
        neurons = asked_neurons(part.table, witness, str(mouse_id))
        window = slice(PAD, PAD + len(part.frames(0)))
        values: list[NDArray[np.float32]] = []

        def answers(
            part: Library = part,
            mouse_id: MouseId = str(mouse_id),
            neurons: NDArray[np.int64] = neurons,
            values: list[NDArray[np.float32]] = values,
            window: slice = window,
        ) -> Iterator[NDArray[np.float32]]:
            for answer in ask(witness, mouse_id, part, neurons, as_published=as_published):
                shown = answer[:, window]
                values.append(np.stack((shown.sum(axis=1), shown.max(axis=1))))
                yield answer

        path = traces_path(output_dir, str(name), witness.label, str(mouse_id))
        written.append(
            write_traces(
                path,
                answers(),
                stimuli=part.table["stimulus"].tolist(),
                neurons=neurons,
                fps=witness.probe.responder.fps,
                window=window,
                facts={**witness.probe.provenance, **_method(as_published)},
            )
        )
        rows.append(_table(part.table, neurons, np.stack(values), witness.label))
    table = pd.concat(rows, ignore_index=True).assign(lead_frames=_blank(as_published))
    whole = _with_stored(output_dir, table)
    return [write_result(output_dir, RESPONSES, whole, method={"grey": GREY}), *written]


def predict_optimal(
    output_dir: Path,
    library: Library,
    witnesses: Sequence[Witness],
    *,
    as_published: bool = False,
) -> Path:
    """The table optimal_stimuli: the best stimulus of every kind for each neuron, predicted anew.

    The best is the one of the largest value when it was made (to inhibit: the smallest), so that
    the fresh value of another responder, or of the truth, is free of that choice. Of stimuli for
    the population, values are weighted as in `neurons.population_weights`.

    Args:
        output_dir: the folder of results that holds the libraries.
        library: the stimuli to choose from.
        witnesses: who is asked.
        as_published: see `predict_libraries`; and means over the population without weights.

    Raises:
        MissingResultError: the table neuron_reliability, for stimuli of the population.
    """
    best = library.of(best_rows(library.table))
    rows = []
    for witness in witnesses:
        for mouse_id, group in best.table.groupby("mouse", sort=True):
            part = best.of(group.index.to_numpy())
            neurons = asked_neurons(part.table, witness, str(mouse_id))
            weights = _weights(output_dir, str(mouse_id), part.table, len(neurons), as_published)
            asked = ask(witness, str(mouse_id), part, neurons, as_published=as_published)
            for row, answer in zip(part.table.to_dict("records"), asked, strict=True):
                if row["neuron"] == POPULATION:
                    trace = weights @ answer
                else:
                    trace = answer[int(np.searchsorted(neurons, int(row["neuron"])))]
                shown = trace[PAD:-PAD]
                columns = ("mouse", "neuron", *KIND, "library", "stimulus", "seed", "rms")
                rows.append(
                    {name: row[name] for name in columns}
                    | {"converged": row["converged"], "value_made": row["value"]}
                    | {"responder": witness.label}
                    | {"value": float(shown.sum()), "peak": float(shown.max())}
                )
    return write_result(output_dir, OPTIMAL, pd.DataFrame(rows), method=_method(as_published))


def asked_neurons(table: pd.DataFrame, witness: Witness, mouse_id: MouseId) -> NDArray[np.int64]:
    """Rows of the neurons for which stimuli were made; with one for the population, all."""
    neurons = np.unique(table["neuron"].to_numpy(np.int64))
    if neurons[0] == POPULATION:
        return np.arange(witness.probe.responder.num_neurons(mouse_id))
    return neurons


def ask(
    witness: Witness,
    mouse_id: MouseId,
    library: Library,
    neurons: NDArray[np.int64],
    *,
    as_published: bool = False,
) -> Iterator[NDArray[np.float32]]:
    """Responses (n, t) to each stimulus, and to `PAD` frames of grey before and after it.

    Args:
        witness: who is asked.
        mouse_id: the mouse.
        library: stimuli of this mouse.
        neurons: rows that are wanted.
        as_published: 135 frames of grey before and after, otherwise 50.
    """
    probe = witness.probe
    asked = ask_of(
        probe.responder,
        mouse_id,
        neurons=neurons,
        lead_frames=_blank(as_published) - PAD,
        state=probe.states.get(mouse_id, (None, None)),
    )
    numbers = np.arange(len(library))
    pieces = np.array_split(numbers, -(-len(numbers) // probe.batch_size))
    text = f"{witness.label}, mouse {mouse_id}"
    for piece in tqdm(pieces, desc=text, disable=not probe.progress, leave=False):
        movies = np.stack([library.frames(row) for row in piece])
        around = ((0, 0), (PAD, PAD), (0, 0), (0, 0))
        padded = np.pad(movies, around, constant_values=GREY)
        with torch.no_grad():
            yield from asked(torch.from_numpy(padded)).float().cpu().numpy()


def _method(as_published: bool) -> dict[str, int | bool]:
    lead_frames = _blank(as_published)
    return {"lead_frames": lead_frames, "grey": GREY, "as_published": as_published}


def _blank(as_published: bool) -> int:
    """Frames of grey before and after a stimulus."""
    return PUBLISHED_BLANK if as_published else SKIP_FRAMES


def _table(
    stimuli: pd.DataFrame, neurons: NDArray[np.int64], values: NDArray[np.float32], label: str
) -> pd.DataFrame:
    """Rows of stimulus_responses; values are (k, 2, n)."""
    names = ["mouse", "library", "stimulus"]
    table = stimuli[names].assign(made_for=stimuli["neuron"])
    table = table.loc[table.index.repeat(len(neurons))].reset_index(drop=True)
    return table.assign(
        neuron=np.tile(neurons, len(stimuli)),
        responder=label,
        value=values[:, 0].ravel(),
        peak=values[:, 1].ravel(),
    )


def _with_stored(output_dir: Path, table: pd.DataFrame) -> pd.DataFrame:
    """`table` with the stored rows of other libraries and responders."""
    try:
        stored = read_result(output_dir, RESPONSES)
    except MissingResultError:
        return table
    except DataError as error:
        logger.warning("%s; it is written anew", error)
        return table
    key = ["mouse", "library", "responder"]
    new = pd.MultiIndex.from_frame(table[key].drop_duplicates())
    kept = stored[~pd.MultiIndex.from_frame(stored[key]).isin(new)]
    return pd.concat([kept, table], ignore_index=True)


def _weights(
    output_dir: Path, mouse_id: MouseId, table: pd.DataFrame, num_neurons: int, as_published: bool
) -> NDArray[np.float32]:
    """(n,) weights of the population; zeros if no stimulus is for it."""
    if not (table["neuron"] == POPULATION).any():
        return np.zeros(num_neurons, np.float32)
    if as_published:
        return np.full(num_neurons, 1 / num_neurons, np.float32)
    ranked = read_result(output_dir, "neuron_reliability", mouse_ids=[mouse_id])
    correlation = ranked.set_index("neuron")["correlation"].reindex(range(num_neurons))
    return population_weights(correlation.fillna(0))
