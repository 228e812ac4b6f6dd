"""The tables of generated stimuli, see `specs.TABLES`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from viv1t.results.spec import TableSpec

GENERATED: Final = "generated_stimuli"
TWIN_AND_TRUTH: Final = "twin_and_truth"
TESTS: Final = "twin_and_truth_tests"
ORDERS: Final = "twin_and_truth_orders"

_NEURON: Final = MappingProxyType({"mouse": "mouse", "neuron": "row of the mouse"})
_GOAL: Final = MappingProxyType({"goal": "excite or inhibit"})
_TRUTH_SCRIPT: Final = "most_exciting_stimulus/compare_with_truth.py"

GENERATED_TABLES: Final[Mapping[str, TableSpec]] = MappingProxyType(
    {
        GENERATED: TableSpec(
            columns={
                "mouse": "mouse",
                "library": "where the stimulus is (--save_dir)",
                "stimulus": "name of the best seed there",
                "neuron": "row of the mouse; -1: the population",
                "role": "center, most_exciting or most_inhibiting",
                "folder": "of the stimulus, from the folder of results",
                "value": "the objective, in recorded units",
                "baseline": "the same of what is around it: grey, or the centre alone",
                "converged": "the last tenth of the steps gained next to nothing",
                "share_converged": "of all seeds",
                "num_seeds": "starts",
                "steps": "of the ascent; 0: a stimulus that was found",
                "spread": "of the value over seeds: range over the largest magnitude",
                "correlation": "of grey values between seeds, phases aligned; NaN: one seed",
                "correlation_unaligned": "likewise, as they are",
                "varied_value": "mean response to the varied stimuli over that to the best one",
                "varied_correlation": "of grey values of the two varied stimuli most alike",
                "held_out_value": "the objective on those who did not make it, mean; NaN: none",
                "held_out_share": "share of the gain over the baseline that they see, mean",
            },
            key=("mouse", "library", "stimulus"),
            made_by="most_exciting_stimulus/generate.py",
        ),
        TWIN_AND_TRUTH: TableSpec(
            columns={
                **_NEURON,
                **_GOAL,
                "kind": "of the surround: generated, natural, grating; none: the centre alone",
                "twin": "response of the model that chose it, summed over the stimulus",
                "truth": "that of the population behind the recordings",
                "rms": "RMS contrast of the surround, over pixels and frames, in grey values",
                "mean": "its mean grey value",
                "converged": "of the ascent of a generated one",
            },
            key=("mouse", "neuron", "goal", "kind"),
            made_by=_TRUTH_SCRIPT,
        ),
        TESTS: TableSpec(
            columns={
                "responder": "twin or truth",
                **_GOAL,
                "first": "kind of surround",
                "second": "kind of surround",
                "n": "neurons",
                "median_ratio": "of the first over the second",
                "share": "of neurons where the first is larger",
                "statistic": "Wilcoxon signed-rank test of responses over those to the centre",
                "p": "two-sided",
                "p_holm": "after Holm, over the pairs of a responder and goal",
                "effect": "matched-pairs rank-biserial correlation",
            },
            key=("responder", "goal", "first", "second"),
            made_by=_TRUTH_SCRIPT,
        ),
        ORDERS: TableSpec(
            columns={
                **_NEURON,
                **_GOAL,
                "order_twin": "of the surrounds, largest response first",
                "order_truth": "likewise",
                "same_order": "both are equal",
                "same_top": "the most exciting, or most inhibiting, is the same",
                "pairs_hold": "share of pairs of surrounds with the same order",
            },
            key=("mouse", "neuron", "goal"),
            made_by=_TRUTH_SCRIPT,
        ),
    }
)
