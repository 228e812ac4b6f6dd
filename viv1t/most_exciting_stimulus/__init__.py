"""Stimuli that drive a neuron most (arrives with a later version)."""
