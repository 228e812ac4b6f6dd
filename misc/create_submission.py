"""Write predicted test responses as files for the Sensorium 2023 server, and check them."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.results.submission import FILES
from viv1t.training.submit import submit

logger = logging.getLogger("viv1t.create_submission")


def main() -> None:
    """Read the command line, write and check the files, and say what was written."""
    parser = script_parser(
        "Write <output_dir>/responses as parquet.brotli files in the format of Sensorium 2023, and "
        "read them back.",
        *("data_dir", "output_dir", "mouse_ids", "verbose"),
    )
    add = parser.add_argument
    add("--ds_tier", nargs="+", choices=tuple(FILES), help="test tiers; none: all there are")
    add(
        "--normalization",
        choices=("none", "per_neuron_std", "per_frame_std"),
        default="none",
        help="divide predictions by the standard deviation of the training responses: of each "
        "neuron, or of each neuron and frame (as the competition's loader did)",
    )
    args = parser.parse_args()
    log.setup(args.verbose)
    for path, count in submit(
        args.output_dir,
        args.data_dir,
        mouse_ids=args.mouse_ids,
        tiers=args.ds_tier,
        normalization=args.normalization,
        progress=args.verbose > 1,
    ).items():
        logger.info("wrote and checked %s: %d trials", path, count)


if __name__ == "__main__":
    run_script(main)
