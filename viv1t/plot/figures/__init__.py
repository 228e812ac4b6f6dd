"""Figures: each function lays out panels and returns a `Plate` (figure and numbers)."""

from viv1t.plot.figures.ceiling import ceiling_figure
from viv1t.plot.figures.learning import learning_figure
from viv1t.plot.figures.positions import positions_figure
from viv1t.plot.figures.recovery import recovery_figure
from viv1t.plot.figures.scores import scores_figure
from viv1t.plot.figures.traces import traces_figure

__all__ = [
    "ceiling_figure",
    "learning_figure",
    "positions_figure",
    "recovery_figure",
    "scores_figure",
    "traces_figure",
]
