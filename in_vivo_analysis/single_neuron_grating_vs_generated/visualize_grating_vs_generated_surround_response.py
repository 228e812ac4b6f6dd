"""Grating, natural and generated surrounds of a grating centre, recorded and predicted."""

from viv1t.config.scripts import run_script
from viv1t.in_vivo.comparisons import draw_surrounds
from viv1t.plot.figures.in_vivo import surround_plates


def main() -> None:
    """Read the command line, compare, draw, and say what was written."""
    draw_surrounds(__doc__ or "", "single_neuron_grating_vs_generated", surround_plates)


if __name__ == "__main__":
    run_script(main)
