"""The tables of `most_exciting_stimulus/evaluate_stimuli.py`, see `specs.TABLES`.

`response` of stimulus_scores, version "as made", is `value` of stimulus_responses: see
`stimulus_tables` for what tells the two apart.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from viv1t.results.spec import TableSpec

SCORES: Final = "stimulus_scores"
CONFUSION: Final = "stimulus_confusion"
RANKS: Final = "stimulus_ranks"
SEEDS: Final = "stimulus_seeds"

_STIMULUS: Final = MappingProxyType(
    {
        "mouse": "mouse",
        "library": "of the stimulus",
        "stimulus": "its name there",
        "made_for": "row of the neuron that it was made or found for; -1: the population",
    }
)
_KIND: Final = MappingProxyType(
    {
        "centre": "what the disc shows; with full_ the whole screen",
        "surround": "what is around it",
        "centre_motion": "static or dynamic",
        "surround_motion": "likewise",
        "goal": "excite or inhibit",
        "contrast_matched": "RMS contrast and mean were held",
    }
)
_MAKING: Final = MappingProxyType(
    {
        "seed": "of its making; -1: nothing was random",
        "value": "the objective when it was made, on the responder that made it",
        "converged": "its making came to rest",
    }
)
_ASKED: Final = MappingProxyType(
    {
        "neuron": "row of the neuron that was asked",
        "responder": "who was asked",
        "role": "run (that made the stimuli), held_out or truth",
    }
)
_SCRIPT: Final = "most_exciting_stimulus/evaluate_stimuli.py"
_SPECS: Final[Mapping[str, tuple[Mapping[str, str], tuple[str, ...]]]] = MappingProxyType(
    {
        SCORES: (
            {
                **_STIMULUS,
                **_KIND,
                **_MAKING,
                **_ASKED,
                "version": "as made; shift, rotate, reverse, scramble or contrast: changed",
                "amount": "degrees of shift or turn, factor of contrast; 0: none",
                "rms": "contrast over the pixels of the stimulus as made, in grey values",
                "response": "sum over the stimulus, recorded units; mean over shifts in four "
                "directions, or over drawn phases",
                "blank": "the same to grey",
                "direction_selective": "1 or 0 by the table selectivity; NaN: unknown",
            },
            ("mouse", "library", "stimulus", "neuron", "responder", "version", "amount"),
        ),
        CONFUSION: (
            {
                **_STIMULUS,
                **_ASKED,
                "matched": "shown on the receptive field of the neuron that is asked",
                "response": "sum over the stimulus, recorded units",
                "z": "of the responses of a neuron to all these stimuli",
            },
            ("mouse", "library", "stimulus", "neuron", "responder", "matched"),
        ),
        RANKS: (
            {
                **_STIMULUS,
                "responder": "who was asked",
                "role": "run, held_out or truth",
                "matched": "shown on the receptive field of the neuron that is asked",
                "rank": "of the own neuron by z; 1 is driven most, ties share their mean",
                "num_neurons": "that were compared",
                "rank_of_stimulus": "of the stimulus, for its own neuron",
                "num_stimuli": "that were compared",
            },
            ("mouse", "library", "stimulus", "responder", "matched"),
        ),
        SEEDS: (
            {
                **{name: _STIMULUS[name] for name in ("mouse", "library", "made_for")},
                **_KIND,
                "num_seeds": "that made such a stimulus",
                "num_converged": "of them",
                "best": "largest value of the objective",
                "spread": "largest minus smallest value, as a share of the largest",
                "correlation": "between stimuli of two seeds, phases aligned; mean over pairs",
                "correlation_plain": "likewise, as they are",
            },
            ("mouse", "library", "made_for", *_KIND),
        ),
    }
)
STIMULUS_SCORE_TABLES: Final[Mapping[str, TableSpec]] = MappingProxyType(
    {
        name: TableSpec(columns=MappingProxyType(dict(columns)), key=key, made_by=_SCRIPT)
        for name, (columns, key) in _SPECS.items()
    }
)
