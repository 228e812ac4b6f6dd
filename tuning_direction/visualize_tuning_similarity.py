"""Similarity of tuning against distance in the cortex."""

import logging

from viv1t.config.scripts import run_script
from viv1t.plot.direction_sources import open_figure
from viv1t.plot.figures.direction_maps import tuning_similarity_figure

logger = logging.getLogger("viv1t.visualize_tuning_similarity")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    comparison = open_figure(__doc__ or "")
    plate = tuning_similarity_figure(comparison, *comparison.similarity())
    logger.info("wrote %s", comparison.save(plate, "tuning_similarity")[0])


if __name__ == "__main__":
    run_script(main)
