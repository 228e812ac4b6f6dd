"""The proof of most exciting stimuli on disk: neurons whose best stimulus is known, by recipe."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from viv1t.data.synthetic.oracle import oracle_truth
from viv1t.most_exciting_stimulus.ascent import AscentConfig
from viv1t.utils.files import write_text
from viv1t.utils.markdown import markdown
from viv1t.validation.known_stimuli import (
    SEEDS,
    Case,
    Recipe,
    judge,
    known_case,
    known_neurons,
    make,
    population_cases,
)
from viv1t.validation.stimulus_controls import (
    around_centre,
    around_grey,
    held_out_gains,
    signed_direction_indices,
)

LOGGER = logging.getLogger(__name__)

# At held contrast an ascent arrives within 200 steps.
SHORT: Final = AscentConfig(num_steps=300)
RECIPES: Final = (
    Recipe(name="pixel, RMS 30", rms=30.0, config=SHORT),
    Recipe(name="pixel, full contrast, as published"),
    Recipe(name="pixel, RMS 20", rms=20.0, config=SHORT),
    Recipe(name="pixel, RMS 40", rms=40.0, config=SHORT),
    Recipe(name="cutoff, full contrast, as published", method="cutoff"),
    Recipe(name="pixel, full contrast, rate .2", config=AscentConfig(num_steps=400, lr=0.2)),
)
# Of the population: cells that prefer a direction; the contrast is low, for they saturate.
POPULATION: Final = Recipe(name="population, RMS 10", rms=10.0, config=SHORT)
MIN_SELECTIVITY: Final = 0.4
NUM_CELLS: Final = 12
SUPPRESSION: Final = 3.0
REACH_PX: Final = 9.0


def prove_stimuli(
    folder: Path,
    *,
    recipes: Sequence[Recipe] = RECIPES,
    seeds: Sequence[int] = SEEDS,
) -> Path:
    """The page stimuli.md in a folder, written anew after each neuron; what is there is kept.

    Beside it: stimuli.csv, the rows of `judge`, and controls.csv, the rows of `controls`.

    Args:
        folder: where to write.
        recipes: how stimuli are made of the known neurons.
        seeds: of the starts.
    """
    page = folder / "stimuli.md"
    tables = {name: _read(folder / f"{name}.csv") for name in ("stimuli", "controls")}

    def add(name: str, number: int, recipe: str, ask: Callable[[], pd.DataFrame]) -> None:
        known = tables[name]
        if len(known) and (known["neuron"].eq(number) & known["recipe"].eq(recipe)).any():
            return
        rows = ask().assign(neuron=number, recipe=recipe)
        tables[name] = pd.concat([known, rows], ignore_index=True) if len(known) else rows
        write_text(folder / f"{name}.csv", tables[name].to_csv(index=False))
        parts = [summary(tables["stimuli"])] if len(tables["stimuli"]) else []
        parts += [summary_of_controls(tables["controls"])] if len(tables["controls"]) else []
        write_text(page, "\n\n".join(map(markdown, parts)) + "\n")
        LOGGER.info("%s, neuron %d: %s", recipe, number, page)

    cases = [known_case(neuron) for neuron in known_neurons()]
    for recipe in recipes:
        for number, case in enumerate(cases):
            add("stimuli", number, recipe.name, _judging(case, recipe, seeds))
        if recipe is recipes[0]:
            for number, case in enumerate(cases):
                add("controls", number, "controls", _controlling(case, recipe, number, seeds))
            for number, case in enumerate(cells()):
                add("stimuli", number, POPULATION.name, _judging(case, POPULATION, seeds))
    return page


def cells(seed: int = 1) -> list[Case]:
    """The first cells of a physiology population that prefer a direction, surround and all."""
    truth = oracle_truth(seed)
    chosen = np.flatnonzero(truth["direction_selectivity"] > MIN_SELECTIVITY)[:NUM_CELLS]
    return population_cases(truth, chosen.tolist())


def controls(case: Case, recipe: Recipe, number: int, seeds: Sequence[int]) -> pd.DataFrame:
    """One row: what is found where it is, and what where nothing is.

    Columns inhibit, excite (of a neuron with a surround, over the response to grey),
    ring_inhibit, ring_excite (over that to the centre alone), blind (largest difference that the
    surround of a neuron without one makes, over that to the centre), direction, no_direction (mean
    of the signed direction indices of a neuron with a direction, and of the same without), noise
    (largest gain on a held-out model of noise).

    Args:
        case: a known neuron without surround, with a direction.
        recipe: how stimuli are made.
        number: of the models of noise.
        seeds: of the starts; for all but directions the first is enough.
    """
    found: dict[str, float] = {}
    suppressed = known_case(replace(case.true, suppression=SUPPRESSION))
    few = seeds[:1]
    field = around_grey(suppressed, recipe, seeds=few)
    centre = make(suppressed, recipe, seeds=few).video[0]
    ring = around_centre(suppressed, recipe, centre, seeds=few)
    for prefix, values in (("", field), ("ring_", ring)):
        for goal in ("inhibit", "excite"):
            found[prefix + goal] = values[goal] / values["blank"]
    blind = known_case(replace(case.true, reach_px=REACH_PX))
    ring = around_centre(blind, recipe, centre, seeds=few)
    found["blind"] = max(abs(ring[goal] / ring["blank"] - 1) for goal in ("inhibit", "excite"))
    for name, is_directional in (("direction", True), ("no_direction", False)):
        asked = known_case(replace(case.true, is_directional=is_directional))
        found[name] = float(signed_direction_indices(asked, recipe, seeds=seeds).mean())
    found["noise"] = float(held_out_gains(recipe, seed=number, seeds=few).max())
    return pd.DataFrame([found])


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a recipe, of the rows of `judge`: the worst neuron of each measure.

    Columns recipe, neurons, seeds; direction (largest error, degrees), SF (largest error, share),
    TF (largest error, cycles a frame), centre (largest error, pixels); of the ratios to gratings
    the least over neurons of all seeds, "sine" and "square" those to the best that fill the
    canvas, "best: ..." of the best seed, "small" to one in a smaller disc; converged (share); steps
    (median, to 99 %), ms (a step of a seed).

    Args:
        rows: with the columns neuron and recipe.
    """
    found = []
    for recipe, part in rows.groupby("recipe", sort=False):
        best = part.groupby("neuron")["value"].transform("max")
        ratios = {wave: part["value"] / part[wave] for wave in ("sine", "square", "small")}
        found.append(
            {
                "recipe": recipe,
                "neurons": part["neuron"].nunique(),
                "seeds": part["seed"].nunique(),
                "direction": float(part["direction_error"].max()),
                "SF": float((part["sf_ratio"] - 1).abs().max()),
                "TF": float(part["tf_error"].max()),
                "centre": float(part["centre_error"].max()),
                **{wave: float(ratio.min()) for wave, ratio in ratios.items()},
                "best: sine": float((best / part["sine"]).min()),
                "best: square": float((best / part["square"]).min()),
                "converged": float(part["converged"].mean()),
                "steps": float(part["steps"].median()),
                "ms": float(part["step_ms"].median()),
            }
        )
    return pd.DataFrame(found)


