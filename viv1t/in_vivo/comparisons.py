"""Predictions against recordings of later days, from tables of results."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from viv1t import log
from viv1t.config.scripts import SURROUND_FLAGS, script_parser
from viv1t.errors import ConfigError
from viv1t.in_vivo.days import PREDICTED, RECORDED, stable_rows
from viv1t.in_vivo.statistics import Numbers, numbers_of
from viv1t.in_vivo.surrounds import (
    DESIGNS,
    FULL_FIELD,
    FULL_PAIRS,
    Analysis,
    agreement,
    full_field_responses,
    full_field_tests,
    relative_responses,
    surround_tests,
)
from viv1t.names import MouseId
from viv1t.results.in_vivo_tables import SCORES
from viv1t.results.store import ResultDir, read_result

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What was recorded and predicted of one analysis.

    Attributes:
        responses: "recorded" and, if there are any, "predicted" -> goal -> responses (index mouse,
            neuron; a column a condition), see `surrounds.relative_responses`.
        tests: of `statistics.nested_answers`, with a first column responder.
        agreement: of `surrounds.agreement`; empty without predictions.
        numbers: of recorded neurons, fields of view and animals.
        centre: what the disc shows; empty: there is none.
        pairs: (weaker, stronger) conditions that are tested.
    """

    responses: Mapping[str, Mapping[str, pd.DataFrame]]
    tests: pd.DataFrame
    agreement: pd.DataFrame
    numbers: Numbers
    centre: str
    pairs: tuple[tuple[str, str], ...]

    @property
    def drawn(self) -> dict[str, Any]:
        """What `plot.figures.in_vivo.surround_plates` takes."""
        names = ("responses", "pairs", "centre", "tests", "agreement")
        return {name: getattr(self, name) for name in names} | {"numbers": self.numbers.text}

    @property
    def predicted(self) -> Mapping[str, pd.DataFrame] | None:
        """The predicted responses, None if there are none."""
        return self.responses.get(PREDICTED)

    @property
    def verdict(self) -> str:
        """What holds of the recorded neurons, in words."""
        rows = self.tests[self.tests["responder"] == RECORDED]
        held = rows[rows["holds"]]
        said = [
            f"{row.first} {'<' if row.median_difference > 0 else '>'} {row.second}"
            for _, row in held.iterrows()
        ]
        return f"{len(held)} of {len(rows)} differences hold ({'; '.join(said) or 'none'})"


def compare_surrounds(
    folder: Path,
    analysis: Analysis,
    *,
    mouse_ids: Sequence[MouseId] | None = None,
    every_neuron: bool = False,
    with_inhibiting: bool = False,
) -> Comparison:
    """Surrounds of an analysis, of neurons that are stable across days.

    Args:
        folder: of the results, with the tables in_vivo_scores and in_vivo_neurons.
        analysis: which stimuli.
        mouse_ids: fields of view; None: all.
        every_neuron: also those that are not stable.
        with_inhibiting: surrounds that were made to inhibit as well.

    Raises:
        MissingResultError: a table is missing; the message names the command.
        ConfigError: no neuron is left, or no surround that excites.
    """
    scores, neurons = _read(folder, mouse_ids, every_neuron=every_neuron)
    animals = _animals(scores)
    responses, tests = {}, []
    for responder in _responders(scores):
        found = relative_responses(scores, analysis, responder=responder, neurons=neurons)
        wanted = {g: v for g, v in found.items() if with_inhibiting or g == "excite"}
        if not wanted:
            raise ConfigError(f"all surrounds of {analysis} inhibit: give --with_inhibiting")
        responses[responder] = wanted
        tests.append(surround_tests(wanted, analysis, animals=animals).assign(responder=responder))
    design = DESIGNS[analysis]
    return _comparison(responses, tests, animals, centre=design.centre, pairs=design.pairs)


def draw_surrounds(
    description: str, analysis: Analysis, draw: Callable[..., Mapping[str, Any]]
) -> None:
    """What the command line of a script that compares surrounds asks for: figures/<analysis>_*.

    Args:
        description: the first line of `--help`.
        analysis: which stimuli.
        draw: gives plates by name of what `Comparison.drawn` holds, such as
            `plot.figures.in_vivo.surround_plates`.

    Raises:
        UserError: see `compare_surrounds`.
    """
    args = script_parser(description, *SURROUND_FLAGS).parse_args()
    log.setup(args.verbose)
    asked = {n: getattr(args, n) for n in ("mouse_ids", "every_neuron", "with_inhibiting")}
    found = compare_surrounds(args.output_dir, analysis, **asked)
    folder = ResultDir(args.output_dir).figures
    for part, plate in draw(**found.drawn, as_published=args.as_published).items():
        logger.info("wrote %s", plate.save(folder, f"{analysis}_{part}")[0])
    logger.info("%s, recorded: %s", found.numbers.text, found.verdict)


def compare_full_field(
    folder: Path, *, mouse_ids: Sequence[MouseId] | None = None, every_neuron: bool = False
) -> Comparison:
    """Full-field stimuli of the population; one goal, "all".

    Args:
        folder: see `compare_surrounds`.
        mouse_ids: likewise.
        every_neuron: likewise.

    Raises:
        MissingResultError: see `compare_surrounds`.
        ConfigError: no full-field stimulus was shown.
    """
    scores, neurons = _read(folder, mouse_ids, every_neuron=every_neuron)
    animals = _animals(scores)
    responses, tests = {}, []
    for responder in _responders(scores):
        found = full_field_responses(scores, responder=responder, neurons=neurons)
        responses[responder] = {FULL_FIELD: found}
        tests.append(full_field_tests(found, animals=animals).assign(responder=responder))
    return _comparison(responses, tests, animals, centre="", pairs=FULL_PAIRS)


def _read(
    folder: Path, mouse_ids: Sequence[MouseId] | None, *, every_neuron: bool
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    scores = read_result(folder, SCORES, mouse_ids=mouse_ids)
    return scores, None if every_neuron else stable_rows(folder, mouse_ids)


def _animals(scores: pd.DataFrame) -> dict[str, str]:
    owners = scores[["mouse", "animal"]].drop_duplicates()
    return dict(zip(owners["mouse"], owners["animal"], strict=True))


def _responders(scores: pd.DataFrame) -> list[str]:
    """The recording first."""
    known = list(dict.fromkeys(scores["responder"]))
    return sorted(known, key=lambda responder: responder != RECORDED)


def _comparison(
    responses: Mapping[str, Mapping[str, pd.DataFrame]],
    tests: Sequence[pd.DataFrame],
    animals: Mapping[str, str],
    *,
    centre: str,
    pairs: tuple[tuple[str, str], ...],
) -> Comparison:
    held = [agreement(responses[p], responses[RECORDED]) for p in responses if p == PREDICTED]
    known = pd.concat([v.index.to_frame(index=False) for v in responses[RECORDED].values()])
    return Comparison(
        responses=responses,
        tests=pd.concat(tests, ignore_index=True),
        agreement=pd.concat(held, ignore_index=True) if held else pd.DataFrame(),
        numbers=numbers_of(known.assign(animal=known["mouse"].map(animals))),
        centre=centre,
        pairs=pairs,
    )
