"""Tests of neurons that are nested in fields of view and animals, with the numbers of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from viv1t.analysis.families import Question, answer_family
from viv1t.analysis.stats import holm, paired_test
from viv1t.names import MouseId

ALPHA: Final = 0.05


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """How many there are at each level.

    Attributes:
        neurons: that entered.
        fields: of view they come from.
        animals: that these belong to.
    """

    neurons: int
    fields: int
    animals: int

    @property
    def text(self) -> str:
        """In words, for example "n = 64 neurons, 4 fields of view, 2 animals"."""
        parts = [
            f"{self.neurons} neuron{'s' * (self.neurons != 1)}",
            f"{self.fields} field{'s' * (self.fields != 1)} of view",
            f"{self.animals} animal{'s' * (self.animals != 1)}",
        ]
        return f"n = {', '.join(parts)}"


def numbers_of(table: pd.DataFrame) -> Numbers:
    """The exact numbers of a table; a neuron with many rows counts once.

    Args:
        table: columns animal, mouse (the field of view) and neuron.
    """
    return Numbers(
        neurons=len(table[["mouse", "neuron"]].drop_duplicates()),
        fields=table["mouse"].nunique(),
        animals=table["animal"].nunique(),
    )


def nested_answers(
    values: pd.DataFrame,
    questions: Sequence[Question],
    *,
    animals: Mapping[MouseId, str],
    family: str,
    shared: bool = False,
) -> pd.DataFrame:
    """One row a question: what neurons say, and what is left of it when they are not independent.

    Columns: family; those of `analysis.families.Answer.row` (p: Wilcoxon signed-rank test over
    neurons, after Holm over the questions; mice_mean, mice_low, mice_high, mice_p: hierarchical
    bootstrap of animals and their neurons, num_mice animals); p_nested: mice_p after Holm;
    num_fields, num_animals; p_fields: paired t test over medians of fields of view, after Holm;
    same_sign: all fields of view have a median difference of the same sign; holds: p (p_fields if
    `shared`) <= .05 and same_sign. Of two animals an interval can say little: p_nested is reported,
    not decisive.

    Args:
        values: one row a neuron, one column a condition; index levels mouse (the field of view)
            and neuron, so that neurons are joined, never rows.
        questions: the family.
        animals: field of view -> animal.
        family: the family in words.
        shared: all neurons of a field of view saw the same presentations, during which the animal
            ran or rested: then neurons are no evidence of their own, fields of view are.
    """
    fields = values.index.get_level_values("mouse")
    owners = pd.Index([animals[str(mouse)] for mouse in fields], name="mouse")
    answers = answer_family(values.set_axis(owners, axis=0), questions)
    rows = []
    for answer in answers:
        ends = [answer.question.first, answer.question.second]
        pair = values.reindex(columns=ends).dropna()
        difference = pair[ends[1]] - pair[ends[0]]
        of_field = difference.groupby(level="mouse").median()
        same = len(of_field) > 0 and len(set(np.sign(of_field))) == 1
        middle = pair.groupby(level="mouse").median()
        over_fields = paired_test(
            middle[ends[0]], middle[ends[1]], method="t", alternative=answer.question.alternative
        )
        of_animal = {animals[str(mouse)] for mouse in of_field.index}
        rows.append(
            {
                "family": family,
                **answer.row,
                "p_fields": over_fields.p,
                "num_fields": len(of_field),
                "num_animals": len(of_animal),
                "same_sign": same,
            }
        )
    found = pd.DataFrame(rows)
    known = found["mice_p"].astype(float)
    found = found.assign(p_nested=holm(known), p_fields=holm(found["p_fields"].astype(float)))
    decisive = found["p_fields" if shared else "p"].astype(float)
    return found.assign(holds=decisive.le(ALPHA) & found["same_sign"])
