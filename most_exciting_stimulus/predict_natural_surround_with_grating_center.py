"""Natural surrounds that excite and inhibit most, around the best grating."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script
from viv1t.most_exciting_stimulus.natural import natural_parser, search_as_asked

logger = logging.getLogger("viv1t.predict_natural_surround_with_grating_center")


def main() -> None:
    """Read the command line, search around a grating, and say what was written."""
    args = natural_parser(__doc__ or "", "static_surround").parse_args()
    log.setup(args.verbose)
    paths = search_as_asked(args, "grating_surround", static=args.static_surround)
    logger.info("wrote %s", ", ".join(map(str, paths.values())))


if __name__ == "__main__":
    run_script(main)
