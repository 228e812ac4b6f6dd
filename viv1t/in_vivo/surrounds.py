"""Responses to surrounds and full-field stimuli, recorded or predicted, as `stimulus_scores`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd

from viv1t.analysis.families import Question
from viv1t.analysis.stats import holm, paired_test
from viv1t.analysis.stimulus_comparisons import (
    FULL_FIELDS,
    MOTION_PAIRS,
    ORIGIN_PAIRS,
    as_made,
    directed,
    motion_conditions,
    origin_conditions,
    relative_to_centre,
    responses_of,
)
from viv1t.errors import ConfigError, DataError
from viv1t.experiments.contextual_responses import grey_of
from viv1t.experiments.table import ResponseTable
from viv1t.in_vivo.session import Session
from viv1t.in_vivo.statistics import nested_answers
from viv1t.results.responses import Source

Analysis: TypeAlias = Literal[
    "single_neuron_grating_vs_generated",
    "single_neuron_static_vs_dynamic",
    "population_center_surround",
]
FULL_FIELD: Final = "population_full_field"
GOALS: Final = ("excite", "inhibit")
CENTRE: Final = "centre alone"


@dataclass(frozen=True, kw_only=True)
class Design:
    """What an analysis compares.

    Attributes:
        centre: what the disc shows.
        motion: of the centre.
        population: stimuli of the population, not of single neurons.
        conditions: goal -> conditions, see `stimulus_comparisons`.
        pairs: (weaker, stronger) conditions.
    """

    centre: str
    motion: str
    population: bool
    conditions: Callable[[str], dict[str, dict[str, str]]]
    pairs: tuple[tuple[str, str], ...]


DESIGNS: Final[Mapping[Analysis, Design]] = MappingProxyType(
    {
        "single_neuron_grating_vs_generated": Design(
            centre="grating",
            motion="dynamic",
            population=False,
            conditions=origin_conditions,
            pairs=ORIGIN_PAIRS,
        ),
        "single_neuron_static_vs_dynamic": Design(
            centre="natural",
            motion="static",
            population=False,
            conditions=motion_conditions,
            pairs=MOTION_PAIRS,
        ),
        "population_center_surround": Design(
            centre="natural",
            motion="static",
            population=True,
            conditions=motion_conditions,
            pairs=MOTION_PAIRS,
        ),
    }
)
# Full-field stimuli of the population: those of other kinds are compared with natural videos.
FULL_PAIRS: Final = (
    ("MEG", "MENV"),
    ("MENI", "MENV"),
    ("MEGI", "MEGV"),
    ("MENI", "MEGI"),
    ("MENV", "MEGV"),
)


def session_scores(
    table: ResponseTable, session: Session, *, responder: str, above_grey: bool = True
) -> pd.DataFrame:
    """Rows of the table in_vivo_scores: each neuron and each stimulus that speaks of it.

    A stimulus of one neuron speaks of that neuron, one of the population of all; contextual
    gratings are left out. Missing neurons have no row.

    Args:
        table: responses to the stimuli of the session, recorded or predicted.
        session: the day.
        responder: "recorded", or the label of who predicted.
        above_grey: responses are above those to grey; False: as published.
    """
    known = session.conditions
    counts = np.bincount(table.presentations["condition"], minlength=len(known))
    grey = grey_of(table) * table.on
    parts = []
    for row in np.flatnonzero(known["kind"].eq("").to_numpy()):
        stimulus = known.iloc[row]
        single = stimulus["neuron"] >= 0
        own = table.neurons["neuron"].eq(stimulus["neuron"]).to_numpy() | (not single)
        sums = table.mean[own, row].astype(float) * table.on
        dropped = ("neuron", "kind", "contrast", "direction")
        about = {str(k): v for k, v in stimulus.items() if k not in dropped}
        part = pd.DataFrame({"neuron": table.neurons.loc[own, "neuron"].to_numpy()})
        parts.append(
            part.assign(
                **about,
                made_for=stimulus["neuron"],
                response=sums - grey[own] * above_grey,
                blank=grey[own] * (not above_grey),
                num_presentations=counts[row],
            )
        )
    if not parts:
        raise DataError(
            f"{session.folder}: no stimulus but contextual gratings was shown; export stimuli with "
            "most_exciting_stimulus/export_stimuli.py"
        )
    found = pd.concat(parts, ignore_index=True).dropna(subset=["response"])
    facts = session.facts
    return found.assign(
        animal=facts.animal,
        mouse=session.mouse,
        day=facts.day,
        responder=responder,
        role=_role(table.source),
        version="as made",
        amount=0.0,
        direction_selective=np.nan,
    )


def relative_responses(
    scores: pd.DataFrame,
    analysis: Analysis,
    *,
    responder: str,
    neurons: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """Goal -> responses relative to the centre alone: index mouse, neuron; a column a condition.

    Goals without any stimulus are left out. Joined by neuron, whatever the order of rows.

    Args:
        scores: in_vivo_scores.
        analysis: which stimuli.
        responder: whose responses.
        neurons: columns mouse and neuron of those that passed the filters; None: all.

    Raises:
        ConfigError: no neuron has the centre and a surround of the analysis.
    """
    design = DESIGNS[analysis]
    rows = as_made(scores, responder=responder)
    rows = rows[rows["made_for"].lt(0) == design.population]
    rows = rows[(rows["centre"] == design.centre) & (rows["centre_motion"] == design.motion)]
    rows = rows.assign(made_for=rows["neuron"])
    if neurons is not None:
        rows = rows.merge(neurons[["mouse", "neuron"]].drop_duplicates(), on=["mouse", "neuron"])
    found = {}
    for goal in GOALS:
        if rows["goal"].eq(goal).any():
            found[goal] = relative_to_centre(
                rows, design.conditions(goal), centre=design.centre, centre_motion=design.motion
            ).dropna(axis=1, how="all")
    if not found:
        raise ConfigError(
            f"no neuron that passed the filters has stimuli of {analysis}: a "
            f"{design.centre} centre ({design.motion}) of "
            f"{'the population' if design.population else 'its own'} with surrounds"
        )
    return found


def full_field_responses(
    scores: pd.DataFrame, *, responder: str, neurons: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Responses to full-field stimuli of the population: index mouse, neuron; MEG, MENI, ...

    Args:
        scores: in_vivo_scores.
        responder: whose responses.
        neurons: columns mouse and neuron of those that passed the filters; None: all.
    """
    rows = as_made(scores, responder=responder)
    rows = rows[rows["made_for"].lt(0)]
    if neurons is not None:
        rows = rows.merge(neurons[["mouse", "neuron"]].drop_duplicates(), on=["mouse", "neuron"])
    found = responses_of(rows, FULL_FIELDS).dropna(axis=1, how="all").dropna(how="all")
    if found.empty:
        raise ConfigError("no full-field stimulus of the population was shown: export some")
    return found


