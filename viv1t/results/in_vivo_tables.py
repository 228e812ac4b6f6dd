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
    }
)
IN_VIVO_TABLES: Final[Mapping[str, TableSpec]] = MappingProxyType(
    {
        name: TableSpec(columns=MappingProxyType(dict(columns)), key=key, made_by=script)
        for name, (columns, key, script) in _SPECS.items()
    }
)
