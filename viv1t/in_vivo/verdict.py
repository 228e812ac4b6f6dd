"""What a later day of a synthetic animal says, beside the truth and what a run predicted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from viv1t.analysis import rankings
from viv1t.analysis.contextual import modulation_index
from viv1t.analysis.stats import FloatArray
from viv1t.errors import MissingResultError
from viv1t.experiments.table import ResponseTable
from viv1t.in_vivo import contextual
from viv1t.in_vivo.days import (
    COMMAND,
    PREDICTED,
    RECORDED,
    Day,
    predictions_of,
    stable_rows,
    tables_of,
)
from viv1t.in_vivo.flips import DEFINITIONS, flips, preference
from viv1t.in_vivo.statistics import ALPHA
from viv1t.in_vivo.surrounds import (
    DESIGNS,
    GOALS,
    Analysis,
    relative_responses,
    session_scores,
    side_by_side,
    surround_tests,
)
from viv1t.names import MouseId
from viv1t.results.in_vivo_tables import FLIP_SHARES, FLIPS
from viv1t.results.store import read_result
from viv1t.rng import child
from viv1t.utils.markdown import markdown

TRUE: Final = "true"
# Smaller true effects have no sign that a neuron could get right: of indices, and of responses
# relative to the centre.
CLEAR_INDEX: Final = 0.05
CLEAR_RATIO: Final = 0.1
ANALYSIS: Final[Analysis] = "single_neuron_grating_vs_generated"
# What is asked of gratings, and the two kinds whose index (second - first) / (second + first)
# answers it.
GRATINGS: Final = (
    ("suppressed by iso surrounds", ("iso", "centre")),
    ("cross rather than iso surrounds", ("iso", "cross")),
)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Claims of a recording, each beside what is true and what was predicted.

    Attributes:
        effects: rows of the table in_vivo_verdict.
        orders: rows of in_vivo_verdict_orders.
        flips: rows of in_vivo_verdict_flips.
    """

    effects: pd.DataFrame
    orders: pd.DataFrame
    flips: pd.DataFrame

    @property
    def text(self) -> str:
        """How many claims of the recording are true, and of its flips, in words."""
        claims = self.effects[self.effects["claimed"]]
        found = [
            f"{row.definition} flips: precision {row.precision:.2f}, recall {row.recall:.2f} "
            f"({row.num_flips} named, {row.num_true} true, {row.num_neurons} neurons)"
            for row in self.flips.itertuples()
        ]
        known = self.effects[self.effects["predicted"].notna()]
        of_run = f"signs that the run predicts: {known['run_agrees'].sum()} of {len(known)} true"
        return "; ".join(
            [
                f"claims of the session: {claims['agrees'].sum()} of {len(claims)} true",
                of_run,
                *found,
            ]
        )

    @property
    def page(self) -> str:
        """All tables as Markdown."""
        parts = [
            "# The loop closed in silico",
            self.text + ".",
            "`recorded`: the simulated day, with noise, lost neurons, drift and eye movements. "
            "`true`: the same population without noise. `predicted`: the run. An effect is "
            f"`claimed` if the recording is significant (p <= {ALPHA:g}, after Holm); `agrees` and "
            "`run_agrees`: its sign, and that of the prediction, are true; `neurons_agree` and "
            "`run_neurons_agree`: shares of neurons with the true sign, among the `num_clear` "
            "whose true effect is not near 0.",
            "## Signs of effects",
            markdown(self.effects),
            "## Order of surrounds",
            "By median, the strongest first; shares of single neurons, by chance 1/6, 1/3, 1/2.",
            markdown(self.orders),
            "## Flip neurons",
            "True are neurons that flip by the published rule when there is no noise. `base` is "
            "their share: the precision of naming neurons at random.",
            markdown(self.flips),
        ]
        return "\n\n".join(parts) + "\n"


