"""Size tuning curves, largest responses and inverse tuning (Figure 3E): figures/size_tuning."""

import logging

from viv1t import log
from viv1t.config.scripts import FIGURE_FLAGS, run_script, script_parser
from viv1t.plot.figures.size_tuning import size_tuning_figure
from viv1t.results.compared import read_compared
from viv1t.results.manifest import open_compare
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.visualize_size_tuning_curve")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    args = script_parser(__doc__ or "", *FIGURE_FLAGS).parse_args()
    log.setup(args.verbose)
    sources = open_compare(args.compare, args.output_dir)
    tuning = read_compared(sources, "size_tuning", mouse_ids=args.mouse_ids)
    curves = read_compared(sources, "size_curves", mouse_ids=args.mouse_ids)
    if args.as_published:  # layer 2/3
        tuning = tuning[tuning["z_um"].between(200, 300)]
    plate = size_tuning_figure(tuning, curves, labels=[source.label for source in sources])
    paths = plate.save(ResultDir(args.output_dir).figures, "size_tuning")
    logger.info("wrote %s", paths[0])


if __name__ == "__main__":
    run_script(main)
