"""The tables of later days of recording, see `specs.TABLES`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from viv1t.results.contextual_tables import CONTEXTUAL_TABLES
from viv1t.results.contextual_tables import MODULATION as IN_SILICO
from viv1t.results.spec import TableSpec
from viv1t.results.stimulus_score_tables import SCORES as STIMULUS_SCORES
from viv1t.results.stimulus_score_tables import STIMULUS_SCORE_TABLES

NEURONS: Final = "in_vivo_neurons"
MODULATION: Final = "in_vivo_modulation"
FLIPS: Final = "in_vivo_flips"
FLIP_SHARES: Final = "in_vivo_flip_shares"
PREFERENCES: Final = "in_vivo_preferences"
SCORES: Final = "in_vivo_scores"
VERDICT: Final = "in_vivo_verdict"
VERDICT_ORDERS: Final = "in_vivo_verdict_orders"
VERDICT_FLIPS: Final = "in_vivo_verdict_flips"

_DAY: Final = MappingProxyType(
    {
        "animal": "that was recorded",
        "mouse": "the field of view, by the id of its first day",
        "day": "of the recording; the first is 1",
    }
)
_NEURON: Final = MappingProxyType({**_DAY, "neuron": "row of the first day"})
_RESPONDER: Final = MappingProxyType({"responder": "recorded or predicted"})
_LEFT_OUT: Final = ("mouse", "neuron", "size_deg", "disc_ratio", "visible")
_FOLDER: Final = "in_vivo_analysis"
_COMPARED: Final = f"{_FOLDER}/compare_with_truth.py"
_GRATINGS: Final = f"{_FOLDER}/grating_contextual_modulation/read_data.py"

_SPECS: Final[Mapping[str, tuple[Mapping[str, str], tuple[str, ...], str]]] = MappingProxyType(
    {
        NEURONS: (
            {
                **_NEURON,
                "matched": "found again that day",
                "num_movies": "shown on both days",
                "inside": "share of frames in which the mean of the later day lies within 1 SD of "
                "the first, mean over movies",
                "across": "Pearson r of the means of both days, mean over movies",
                "within": "Pearson r of repeats 1 to 5 and the others of the first day, likewise",
                "stable": "by the criterion of the method",
            },
            ("mouse", "day", "neuron"),
            f"{_FOLDER}/check_cross_session_reliability.py",
        ),
        MODULATION: (
            {
                **_NEURON,
                **_RESPONDER,
                **{
                    name: text
                    for name, text in CONTEXTUAL_TABLES[IN_SILICO].columns.items()
                    if name not in _LEFT_OUT
                },
                "matched": "found again that day",
                "responsive_peak": "peak of the recorded response to the centre at high contrast "
                "is 2 SD above the frames before it",
                "in_field": "receptive field within a disc around the middle of all",
                "reliable": "repeats of the centre at high contrast are more alike than draws of "
                "other trials",
                "kept": "matched, responsive_peak, in_field and reliable",
            },
            ("mouse", "day", "neuron", "responder", "contrast"),
            _GRATINGS,
        ),
        FLIPS: (
            {
                **_NEURON,
                **_RESPONDER,
                "cmi_high": "(cross - iso) / (cross + iso) at the highest contrast",
                "cmi_low": "at the lowest contrast",
                "published": "20 % more cross than iso at high, iso than cross at low contrast, by "
                "the means of all presentations, without a test",
                "selected": "the same in odd or in even presentations",
                "p": "of the flip in presentations that did not select, one-sided Welch tests",
                "q": "after Benjamini & Hochberg, over the neurons that were selected",
                "flip": "q <= .05; of predictions, which have no noise: published",
            },
            ("mouse", "day", "neuron", "responder"),
            _GRATINGS,
        ),
        FLIP_SHARES: (
            {
                **_DAY,
                **_RESPONDER,
                "definition": "cross-validated or published",
                "num_neurons": "that passed the filters",
                "num_flips": "of them",
                "share": "num_flips / num_neurons",
                "chance": "mean share over shuffles of iso and cross at each contrast",
                "chance_low": ".025 quantile over shuffles",
                "chance_high": ".975 quantile",
                "p": "that these shuffles give as many",
                "chance_published": "mean share over shuffles of the two contrasts, as published: "
                "it mixes large responses with small ones, and is too high",
            },
            ("mouse", "day", "responder", "definition"),
            _GRATINGS,
        ),
        PREFERENCES: (
            {
                **_DAY,
                **_RESPONDER,
                "contrast": "of the gratings, 0..1",
                "num_neurons": "that passed the filters and respond",
                "mean_cmi": "mean of (cross - iso) / (cross + iso)",
                "median_cmi": "median",
                "p": "of the mean: presentations are permuted, the same for all neurons",
            },
            ("mouse", "day", "responder", "contrast"),
            _GRATINGS,
        ),
        SCORES: (
            {
                **_DAY,
                "num_presentations": "that the response is the mean of",
                **STIMULUS_SCORE_TABLES[STIMULUS_SCORES].columns,
            },
            ("mouse", "day", "library", "stimulus", "neuron", "responder"),
            f"{_FOLDER}/read_responses.py",
        ),
        VERDICT: (
            {
                "fields": "of view",
                "part": "gratings, surround against centre, or pair of surrounds",
                "question": "what is positive: an index, mean over neurons, or a difference of "
                "responses relative to the centre, median",
                "num_neurons": "recorded",
                "recorded": "the effect",
                "true": "of the same population without noise",
                "predicted": "by the run",
                "p": "of the recording: permuted presentations, or Wilcoxon tests after Holm",
                "claimed": "p <= .05, and all fields of view have the same sign",
                "agrees": "the recorded sign is true",
                "run_agrees": "the predicted sign is true; false without predictions",
                "num_clear": "recorded neurons whose true effect is not near 0",
                "neurons_agree": "share of these whose recorded sign is true",
                "run_neurons_agree": "share of neurons with a clear true effect whose predicted "
                "sign is true",
            },
            ("fields", "part", "question"),
            _COMPARED,
        ),
        VERDICT_ORDERS: (
            {
                **_RESPONDER,
                "goal": "of the surrounds: excite or inhibit",
                "num_neurons": "with all kinds of surrounds",
                "order": "of medians, largest first",
                "true_order": "likewise, without noise",
                "same_order": "share of neurons whose order is the true one; by chance 1/6",
                "same_top": "share whose largest is the true one; by chance 1/3",
                "pairs_hold": "share of pairs in the true order; by chance 1/2",
            },
            ("responder", "goal"),
            _COMPARED,
        ),
        VERDICT_FLIPS: (
            {
                "definition": "cross-validated or published, of the recording; predicted: the "
                "published rule on what the run predicts",
                "num_neurons": "that passed the filters",
                "num_true": "that flip by the published rule without noise",
                "num_flips": "that are named",
                "hits": "named and true",
                "precision": "hits / num_flips",
                "recall": "hits / num_true",
                "base": "num_true / num_neurons: precision of naming at random",
                "share": "num_flips / num_neurons",
                "chance": "mean share over shuffles, see in_vivo_flip_shares",
            },
            ("definition",),
            _COMPARED,
        ),
    }
)
IN_VIVO_TABLES: Final[Mapping[str, TableSpec]] = MappingProxyType(
    {
        name: TableSpec(columns=MappingProxyType(dict(columns)), key=key, made_by=script)
        for name, (columns, key, script) in _SPECS.items()
    }
)
