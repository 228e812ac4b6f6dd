"""Distributions of orientation and direction selectivity."""

import logging

from viv1t.config.scripts import run_script
from viv1t.plot.direction_sources import open_figure
from viv1t.plot.figures.direction_preferences import selectivity_distributions_figure

logger = logging.getLogger("viv1t.visualize_selectivity_distributions")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    comparison = open_figure(__doc__ or "")
    paths = comparison.save(
        selectivity_distributions_figure(comparison), "selectivity_distributions"
    )
    logger.info("wrote %s", paths[0])


if __name__ == "__main__":
    run_script(main)
