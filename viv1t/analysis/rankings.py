"""Which kind of stimulus drives a neuron more, and whether a model and the truth agree on it."""

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd

from viv1t.analysis.families import Question, answer_family

NEURON: Final = ("mouse", "neuron")
TIE: Final = 1e-6


def kind_tests(
    table: pd.DataFrame,
    *,
    kinds: Sequence[str],
    columns: Sequence[str],
    baseline: str | None = None,
) -> pd.DataFrame:
    """Wilcoxon tests between all pairs of kinds, for each column and goal.

    The pairs of one column and goal are a family, corrected after Holm (1979).

    Columns: responder (the column), goal, first, second, n, median_ratio (of first over second),
    share (of neurons where the first is larger), statistic, p, p_holm, effect (rank-biserial).

    Args:
        table: mouse, neuron, goal, kind, and a column of responses for each responder.
        kinds: that are compared.
        columns: of the responders.
        baseline: a kind by whose response those of each neuron are divided, neurons that do not
            answer it above 0 left out; None: none.
    """
    questions = [Question(first=a, second=b) for a, b in combinations(kinds, 2)]
    rows = []
    for column in columns:
        for goal, of_goal in table.groupby("goal", sort=False):
            wide = of_goal.pivot(index=list(NEURON), columns="kind", values=column)
            if baseline is not None:
                wide = wide[wide[baseline] > 0]
                wide = wide.div(wide[baseline], axis=0)
            for answer in answer_family(wide, questions):
                asked, test = answer.question, answer.test
                pair = wide[[asked.first, asked.second]].dropna()
                first, second = pair[asked.first], pair[asked.second]
                rows.append(
                    {
                        "responder": column,
                        "goal": goal,
                        "first": asked.first,
                        "second": asked.second,
                        "n": test.n,
                        "median_ratio": float((first / second).median()),
                        "share": float((first > second).mean()),
                        "statistic": test.statistic,
                        "p": answer.p_alone,
                        "p_holm": test.p,
                        "effect": test.effect,
                    }
                )
    return pd.DataFrame(rows)


def orders(
    table: pd.DataFrame, *, kinds: Sequence[str], column: str = "twin", other: str = "truth"
) -> pd.DataFrame:
    """One row a neuron and goal: the order of kinds under both responders, and what holds.

    Columns: mouse, neuron, goal, order_<column>, order_<other> (largest first, "a > b > c"),
    same_order, same_top (the largest is the same; for the goal "inhibit" the smallest), pairs_hold
    (share of the pairs that one responder orders, that the other orders likewise). By chance 1/k!,
    1/k and 1/2.

    Args:
        table: mouse, neuron, goal, kind, and both columns; all kinds of each neuron.
        kinds: k of them, that are ranked; others are left out.
        column: responses whose ranking is claimed.
        other: responses in which it should hold.
    """
    rows = []
    for (mouse, neuron, goal), group in table.groupby([*NEURON, "goal"], sort=False):
        values = group.set_index("kind").reindex(list(kinds))
        if values[[column, other]].isna().any(axis=None):
            continue
        claimed, found = (_order(values[name], kinds) for name in (column, other))
        first = -1 if goal == "inhibit" else 0
        signs = [
            [_sign(values[name], first, second) for first, second in combinations(kinds, 2)]
            for name in (column, other)
        ]
        decided = [pair for pair in zip(*signs, strict=True) if pair[0] != 0]
        rows.append(
            {
                "mouse": mouse,
                "neuron": neuron,
                "goal": goal,
                f"order_{column}": " > ".join(claimed),
                f"order_{other}": " > ".join(found),
                "same_order": claimed == found,
                "same_top": claimed[first] == found[first],
                "pairs_hold": float(np.mean([a == b for a, b in decided])) if decided else np.nan,
            }
        )
    return pd.DataFrame(rows)


def agreement(ranked: pd.DataFrame) -> pd.DataFrame:
    """One row a goal: n and the mean over neurons of what `orders` says holds."""
    names = ["same_order", "same_top", "pairs_hold"]
    shares = ranked.groupby("goal", sort=False)[names].mean().astype(float)
    return shares.assign(n=ranked.groupby("goal", sort=False).size()).reset_index()


def _order(values: pd.Series, kinds: Sequence[str]) -> list[str]:
    return sorted(kinds, key=lambda kind: -values[kind])


def _sign(values: pd.Series, first: str, second: str) -> int:
    """Of the difference; 0 for a tie within rounding."""
    difference = values[first] - values[second]
    scale = max(abs(values[first]), abs(values[second]))
    return 0 if abs(difference) <= TIE * scale else int(np.sign(difference))
