"""Families of paired tests: several conditions of the same neurons, corrected together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from viv1t import rng
from viv1t.analysis.significance import Alternative, FloatArray, TestResult, paired_test
from viv1t.analysis.stats import Estimate, hierarchical_bootstrap, holm

Correction: TypeAlias = Literal["holm", "bonferroni"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """Whether one condition lies below, above or beside another.

    Attributes:
        first: name of a condition.
        second: name of the other.
        alternative: "less" asks whether `first` lies below `second`.
    """

    first: str
    second: str
    alternative: Alternative = "two-sided"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a test of a family found.

    Attributes:
        question: what was asked.
        test: with p corrected for the family; this is what a figure draws.
        p_alone: without the correction.
        median: of `second` - `first` over neurons.
        over_mice: mean of `second` - `first`, its interval drawn from mice and neurons; None if
            no neuron has both.
    """

    question: Question
    test: TestResult
    p_alone: float
    median: float
    over_mice: Estimate | None

    @property
    def row(self) -> dict[str, object]:
        """The answer as a row of a table."""
        over_mice = vars(self.over_mice) if self.over_mice else {}
        kept = {f"mice_{name}": over_mice.get(name) for name in ("mean", "low", "high", "p")}
        return {
            **vars(self.question),
            **vars(self.test),
            "p_alone": self.p_alone,
            "median_difference": self.median,
            **kept,
            "num_mice": over_mice.get("num_mice", 0),
        }


def answer_family(
    values: pd.DataFrame,
    questions: Sequence[Question],
    *,
    correction: Correction = "holm",
    family_size: int | None = None,
) -> list[Answer]:
    """An answer to each question: Wilcoxon signed-rank tests over neurons, corrected together.

    Questions of fewer than two pairs are undefined and not counted. Neurons of a mouse are alike:
    `Answer.over_mice` has intervals that know it.

    Args:
        values: one row a neuron, one column a condition; the index has a level "mouse", or all
            neurons count as of one. A condition that is missing is undefined.
        questions: the family.
        correction: "holm" (Holm 1979), or as published "bonferroni", at most 1.
        family_size: tests that count for "bonferroni"; None: the questions that are defined.
    """
    absent = np.full(len(values), np.nan)
    columns: dict[str, FloatArray] = {
        name: values[name].to_numpy(float) if name in values else absent
        for question in questions
        for name in (question.first, question.second)
    }
    found = [
        paired_test(columns[q.first], columns[q.second], alternative=q.alternative)
        for q in questions
    ]
    alone = np.array([test.p for test in found])
    if correction == "holm":
        corrected = holm(alone)
    else:
        counted = int(np.sum(~np.isnan(alone))) if family_size is None else family_size
        corrected = np.minimum(1.0, alone * counted)
    mice = (
        values.index.get_level_values("mouse").to_numpy()
        if "mouse" in values.index.names
        else np.zeros(len(values))
    )
    answers = []
    for place, (question, test) in enumerate(zip(questions, found, strict=True)):
        difference = columns[question.second] - columns[question.first]
        answers.append(
            Answer(
                question=question,
                test=replace(test, p=float(corrected[place])),
                p_alone=float(alone[place]),
                median=float(np.nanmedian(difference)) if test.n else np.nan,
                over_mice=hierarchical_bootstrap(difference, mice, rng=rng.child(0, "mice", place))
                if test.n
                else None,
            )
        )
    return answers