def judge(
    days: Sequence[Day],
    folder: Path,
    truth: Path,
    *,
    every_neuron: bool = False,
    seed: int = 1234,
) -> Verdict:
    """The verdict of later days on surrounds and flips, compared with the truth.

    Surrounds are those of the gratings, of all neurons that passed the filters, and those of
    `ANALYSIS`, of stable neurons.

    Args:
        days: of synthetic mice.
        folder: of the run, with its predictions and the tables in_vivo_neurons, in_vivo_flips and
            in_vivo_flip_shares.
        truth: with predictions of the truth itself.
        every_neuron: also those that are not stable.
        seed: of permutations.

    Raises:
        MissingResultError: a table or the truth is missing; the message names the command.
    """
    mice = [day.session.mouse for day in days]
    named = read_result(folder, FLIPS, mouse_ids=mice)
    scores, rows, truly = [], [], []
    for day in days:
        mouse, tables = day.session.mouse, _tables(day, folder, truth)
        kept = named.loc[named["mouse"].eq(mouse) & named["responder"].eq(RECORDED), "neuron"]
        rows += _grating_rows(mouse, tables, kept.to_numpy(int), seed=seed)
        truly.append(_true_flips(tables[TRUE]).assign(mouse=mouse))
        scores += [session_scores(t, day.session, responder=who) for who, t in tables.items()]
    neurons = None if every_neuron else stable_rows(folder, mice)
    relative = _relative(pd.concat(scores), neurons)
    animals = {day.session.mouse: day.session.facts.animal for day in days}
    rows += _surround_rows(relative, animals)
    shares = read_result(folder, FLIP_SHARES, mouse_ids=mice)
    return Verdict(
        effects=pd.DataFrame(rows),
        orders=_orders(relative),
        flips=_flip_rows(named.merge(pd.concat(truly), on=["mouse", "neuron"]), shares),
    )


def _tables(day: Day, folder: Path, truth: Path) -> dict[str, ResponseTable]:
    """Responder -> responses: "recorded", "true", and "predicted" if there are any."""
    try:
        return tables_of(day, folder) | {TRUE: predictions_of(day, truth)}
    except MissingResultError as error:
        raise MissingResultError(
            f"{truth} holds no answers of the truth to day {day.session.facts.day} of mouse "
            f"{day.session.mouse}; ask it: python {COMMAND} --responder truth --output_dir {truth}"
        ) from error


def _grating_rows(
    mouse: MouseId, tables: Mapping[str, ResponseTable], kept: np.ndarray, *, seed: int
) -> list[dict[str, object]]:
    shown = {
        who: contextual.samples_of(contextual.grating_responses(table))
        for who, table in tables.items()
    }
    low, high = contextual.ends_of(shown[RECORDED][1])
    rows = []
    for contrast in (high, low):
        for asked, kinds in GRATINGS:
            pairs = {
                who: contextual.pair_of(*known, contrast=contrast, kinds=kinds)[kept]
                for who, known in shown.items()
            }
            rng = child(seed, "verdict", mouse, asked, str(contrast))
            rows.append(
                {"fields": mouse, "part": "gratings"}
                | {"question": f"{asked}, contrast {contrast:g}"}
                | _effect(
                    {who: modulation_index(*_means(pair).T) for who, pair in pairs.items()},
                    p=preference(pairs[RECORDED], rng=rng)["p"],
                    clear=CLEAR_INDEX,
                    average=True,
                )
            )
    return rows


def _means(pair: FloatArray) -> FloatArray:
    """(n, 2) over the presentations that there were; neurons of which there is none are NaN."""
    found: FloatArray = np.ma.masked_invalid(pair).mean(axis=2).filled(np.nan)
    return found


def _relative(
    scores: pd.DataFrame, neurons: pd.DataFrame | None
) -> dict[str, dict[str, pd.DataFrame]]:
    return {
        str(who): relative_responses(scores, ANALYSIS, responder=str(who), neurons=neurons)
        for who in scores["responder"].unique()
    }


def _surround_rows(
    relative: Mapping[str, Mapping[str, pd.DataFrame]], animals: Mapping[str, str]
) -> list[dict[str, object]]:
    """Rows of each surround against the centre alone, and of pairs of surrounds."""
    tests = surround_tests(relative[RECORDED], ANALYSIS, animals=animals)
    values = {who: side_by_side(found) for who, found in relative.items()}
    rows = []
    for _, test in tests.iterrows():
        known = values[RECORDED].index
        differences = {
            who: (table[test["second"]] - table[test["first"]]).reindex(known).to_numpy(float)
            for who, table in values.items()
        }
        part = "surround against centre" if "against" in test["family"] else "pair of surrounds"
        found = _effect(differences, p=float(test["p"]), clear=CLEAR_RATIO, average=False)
        asked = {"question": f"{test['second']} above {test['first']}"}
        rows.append(
            {"fields": ", ".join(animals), "part": part}
            | asked
            | found
            | {"claimed": bool(test["holds"])}
        )
    return rows


