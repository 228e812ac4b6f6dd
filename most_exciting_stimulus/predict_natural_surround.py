"""Natural surrounds that excite and inhibit most, around the best natural centre."""

import logging

from viv1t import log
from viv1t.config.flags import from_values
from viv1t.config.scripts import run_script
from viv1t.insilico.responders import open_probe
from viv1t.most_exciting_stimulus.natural import NaturalConfig, natural_parser, search_natural
from viv1t.most_exciting_stimulus.neurons import SelectionConfig

logger = logging.getLogger("viv1t.predict_natural_surround")


def main() -> None:
    """Read the command line, search, and say what was written."""
    args = natural_parser(__doc__ or "", "static_center", "static_surround").parse_args()
    log.setup(args.verbose)
    paths = search_natural(
        open_probe(args),
        "surround",
        *(from_values(config, vars(args)) for config in (SelectionConfig, NaturalConfig)),
        data_dir=args.data_dir,
        static=args.static_surround,
        static_centre=args.static_center,
        as_published=args.as_published,
    )
    logger.info("wrote %s", ", ".join(map(str, paths.values())))


if __name__ == "__main__":
    run_script(main)
