"""Natural surrounds that excite and inhibit most, around the best natural centre."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script
from viv1t.most_exciting_stimulus.natural import natural_parser, search_as_asked

logger = logging.getLogger("viv1t.predict_natural_surround")


def main() -> None:
    """Read the command line, search around a clip, and say what was written."""
    args = natural_parser(__doc__ or "", "static_center", "static_surround").parse_args()
    log.setup(args.verbose)
    static, static_centre = args.static_surround, args.static_center
    paths = search_as_asked(args, "surround", static=static, static_centre=static_centre)
    logger.info("wrote %s", ", ".join(map(str, paths.values())))


if __name__ == "__main__":
    run_script(main)
