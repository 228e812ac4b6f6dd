"""The natural images or movies that drive most in the receptive field: library natural."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script
from viv1t.most_exciting_stimulus.natural import natural_parser, search_as_asked

logger = logging.getLogger("viv1t.predict_natural_center")


def main() -> None:
    """Read the command line, search the centre, and say what was written."""
    args = natural_parser(__doc__ or "", "static").parse_args()
    log.setup(args.verbose)
    paths = search_as_asked(args, "centre", static=args.static)
    logger.info("wrote %s", ", ".join(map(str, paths.values())))


if __name__ == "__main__":
    run_script(main)
