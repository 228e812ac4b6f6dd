"""Surrounds of different origin, or still and moving, around one centre: boxes and their tests."""

import logging
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from viv1t import log
from viv1t.analysis.families import Answer
from viv1t.analysis.stimulus_comparisons import (
    as_made,
    contrast_words,
    relative_to_centre,
    surround_answers,
)
from viv1t.config.scripts import script_parser
from viv1t.plot.axes import log_y
from viv1t.plot.figures.contextual import whisker_limits
from viv1t.plot.figures.twin_and_truth import ORIGIN_STYLES
from viv1t.plot.panels import box_and_dots, significance
from viv1t.plot.style import PAGE_MM, RECORDED, ModelStyle, Plate, house_style, new_figure
from viv1t.results.stimulus_score_tables import SCORES
from viv1t.results.store import ResultDir, read_result

logger = logging.getLogger(__name__)

_TITLES: Final = MappingProxyType({"excite": "Most exciting", "inhibit": "Most inhibiting"})


def draw_surrounds(
    description: str,
    name: str,
    *,
    conditions: Callable[[str], Mapping[str, Mapping[str, object]]],
    pairs: Sequence[tuple[str, str]],
    centre: str,
    centre_motion: str | None = None,
) -> None:
    """What the command line of a script that compares surrounds asks for: figures/<name>_*.

    Args:
        description: the first line of `--help`.
        name: of the figures; that of the responder follows.
        conditions: goal -> conditions of `stimulus_comparisons.relative_to_centre`.
        pairs: (weaker, stronger) conditions that are tested.
        centre: default of `--centre_kind`.
        centre_motion: that centres have by default; None: either.

    Raises:
        UserError: the table stimulus_scores is missing, or no neuron has what is compared.
    """
    flags = ("output_dir", "mouse_ids", "any_contrast", "as_published", "verbose")
    parser = script_parser(description, *flags)
    kinds = ("grating", "natural", "generated")
    parser.add_argument(
        "--centre_kind", choices=kinds, default=centre, help="what the centre shows"
    )
    args = parser.parse_args()
    log.setup(args.verbose)
    scores = read_result(args.output_dir, SCORES, mouse_ids=args.mouse_ids)
    any_contrast = args.any_contrast or args.as_published
    moves = centre_motion if args.centre_kind == centre else None
    for responder in dict.fromkeys(scores["responder"]):
        rows = as_made(scores, responder=responder, any_contrast=any_contrast)
        relative = {}
        for goal in ("excite", "inhibit"):
            if ((rows["goal"] == goal) & (rows["surround"] != "none")).any() or goal == "excite":
                relative[goal] = relative_to_centre(
                    rows, conditions(goal), centre=args.centre_kind, centre_motion=moves
                )
        words = " ".join(word for word in (moves, args.centre_kind) if word)
        plate = surround_figure(relative, pairs, centre=words, as_published=args.as_published)
        plate = plate.with_words(contrast_words(rows))
        paths = plate.save(ResultDir(args.output_dir).figures, f"{name}_{responder}")
        logger.info("wrote %s", paths[0])


def surround_figure(
    relative: Mapping[str, pd.DataFrame],
    pairs: Sequence[tuple[str, str]],
    *,
    centre: str,
    as_published: bool = False,
) -> Plate:
    """Responses to surrounds divided by those to the centre alone; inhibiting ones on a log axis.

    Args:
        relative: goal (excite, inhibit) -> of `stimulus_comparisons.relative_to_centre`.
        pairs: (weaker, stronger) conditions that are tested.
        centre: what the disc shows, in words.
        as_published: correct p as published, see `stimulus_comparisons.surround_answers`.
    """
    answers = surround_answers(relative, pairs, as_published=as_published)
    with house_style():
        figure = new_figure(PAGE_MM * (0.56 if len(relative) == 1 else 1), 82)
        panels = figure.subplots(1, len(relative), squeeze=False)[0]
        for axes, (goal, table) in zip(panels, relative.items(), strict=True):
            _boxes(axes, table, answers[goal], is_log=goal == "inhibit")
            axes.set_title(f"{_TITLES[goal]} surround, {centre} centre")
    tests = [{"goal": goal} | answer.row for goal, found in answers.items() for answer in found]
    count = sum(not np.isnan(answer.p_alone) for found in answers.values() for answer in found)
    family = f"times {2 * len(pairs)} (as published)" if as_published else f"after Holm ({count})"
    caption = (
        f"Responses to surrounds around a {centre} centre, divided by those to the centre alone "
        "(dashed). Boxes: quartiles and median; a dot a neuron, triangles lie beyond the axis. "
        f"Stars: one-sided Wilcoxon signed-rank tests over neurons, p {family}; intervals over "
        "mice are in the table of tests."
    )
    long = pd.concat(
        [
            table.melt(ignore_index=False, var_name="condition", value_name="ratio")
            .reset_index()
            .assign(goal=goal)
            for goal, table in relative.items()
        ],
        ignore_index=True,
    )
    return Plate(figure, {"responses": long, "tests": pd.DataFrame(tests)}, caption)


def _boxes(axes: Axes, table: pd.DataFrame, answers: Sequence[Answer], *, is_log: bool) -> None:
    names = [str(name).replace(" ", "\n") for name in table]
    values = {
        name: table[column].to_numpy(float) for name, column in zip(names, table, strict=True)
    }
    styles = {name: condition_style(str(column)) for name, column in zip(names, table, strict=True)}
    every = table.to_numpy(float)
    if is_log:
        positive = every[every > 0]
        low = float(np.quantile(positive, 0.01)) / 1.4 if positive.size else 0.1
        limits = (low, max(1.2, float(np.nanmax(every)) * 1.2))
        values = {name: np.maximum(v, low / 2) for name, v in values.items()}
    else:
        limits = whisker_limits(*values.values(), [1.1])
    quantity = ("Response", "of centre alone")
    box_and_dots(axes, values, styles=styles, quantity=quantity, limits=limits)
    if is_log:
        log_y(axes, *limits)
    axes.set_yticks([tick for tick in axes.get_yticks() if limits[0] <= tick <= limits[1]])
    axes.axhline(1, color=RECORDED, linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)
    columns = list(table)
    spans = []
    for answer in answers:
        asked = [n.split(" ", 1)[1] for n in (answer.question.first, answer.question.second)]
        if not set(asked) <= set(columns):  # was not shown
            continue
        ends = [columns.index(n) for n in asked]
        spans.append((abs(ends[1] - ends[0]), ends, answer))
    height = limits[1]
    for step, (_, ends, answer) in enumerate(sorted(spans, key=lambda span: span[0])):
        level = (
            height * (1.35 ** (step + 1))
            if is_log
            else (height + (0.04 + 0.1 * step) * (limits[1] - limits[0]))
        )
        significance(axes, min(ends), max(ends), answer.test, y=level)
        if is_log:
            axes.set_ylim(limits[0], 1.5 * level)


def condition_style(name: str) -> ModelStyle:
    """The style of what a surround shows; images have the colour of videos and another marker."""
    style = ORIGIN_STYLES[name.split()[0]]
    return style._replace(marker="s") if name.endswith("image") else style
