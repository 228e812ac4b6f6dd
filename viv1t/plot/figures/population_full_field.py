"""Full-field stimuli of a population: mean responses as bars, and their spread over neurons."""

import logging
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from viv1t import log
from viv1t.analysis.families import Answer, Question, answer_family
from viv1t.analysis.stimulus_comparisons import (
    FULL_FIELDS,
    as_made,
    contrast_words,
    responses_of,
)
from viv1t.config.scripts import script_parser
from viv1t.errors import ConfigError
from viv1t.plot.axes import legend_below
from viv1t.plot.panels import bars_with_points, significance
from viv1t.plot.panels.violins import split_violins
from viv1t.plot.style import (
    PAGE_MM,
    ModelStyle,
    Plate,
    house_style,
    new_figure,
    responder_styles,
)
from viv1t.results.stimulus_score_tables import SCORES
from viv1t.results.store import ResultDir, read_result

logger = logging.getLogger(__name__)

_PAIRS: Final = (("G", "NV"), ("NI", "GI"), ("NV", "GV"), ("GI", "GV"), ("G", "GV"))
_LETTERS: Final = MappingProxyType({"E": "Most exciting", "I": "Most inhibiting"})
_NAMES: Final = (
    "G grating, NI natural image, NV natural video, GI generated image, GV generated video; ME "
    "exciting, MI inhibiting"
)
_MEAN: Final = ("Mean", "sum, a.u.")


def draw_population(description: str, name: str, figure: Callable[..., Plate]) -> None:
    """What the command line of a script about full fields of a population asks for: figures/<name>.

    Args:
        description: the first line of `--help`.
        name: of the figure.
        figure: draws `population_responses`.

    Raises:
        UserError: the table stimulus_scores is missing, or has no such stimulus.
    """
    flags = ("output_dir", "mouse_ids", "any_contrast", "verbose")
    args = script_parser(description, *flags).parse_args()
    log.setup(args.verbose)
    scores = read_result(args.output_dir, SCORES, mouse_ids=args.mouse_ids)
    found = population_responses(scores, any_contrast=args.any_contrast)
    plate = figure(found, styles=responder_styles(scores["responder"]))
    shown = as_made(
        _full_fields(scores), responder=next(iter(found)), any_contrast=args.any_contrast
    )
    plate = plate.with_words(contrast_words(shown))
    logger.info("wrote %s", plate.save(ResultDir(args.output_dir).figures, name)[0])


def population_responses(
    scores: pd.DataFrame, *, any_contrast: bool = False
) -> dict[str, pd.DataFrame]:
    """{responder: responses of all neurons (index mouse, neuron) to the stimuli that there are}.

    Columns are those of `stimulus_comparisons.FULL_FIELDS` that some neuron has, MEG to MIGV.

    Args:
        scores: stimulus_scores.
        any_contrast: see `stimulus_comparisons.as_made`.

    Raises:
        ConfigError: no full-field stimulus was made for a population.
    """
    whole = _full_fields(scores)
    if whole.empty:
        raise ConfigError(
            "no full-field stimulus of a population is in the table stimulus_scores: search or "
            "generate some with --objective population, then evaluate_stimuli.py"
        )
    found = {}
    for responder in dict.fromkeys(whole["responder"]):
        rows = as_made(whole, responder=responder, any_contrast=any_contrast)
        found[str(responder)] = responses_of(rows, FULL_FIELDS).dropna(axis=1, how="all")
    return found


def _full_fields(scores: pd.DataFrame) -> pd.DataFrame:
    return scores[(scores["made_for"] < 0) & scores["centre"].str.startswith("full_")]


