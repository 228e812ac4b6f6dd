"""Figures: axes in, drawings out."""