def surround_tests(
    relative: Mapping[str, pd.DataFrame], analysis: Analysis, *, animals: Mapping[str, str]
) -> pd.DataFrame:
    """`statistics.nested_answers`: pairs of surrounds, and each surround against the centre alone.

    Two families: the pairs, exciting and inhibiting together (one-sided: does the second of each
    pair excite, or inhibit, more?), and all surrounds against the centre (two-sided).

    Args:
        relative: of `relative_responses`.
        analysis: which pairs.
        animals: field of view -> animal.
    """
    joined = side_by_side(relative)
    known = set(joined)
    pairs = [
        Question(first=f"{goal} {q.first}", second=f"{goal} {q.second}", alternative=q.alternative)
        for goal in relative
        for q in directed(DESIGNS[analysis].pairs, goal)
        if {f"{goal} {q.first}", f"{goal} {q.second}"} <= known
    ]
    against = [
        Question(first=f"{goal} {CENTRE}", second=f"{goal} {name}")
        for goal, table in relative.items()
        for name in table
    ]
    parts = [
        nested_answers(
            joined,
            asked,
            animals=animals,
            family=f"{analysis}: {len(asked)} {what}",
            shared=DESIGNS[analysis].population,
        )
        for what, asked in (("pairs of surrounds", pairs), ("surrounds against centre", against))
        if asked
    ]
    return pd.concat(parts, ignore_index=True)


def side_by_side(relative: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Index mouse, neuron; columns "excite grating", ..., and "excite centre alone", which is 1.

    Args:
        relative: of `relative_responses`.
    """
    joined = pd.concat(
        {goal: table.assign(**{CENTRE: 1.0}) for goal, table in relative.items()}, axis=1
    )
    return joined.set_axis([" ".join(names) for names in joined.columns], axis=1)


def full_field_tests(values: pd.DataFrame, *, animals: Mapping[str, str]) -> pd.DataFrame:
    """`statistics.nested_answers` of full-field stimuli that excite: is the second stronger?

    Args:
        values: of `full_field_responses`.
        animals: field of view -> animal.
    """
    asked = [q for q in directed(FULL_PAIRS, "excite") if {q.first, q.second} <= set(values)]
    if not asked:
        return pd.DataFrame()
    family = f"{FULL_FIELD}: {len(asked)} pairs of stimuli"
    return nested_answers(values, asked, animals=animals, family=family, shared=True)


def agreement(
    predicted: Mapping[str, pd.DataFrame], recorded: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """One row a goal and condition: do predictions hold?

    Columns: goal, condition, num_neurons; median_predicted, median_recorded (relative to the
    centre); p_wilcoxon: that the two differ, and p_holm, after Holm over all rows; correlation:
    Pearson r over neurons; same_sign: share of neurons that both move to the same side of the
    centre.

    Args:
        predicted: of `relative_responses`.
        recorded: the same.
    """
    rows = []
    for goal in recorded:
        for condition in recorded[goal]:
            if condition not in predicted.get(goal, ()):
                continue
            both = pd.concat(
                {"p": predicted[goal][condition], "r": recorded[goal][condition]}, axis=1
            ).dropna()
            p, r = both["p"].to_numpy(float), both["r"].to_numpy(float)
            varies = len(both) > 2 and p.std() > 0 and r.std() > 0
            rows.append(
                {
                    "goal": goal,
                    "condition": condition,
                    "num_neurons": len(both),
                    "median_predicted": float(np.median(p)) if len(both) else np.nan,
                    "median_recorded": float(np.median(r)) if len(both) else np.nan,
                    "p_wilcoxon": paired_test(p, r).p,
                    "correlation": float(np.corrcoef(p, r)[0, 1]) if varies else np.nan,
                    "same_sign": float(np.mean((p > 1) == (r > 1))) if len(both) else np.nan,
                }
            )
    found = pd.DataFrame(rows)
    return found if found.empty else found.assign(p_holm=holm(found["p_wilcoxon"]))


def field_means(relative: pd.DataFrame, *, as_published: bool = False) -> pd.DataFrame:
    """One row a field of view (index mouse), a column a condition: the median over neurons.

    Args:
        relative: index mouse and neuron.
        as_published: the mean over neurons, which small responses to the centre dominate.
    """
    of_field = relative.groupby(level="mouse")
    return of_field.mean() if as_published else of_field.median()


def _role(source: Source) -> str:
    return "animal" if source == "recorded" else "run"
