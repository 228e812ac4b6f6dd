"""Still and moving surrounds, natural and generated, around one centre: static_vs_dynamic_*."""

from viv1t.analysis.stimulus_comparisons import MOTION_PAIRS, motion_conditions
from viv1t.config.scripts import run_script
from viv1t.plot.figures.surround_comparisons import draw_surrounds


def main() -> None:
    """Read the command line, draw, and say what was written."""
    draw_surrounds(
        __doc__ or "",
        "static_vs_dynamic",
        conditions=motion_conditions,
        pairs=MOTION_PAIRS,
        centre="natural",
        centre_motion="static",
    )


if __name__ == "__main__":
    run_script(main)
