"""Grating, natural and generated surrounds around one centre: figures/grating_vs_generated_*."""

from viv1t.analysis.stimulus_comparisons import ORIGIN_PAIRS, origin_conditions
from viv1t.config.scripts import run_script
from viv1t.plot.figures.surround_comparisons import draw_surrounds


def main() -> None:
    """Read the command line, draw, and say what was written."""
    draw_surrounds(
        __doc__ or "",
        "grating_vs_generated",
        conditions=origin_conditions,
        pairs=ORIGIN_PAIRS,
        centre="grating",
    )


if __name__ == "__main__":
    run_script(main)
