"""Similarity of tuning against distance in each plane."""

import logging

from viv1t.config.scripts import run_script
from viv1t.plot.direction_sources import open_figure
from viv1t.plot.figures.direction_maps import similarity_by_plane_figure

logger = logging.getLogger("viv1t.visualize_tuning_similarity_by_plane")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    comparison = open_figure(__doc__ or "")
    paths = comparison.save(similarity_by_plane_figure(comparison), "tuning_similarity_by_plane")
    logger.info("wrote %s", paths[0])


if __name__ == "__main__":
    run_script(main)
