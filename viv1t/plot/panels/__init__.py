"""Panels: each function draws one thing on axes that are handed to it."""

from viv1t.plot.panels.curves import direction_axis, size_curve, trace_band, tuning_curve
from viv1t.plot.panels.distributions import bars_with_points, box_and_dots, step_histogram
from viv1t.plot.panels.images import heat_table, image_with_contour, thumbnails
from viv1t.plot.panels.marks import (
    chance_line,
    corner_text,
    median_triangle,
    presentation_window,
    significance,
)
from viv1t.plot.panels.paired import paired_scatter

__all__ = [
    "bars_with_points",
    "box_and_dots",
    "chance_line",
    "corner_text",
    "direction_axis",
    "heat_table",
    "image_with_contour",
    "median_triangle",
    "paired_scatter",
    "presentation_window",
    "significance",
    "size_curve",
    "step_histogram",
    "thumbnails",
    "trace_band",
    "tuning_curve",
]
