"""The tables of the neurons that stimuli are made for, see `specs.TABLES`."""

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
    }
)
