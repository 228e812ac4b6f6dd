"""Correlation of predicted with recorded tuning curves."""

import logging

from viv1t.config.scripts import run_script
from viv1t.plot.direction_sources import open_figure
from viv1t.plot.figures.direction_curves import curve_correlation_figure

logger = logging.getLogger("viv1t.visualize_tuning_curve_correlation")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    comparison = open_figure(__doc__ or "")
    paths = comparison.save(curve_correlation_figure(comparison), "tuning_curve_correlation")
    logger.info("wrote %s", paths[0])


if __name__ == "__main__":
    run_script(main)
