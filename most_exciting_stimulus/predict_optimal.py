"""Predict the best stimulus of every kind for each neuron anew: table optimal_stimuli."""

import logging

from viv1t import log
from viv1t.config.scripts import PROBE_FLAGS, run_script, script_parser
from viv1t.most_exciting_stimulus.library import read_libraries
from viv1t.most_exciting_stimulus.predict import predict_optimal
from viv1t.most_exciting_stimulus.witnesses import open_witnesses

logger = logging.getLogger("viv1t.predict_optimal")


def main() -> None:
    """Read the command line, predict, and say what was written."""
    parser = script_parser(__doc__ or "", *PROBE_FLAGS, "stimuli", "held_out", "as_published")
    args = parser.parse_args()
    log.setup(args.verbose)

    library = read_libraries(args.output_dir, args.stimuli, args.mouse_ids)
    args.mouse_ids = sorted(set(library.table["mouse"]))
    path = predict_optimal(
        args.output_dir, library, open_witnesses(args), as_published=args.as_published
    )
    logger.info("wrote %s", path)


if __name__ == "__main__":
    run_script(main)
