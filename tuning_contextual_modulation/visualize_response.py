"""Responses of single neurons over time, beside the stimuli: figures/surround_responses."""

import logging

import numpy as np

from viv1t import log
from viv1t.analysis.contextual import one_size
from viv1t.config.scripts import run_script, script_parser
from viv1t.experiments.contextual import TIMING, example_movies
from viv1t.experiments.contextual_responses import example_traces, placement_of
from viv1t.plot.figures.contextual_contrast import surround_traces_figure
from viv1t.results.contextual_tables import CENTRED, MODULATION
from viv1t.results.store import ResultDir, read_result
from viv1t.units import FPS

logger = logging.getLogger("viv1t.visualize_response")

KINDS = ("centre", "iso", "cross")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    flags = ("output_dir", "mouse_ids", "centre", "size_deg", "as_published", "verbose")
    parser = script_parser(__doc__ or "", *flags)
    add = parser.add_argument
    add("--neurons", type=int, nargs="+", default=None, help="rows; none: the strongest responses")
    add("--num_examples", type=int, default=4, help="neurons to draw")
    args = parser.parse_args()
    log.setup(args.verbose)

    given = {"centre": args.centre, "as_published": args.as_published}
    name = MODULATION + CENTRED[args.centre]
    table = read_result(args.output_dir, name, mouse_ids=args.mouse_ids)
    if args.neurons is not None:
        table = table[table["neuron"].isin(args.neurons)]
    table = one_size(table, args.size_deg)
    high = table[table["contrast"] == table["contrast"].max()]
    chosen = high.nlargest(args.num_examples, "centre")
    traces = example_traces(args.output_dir, chosen, **given)
    first = chosen[["mouse", "neuron", "size_deg"]].iloc[0]
    contrast = float(high["contrast"].iloc[0])
    movies = example_movies(
        placement_of(args.output_dir, *first, **given), [contrast], as_published=args.as_published
    )
    frames = np.stack([movies[contrast, kind][0] for kind in KINDS])
    plate = surround_traces_figure(traces, on_s=TIMING.on / FPS, kinds=KINDS, frames=frames)
    path, *_ = plate.save(
        ResultDir(args.output_dir).figures, f"surround_responses{CENTRED[args.centre]}"
    )
    logger.info("wrote %s", path)


if __name__ == "__main__":
    run_script(main)
