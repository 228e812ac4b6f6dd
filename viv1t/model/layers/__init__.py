"""Layers of the cores."""