def _effect(
    values: Mapping[str, FloatArray], *, p: float, clear: float, average: bool
) -> dict[str, object]:
    """One effect by who says so: `values` (n,) for each responder, positive or negative."""
    middle, sign = {who: _middle(x, average=average) for who, x in values.items()}, np.sign
    absent = np.full(len(values[TRUE]), np.nan)
    true, recorded, predicted = (values.get(who, absent) for who in (TRUE, RECORDED, PREDICTED))
    counts = np.abs(np.nan_to_num(true)) > clear
    both = {
        who: counts & np.isfinite(x) for who, x in ((RECORDED, recorded), (PREDICTED, predicted))
    }
    shares = [
        float(np.mean(sign(x[both[who]]) == sign(true[both[who]]))) if both[who].any() else np.nan
        for who, x in ((RECORDED, recorded), (PREDICTED, predicted))
    ]
    return {
        "num_neurons": int(np.isfinite(recorded).sum()),
        **{who: middle.get(who, np.nan) for who in (RECORDED, TRUE, PREDICTED)},
        "p": p,
        "claimed": bool(p <= ALPHA),
        "agrees": bool(sign(middle[RECORDED]) == sign(middle[TRUE])),
        "run_agrees": bool(sign(middle.get(PREDICTED, np.nan)) == sign(middle[TRUE])),
        "num_clear": int(both[RECORDED].sum()),
        "neurons_agree": shares[0],
        "run_neurons_agree": shares[1],
    }


def _middle(values: FloatArray, *, average: bool) -> float:
    known = values[np.isfinite(values)]
    if not len(known):
        return np.nan
    return float(known.mean() if average else np.median(known))


def _orders(relative: Mapping[str, Mapping[str, pd.DataFrame]]) -> pd.DataFrame:
    rows = []
    kinds = list(DESIGNS[ANALYSIS].conditions("excite"))
    for who in (w for w in (RECORDED, PREDICTED) if w in relative):
        for goal in (g for g in GOALS if g in relative[RECORDED]):
            of_goal = {name: relative[name][goal] for name in (who, TRUE)}
            if not all(set(kinds) <= set(table) for table in of_goal.values()):
                continue
            known = relative[RECORDED][goal].index
            wide = {name: table.reindex(known)[kinds] for name, table in of_goal.items()}
            long = pd.DataFrame({name: table.stack() for name, table in wide.items()})
            long = long.rename_axis([*known.names, "kind"]).reset_index().assign(goal=goal)
            ranked = rankings.orders(long, kinds=kinds, column=who, other=TRUE)
            if ranked.empty:
                continue
            row = {"responder": who, "goal": goal, "num_neurons": len(ranked)}
            for name, column in ((who, "order"), (TRUE, "true_order")):
                row[column] = " > ".join(wide[name].median().sort_values(ascending=False).index)
            shares = ranked[["same_order", "same_top", "pairs_hold"]].astype(float).mean()
            rows.append(row | shares.to_dict())
    names = ("responder", "goal", "num_neurons", "order", "true_order")
    return pd.DataFrame(rows, columns=[*names, "same_order", "same_top", "pairs_hold"])


def _true_flips(table: ResponseTable) -> pd.DataFrame:
    """Rows of neurons, and truly: whether it flips by the published rule without noise."""
    samples = contextual.samples_of(contextual.grating_responses(table))
    truly = flips(*contextual.two_contrasts(*samples))["published"]
    return pd.DataFrame({"neuron": table.neurons["neuron"].to_numpy(int), "truly": truly})


def _flip_rows(named: pd.DataFrame, shares: pd.DataFrame) -> pd.DataFrame:
    rows = []
    columns = dict(zip(DEFINITIONS, ("flip", "published"), strict=True))
    asked = [(name, RECORDED, column) for name, column in columns.items()]
    for definition, who, column in (*asked, ("predicted", PREDICTED, "published")):
        part = named[named["responder"] == who]
        if part.empty:
            continue
        found, truly = (part[name].to_numpy(bool) for name in (column, "truly"))
        hits = int((found & truly).sum())
        of_day = shares[shares["responder"].eq(who) & shares["definition"].eq(definition)]
        counts = of_day["num_neurons"].to_numpy(float)
        rows.append(
            {
                "definition": definition,
                "num_neurons": len(part),
                "num_true": int(truly.sum()),
                "num_flips": int(found.sum()),
                "hits": hits,
                "precision": hits / found.sum() if found.any() else np.nan,
                "recall": hits / truly.sum() if truly.any() else np.nan,
                "base": float(truly.mean()),
                "share": float(found.mean()),
                "chance": float(np.average(of_day["chance"], weights=counts))
                if counts.sum()
                else np.nan,
            }
        )
    return pd.DataFrame(rows)
