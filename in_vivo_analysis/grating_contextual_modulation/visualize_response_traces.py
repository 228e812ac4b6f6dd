"""Recorded responses over time of the neurons that flip most: figures/in_vivo_flip_traces."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.in_vivo.days import flip_traces, open_days
from viv1t.plot.figures.contextual_contrast import surround_traces_figure
from viv1t.results.in_vivo_tables import FLIPS
from viv1t.results.store import ResultDir, read_result

logger = logging.getLogger("viv1t.visualize_response_traces")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    flags = ("data_dir", "output_dir", "mouse_ids", "day", "as_published", "verbose")
    parser = script_parser(__doc__ or "", *flags)
    parser.add_argument("--num_examples", type=int, default=4, help="neurons that are drawn")
    args = parser.parse_args()
    log.setup(args.verbose)

    flips = read_result(args.output_dir, FLIPS, mouse_ids=args.mouse_ids)
    days = open_days(args.data_dir, args.mouse_ids or list(flips["mouse"].unique()), args.day)
    found = flip_traces(days, flips, num=args.num_examples, as_published=args.as_published)
    if found is None:
        logger.info("no neuron flips: no traces to draw")
        return
    plate = surround_traces_figure(found[0], on_s=found[1])
    paths = plate.save(ResultDir(args.output_dir).figures, "in_vivo_flip_traces")
    logger.info("wrote %s", paths[0])


if __name__ == "__main__":
    run_script(main)
