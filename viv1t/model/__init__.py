"""Models: a core that all mice share, a readout and a shifter for each."""
