"""Panels: each function draws one thing on axes that are handed to it."""
