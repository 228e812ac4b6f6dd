"""Prove most exciting stimuli on neurons whose best one is known: stimuli.md and its tables."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.validation.known_stimuli import SEEDS
from viv1t.validation.stimuli import prove_stimuli

logger = logging.getLogger("viv1t.validate_stimuli")


def main() -> None:
    """Read the command line, make and measure stimuli, and say what was written."""
    parser = script_parser(__doc__ or "", "output_dir", "verbose")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=list(SEEDS), help="of the starts of each stimulus"
    )
    args = parser.parse_args()
    log.setup(args.verbose)
    logger.info("wrote %s", prove_stimuli(args.output_dir, seeds=args.seeds))


if __name__ == "__main__":
    run_script(main)