def full_field_figure(
    responses: Mapping[str, pd.DataFrame], *, styles: Mapping[str, ModelStyle]
) -> Plate:
    """Bars of mean responses to the most exciting and the most inhibiting stimuli.

    Args:
        responses: of `population_responses`.
        styles: responder -> style.
    """
    first = next(iter(responses))
    letters = [c for c in _LETTERS if any(str(name)[1] == c for name in responses[first])]
    answers = {name: _tests(table) for name, table in responses.items()}
    bars = []
    with house_style():
        figure = new_figure(PAGE_MM * (0.6 if len(letters) == 1 else 1), 74)
        panels = figure.subplots(1, len(letters), squeeze=False)[0]
        for axes, letter in zip(panels, letters, strict=True):
            groups = [
                name for name in FULL_FIELDS if name[1] == letter and name in responses[first]
            ]
            drawn = bars_with_points(
                axes, _means(responses, groups), groups=groups, styles=styles, quantity=_MEAN
            )
            _brackets(axes, groups, answers[first])
            axes.set_title(_LETTERS[letter])
            bars.append(drawn)
        legend_below(figure, panels[0])
    tests = [
        {"responder": name} | answer.row for name, found in answers.items() for answer in found
    ]
    num = len(responses[first])
    caption = (
        f"Mean responses of the population (n = {num} neurons) to its full-field stimuli: "
        f"{_NAMES}. A point a mouse, error bars over mice. Stars: two-sided "
        f"Wilcoxon signed-rank tests over neurons of {first}, after Holm."
    )
    numbers = {"bars": pd.concat(bars), "tests": pd.DataFrame(tests)}
    return Plate(figure, numbers, caption)


def distribution_figure(
    responses: Mapping[str, pd.DataFrame], *, styles: Mapping[str, ModelStyle]
) -> Plate:
    """Spread of the responses over neurons, on a log axis; halves are two responders.

    Args:
        responses: of `population_responses`; the first two are drawn.
        styles: responder -> style.
    """
    shown = dict(list(responses.items())[:2])
    groups = [name for name in FULL_FIELDS if any(name in table for table in shown.values())]
    values = {
        name: {group: table[group].to_numpy(float) for group in groups if group in table}
        for name, table in shown.items()
    }
    with house_style():
        figure = new_figure(PAGE_MM, 82)
        upper, lower = figure.subplots(2, 1, height_ratios=(1.5, 1), sharex=True)
        quartiles = split_violins(
            upper, groups, values, styles=styles, quantity=("Response", "sum, a.u.")
        )
        upper.set_title("Over neurons")
        chosen = {name: styles[name] for name in shown}
        bars = bars_with_points(
            lower, _means(shown, groups), groups=groups, styles=chosen, quantity=_MEAN
        )
        legend_below(figure, upper)
    said = " (left) and ".join(shown) + (" (right)" if len(shown) == 2 else "")
    caption = (
        f"Responses of all neurons of {said} to the full-field stimuli of the population: "
        f"{_NAMES}. Above: distribution on a log axis, quartiles and medians; "
        "neurons without a response above 0 are left out there. Below: means, a point a mouse."
    )
    return Plate(figure, {"quartiles": quartiles, "bars": bars}, caption)


def _means(responses: Mapping[str, pd.DataFrame], groups: Sequence[str]) -> pd.DataFrame:
    """label, group, mouse, value: means over the neurons of a mouse."""
    parts = []
    for name, table in responses.items():
        means = table.reindex(columns=list(groups)).groupby(level="mouse").mean()
        long = means.melt(ignore_index=False, var_name="group", value_name="value")
        parts.append(long.reset_index().assign(label=name))
    return pd.concat(parts, ignore_index=True)


def _tests(table: pd.DataFrame) -> list[Answer]:
    """One family of all pairs that are there."""
    questions = [
        Question(first=f"M{letter}{a}", second=f"M{letter}{b}")
        for letter in _LETTERS
        for a, b in _PAIRS
        if f"M{letter}{a}" in table and f"M{letter}{b}" in table
    ]
    return answer_family(table, questions)


def _brackets(axes: Axes, groups: Sequence[str], answers: Sequence[Answer]) -> None:
    here = [
        (sorted((groups.index(a.question.first), groups.index(a.question.second))), a)
        for a in answers
        if a.question.first in groups
    ]
    top = float(axes.dataLim.y1)
    ticks = [tick for tick in axes.get_yticks() if tick <= top]
    for step, (ends, answer) in enumerate(sorted(here, key=lambda pair: pair[0][1] - pair[0][0])):
        significance(axes, ends[0], ends[1], answer.test, y=top * (1.06 + 0.11 * step))
    axes.set_yticks(ticks)
    axes.set_ylim(bottom=min(0.0, float(np.nan_to_num(axes.get_ylim()[0]))))
