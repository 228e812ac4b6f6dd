"""Spread over neurons of responses to full-field stimuli: figures/population_responses."""

from viv1t.config.scripts import run_script
from viv1t.plot.figures.population_full_field import distribution_figure, draw_population


def main() -> None:
    """Read the command line, draw, and say what was written."""
    draw_population(__doc__ or "", "population_responses", distribution_figure)


if __name__ == "__main__":
    run_script(main)
