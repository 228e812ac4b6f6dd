"""A mouse whose tuning is known: population, movies and recordings."""

from viv1t.data.synthetic.ceiling import noise_ceiling
from viv1t.data.synthetic.population import Population
from viv1t.data.synthetic.presets import PRESETS, Preset
from viv1t.data.synthetic.recordings import write_recordings
from viv1t.data.synthetic.responder import PopulationModel, SyntheticMouse, load_population
from viv1t.data.synthetic.truth import load_truth

__all__ = [
    "PRESETS",
    "Population",
    "PopulationModel",
    "Preset",
    "SyntheticMouse",
    "load_population",
    "load_truth",
    "noise_ceiling",
    "write_recordings",
]
