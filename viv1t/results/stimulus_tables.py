"""The tables of responses to finished stimuli, see `specs.TABLES`.

stimulus_responses is a list for the reader: the sum and the peak of each trace that
`predict_stimulus.py` keeps beside a library, whoever answered, row by row replaced. Nothing is
computed from it. Comparisons, controls and their tests read stimulus_scores, which one run of
`evaluate_stimuli.py` writes whole: there the same sums stand in the rows "as made", beside those to
grey and to changed stimuli.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from viv1t.results.spec import TableSpec

RESPONSES: Final = "stimulus_responses"
OPTIMAL: Final = "optimal_stimuli"
_STIMULUS: Final = MappingProxyType(
    {"library": "of the stimulus", "stimulus": "its name there", "responder": "who was asked"}
)
_VALUES: Final = MappingProxyType(
    {
        "value": "sum over the frames of the stimulus, recorded units",
        "peak": "largest response in those frames, recorded units",
    }
)

STIMULUS_TABLES: Final[Mapping[str, TableSpec]] = MappingProxyType(
    {
        RESPONSES: TableSpec(
            columns={
                "mouse": "mouse",
                "neuron": "row of the neuron that was asked",
                **_STIMULUS,
                "made_for": "row of the neuron the stimulus was made for; -1: the population",
                **_VALUES,
                "lead_frames": "of grey before the stimulus",
            },
            key=("mouse", "neuron", "library", "stimulus", "responder"),
            made_by="most_exciting_stimulus/predict_stimulus.py",
        ),
        OPTIMAL: TableSpec(
            columns={
                "mouse": "mouse",
                "neuron": "row of the neuron; -1: the population, weighted",
                "centre": "what is inside the disc; full_...: on the whole screen",
                "surround": "what is around it",
                "centre_motion": "static or dynamic",
                "surround_motion": "static or dynamic",
                "goal": "excite or inhibit",
                "contrast_matched": "contrast was set to that of other stimuli",
                **_STIMULUS,
                "seed": "of its making; -1: nothing random",
                "rms": "RMS contrast in grey values, where the stimulus was free",
                "converged": "its making had converged",
                "value_made": "value on the responder that made it, by which it was chosen",
                **_VALUES,
            },
            key=(
                *("mouse", "neuron", "centre", "surround", "centre_motion", "surround_motion"),
                *("goal", "contrast_matched", "responder"),
            ),
            made_by="most_exciting_stimulus/predict_optimal.py",
        ),
    }
)
