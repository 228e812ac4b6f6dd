"""The natural images or movies that drive most on the whole screen: library natural."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script
from viv1t.most_exciting_stimulus.natural import natural_parser, search_as_asked

logger = logging.getLogger("viv1t.predict_natural_full_field")


def main() -> None:
    """Read the command line, search the whole screen, and say what was written."""
    args = natural_parser(__doc__ or "", "static").parse_args()
    log.setup(args.verbose)
    paths = search_as_asked(args, "full_field", static=args.static)
    logger.info("wrote %s", ", ".join(map(str, paths.values())))


if __name__ == "__main__":
    run_script(main)
