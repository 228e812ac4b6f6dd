"""Prove the tuning analyses on populations whose truth is known: oracle.md and its tables."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.data.synthetic.noisy import GAIN_SHAPE
from viv1t.data.synthetic.oracle import NUM_SEEDS
from viv1t.validation.chain import Bench
from viv1t.validation.run import prove

logger = logging.getLogger("viv1t.validate_analyses")


def main() -> None:
    """Read the command line, run the chain of analyses, and say what was written."""
    parser = script_parser(__doc__ or "", "output_dir", "verbose")
    parser.add_argument(
        "--seeds",
        type=int,
        nargs="+",
        default=list(range(1, NUM_SEEDS + 1)),
        help="populations of 40 cells; about 8 minutes each on one core",
    )
    parser.add_argument(
        "--gain_shape",
        type=float,
        default=GAIN_SHAPE,
        help="shape of the gamma gain per presentation: 60 has a CV of 13 %%, 4 of 50 %%",
    )
    args = parser.parse_args()
    log.setup(args.verbose)
    bench = Bench(folder=args.output_dir, gain_shape=args.gain_shape, progress=args.verbose > 2)
    logger.info("wrote %s", prove(bench, args.seeds))


if __name__ == "__main__":
    run_script(main)
