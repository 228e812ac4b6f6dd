"""Stimuli of one neuron, chosen to be drawn side by side with the responses to them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from viv1t.analysis.stimulus_comparisons import layouts
from viv1t.most_exciting_stimulus.library import POPULATION, Library, best_rows, kind_words
from viv1t.most_exciting_stimulus.traces import read_traces
from viv1t.names import MouseId

_ORIGINS: Final = ("none", "grating", "natural", "generated")
_LAYOUTS: Final = ("centre", "surround", "full field")
_GOALS: Final = ("excite", "inhibit", "none")


def neuron_name(mouse_id: MouseId, neuron: int) -> str:
    """How figures call a neuron, or the population."""
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


def side_by_side(
    output_dir: Path,
    library: Library,
    mouse_id: MouseId,
    neuron: int,
    responders: Sequence[str],
    *,
    max_stimuli: int = 9,
) -> list[dict[str, Any]]:
    """{title, frames (t, h, w), traces {responder: (t',)}, window} of the best of each kind.

    Centres come first, then surrounds, exciting before inhibiting, gratings before natural and
    generated ones; then full fields.

    Args:
        output_dir: the run, or another folder of results.
        library: stimuli of several kinds.
        mouse_id: the mouse.
        neuron: row of the mouse; -1: the population.
        responders: whose responses are wanted, as `predict_stimulus.py` named them.
        max_stimuli: others are left out.

    Raises:
        MissingResultError: responses were not predicted; the message names the command.
    """
    of_neuron = (library.table["mouse"] == mouse_id) & (library.table["neuron"] == neuron)
    mine = library.of(of_neuron)
    mine = mine.of(best_rows(mine.table))
    ranks = pd.DataFrame(
        {
            "layout": layouts(mine.table).map(_LAYOUTS.index),
            "goal": mine.table["goal"].map(_GOALS.index),
            "surround": mine.table["surround"].map(_ORIGINS.index),
            "centre": mine.table["centre"].str.removeprefix("full_").map(_ORIGINS.index),
            "matched": mine.table["contrast_matched"],
        }
    )
    mine = mine.of(ranks.sort_values([str(name) for name in ranks]).index.to_numpy()[:max_stimuli])
    found = []
    for place, row in enumerate(mine.table.to_dict("records")):
        traces, window = {}, slice(0, 0)
        for responder in responders:
            answers = read_traces(output_dir, str(row["library"]), responder, mouse_id)
            traces[responder] = np.asarray(answers.read(str(row["stimulus"]), neuron))
            window = answers.window
        found.append(
            {
                "title": kind_words({str(k): v for k, v in row.items()}),
                "frames": mine.frames(place),
                "traces": traces,
                "window": window,
            }
        )
    return found
