"""Recordings: where they are, what they hold, how they reach a model."""