# name, column of `controls`, the worst over neurons
_CONTROLS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "most inhibiting over grey, surround: largest": ("inhibit", "max"),
        "most exciting over grey, surround: least": ("excite", "min"),
        "most inhibiting surround over none: largest": ("ring_inhibit", "max"),
        "most exciting surround over none: least": ("ring_excite", "min"),
        "surround of a neuron without: largest change": ("blind", "max"),
        "signed direction index: least": ("direction", "min"),
        "the same of neurons without direction: mean": ("no_direction", "mean"),
        "the same of neurons without direction: sd": ("no_direction", "std"),
        "noise, gain on a held-out model: largest": ("noise", "max"),
    }
)


def summary_of_controls(rows: pd.DataFrame) -> pd.DataFrame:
    """Columns control, neurons, value: the worst neuron of `controls`, or mean and sd."""
    found = [
        {"control": name, "neurons": len(rows), "value": float(rows[column].agg(how))}
        for name, (column, how) in _CONTROLS.items()
    ]
    return pd.DataFrame(found)


def _judging(case: Case, recipe: Recipe, seeds: Sequence[int]) -> Callable[[], pd.DataFrame]:
    return lambda: judge(case, recipe, seeds=seeds)


def _controlling(
    case: Case, recipe: Recipe, number: int, seeds: Sequence[int]
) -> Callable[[], pd.DataFrame]:
    return lambda: controls(case, recipe, number, seeds)


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path) if path.is_file() else pd.DataFrame()
