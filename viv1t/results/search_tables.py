"""The tables of reliable neurons and of the best recorded stimuli, see `specs.TABLES`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from viv1t.results.spec import TableSpec

SEARCH_TABLES: Final[Mapping[str, TableSpec]] = MappingProxyType(
    {
        "neuron_reliability": TableSpec(
            columns={
                "mouse": "mouse",
                "neuron": "row of the mouse",
                "rank": "by the sum of the ranks of the two measures, 1 is best; NaN: none, for "
                "lack of a receptive field or of a measure",
                "trial_reliability": "correlation over time between repeats of a movie, mean over "
                "pairs and movies",
                "correlation": "of mean predicted with mean recorded response, mean over movies",
            },
            key=("mouse", "neuron"),
            made_by="most_exciting_stimulus/estimate_neuron_reliability.py",
        ),
        "recorded_windows": TableSpec(
            columns={
                "mouse": "mouse",
                "stimulus": "movie, drifting_gabor or image",
                "trial": "first trial that shows the movie",
                "frame": "first frame of the stretch",
                "recorded": "weighted response of the population, mean over presentations, summed "
                "over the stretch",
                "predicted": "likewise of the model",
            },
            key=("mouse", "stimulus", "trial", "frame"),
            made_by="most_exciting_stimulus/find_most_exciting_recorded.py",
        ),
    }
)
