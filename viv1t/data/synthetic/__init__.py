"""A mouse whose tuning is known: population, movies and recordings."""

from viv1t.data.synthetic.population import Population
from viv1t.data.synthetic.presets import PRESETS, Preset
from viv1t.data.synthetic.recordings import write_recordings

__all__ = ["PRESETS", "Population", "Preset", "write_recordings"]
