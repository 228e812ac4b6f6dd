"""Mean tuning curves around the preferred angle, and their half widths."""

import logging

from viv1t.config.scripts import run_script
from viv1t.plot.direction_sources import open_figure
from viv1t.plot.figures.direction_curves import tuning_width_figure

logger = logging.getLogger("viv1t.visualize_tuning_width")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    comparison = open_figure(__doc__ or "")
    paths = comparison.save(tuning_width_figure(comparison), "tuning_width")
    logger.info("wrote %s", paths[0])


if __name__ == "__main__":
    run_script(main)
