"""What contrast does to surrounds, and neurons that flip: figures/contrast_difference, flips."""

import logging

from viv1t import log
from viv1t.analysis.contextual import one_size
from viv1t.analysis.flips import flip_sweep
from viv1t.config.scripts import run_script, script_parser
from viv1t.experiments.contextual import TIMING
from viv1t.experiments.contextual_responses import example_traces
from viv1t.plot.figures.contextual_contrast import contrast_figure, surround_traces_figure
from viv1t.results.contextual_tables import CENTRED, FLIPS, MODULATION
from viv1t.results.store import ResultDir, read_result
from viv1t.units import FPS

logger = logging.getLogger("viv1t.visualize_contrast_difference")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    flags = ("output_dir", "mouse_ids", "centre", "size_deg", "as_published", "verbose")
    parser = script_parser(__doc__ or "", *flags)
    parser.add_argument(
        "--num_examples", type=int, default=4, help="flip neurons whose responses are drawn"
    )
    args = parser.parse_args()
    log.setup(args.verbose)

    modulation, flips = (
        one_size(
            read_result(args.output_dir, name + CENTRED[args.centre], mouse_ids=args.mouse_ids),
            args.size_deg,
        )
        for name in (MODULATION, FLIPS)
    )
    folder, around = ResultDir(args.output_dir).figures, CENTRED[args.centre]
    sweep = flip_sweep(flips["cmi_high"], flips["cmi_low"])
    plate = contrast_figure(modulation, flips, sweep)
    logger.info("wrote %s", plate.save(folder, f"contrast_difference{around}")[0])
    strongest = flips[flips["flip"]].nlargest(args.num_examples, "interaction")
    if strongest.empty:
        logger.info("no neuron flips: no traces to draw")
        return
    traces = example_traces(
        args.output_dir, strongest, centre=args.centre, as_published=args.as_published
    )
    plate = surround_traces_figure(traces, on_s=TIMING.on / FPS, kinds=("iso", "cross"))
    logger.info("wrote %s", plate.save(folder, f"contrast_flips{around}")[0])


if __name__ == "__main__":
    run_script(main)
