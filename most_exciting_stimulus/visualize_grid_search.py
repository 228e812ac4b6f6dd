"""Responses over a grid of spatial and temporal cutoffs: figures/cutoff_grid."""

import logging
from pathlib import Path

from viv1t import log
from viv1t.analysis.cutoff_grid import gains
from viv1t.config.scripts import run_script, script_parser
from viv1t.most_exciting_stimulus.grid_search import cutoff_table
from viv1t.most_exciting_stimulus.library import read_libraries
from viv1t.plot.figures.cutoff_grid import cutoff_grid_figure
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.visualize_grid_search")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    parser = script_parser(__doc__ or "", "output_dir", "mouse_ids", "stimuli", "verbose")
    parser.add_argument(
        "--MEVs_dir", type=Path, default=None, help="results with the grid; none: --output_dir"
    )
    args = parser.parse_args()
    log.setup(args.verbose)

    folder = args.MEVs_dir or args.output_dir
    table, reference = cutoff_table(
        read_libraries(folder, args.stimuli, args.mouse_ids),
        read_libraries(args.output_dir, None, args.mouse_ids),
    )
    plate = cutoff_grid_figure(gains(table), reference=reference)
    paths = plate.save(ResultDir(args.output_dir).figures, "cutoff_grid")
    logger.info("wrote %s; elbows %s", paths[0], plate.numbers["picks"].iloc[0].to_dict())


if __name__ == "__main__":
    run_script(main)
