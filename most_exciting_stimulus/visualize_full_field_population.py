"""Mean responses of a population to its full-field stimuli: figures/full_field_population."""

from viv1t.config.scripts import run_script
from viv1t.plot.figures.population_full_field import draw_population, full_field_figure


def main() -> None:
    """Read the command line, draw, and say what was written."""
    draw_population(__doc__ or "", "full_field_population", full_field_figure)


if __name__ == "__main__":
    run_script(main)
