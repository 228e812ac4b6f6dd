"""Stimuli that drive neurons most, or least: searched, generated, validated, exported."""
