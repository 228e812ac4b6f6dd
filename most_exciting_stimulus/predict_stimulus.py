"""Predict finished stimuli: table stimulus_responses, and responses over time beside libraries."""

import logging
from pathlib import Path

from viv1t import log
from viv1t.config.scripts import PROBE_FLAGS, run_script, script_parser
from viv1t.most_exciting_stimulus.adopted import adopt_checkpoint
from viv1t.most_exciting_stimulus.library import read_libraries
from viv1t.most_exciting_stimulus.predict import predict_libraries
from viv1t.most_exciting_stimulus.witnesses import open_witnesses

logger = logging.getLogger("viv1t.predict_stimulus")


def main() -> None:
    """Read the command line, predict, and say what was written."""
    parser = script_parser(__doc__ or "", *PROBE_FLAGS, "stimuli", "held_out", "as_published")
    parser.add_argument(
        "--input_dir", type=Path, default=None, help="folder of a ckpt.pt, to take in first"
    )
    args = parser.parse_args()
    log.setup(args.verbose)

    if args.input_dir is not None:
        library = adopt_checkpoint(args.output_dir, args.input_dir)
    else:
        library = read_libraries(args.output_dir, args.stimuli, args.mouse_ids)
    args.mouse_ids = sorted(set(library.table["mouse"]))
    for witness in open_witnesses(args):
        written = predict_libraries(
            args.output_dir, library, witness, as_published=args.as_published
        )
        logger.info("wrote %s", ", ".join(map(str, written)))


if __name__ == "__main__":
    run_script(main)
