"""Gratings in the receptive field and around it, in all pairs of directions: library gratings."""

import logging

from viv1t import log
from viv1t.config.flags import from_values
from viv1t.config.scripts import run_script
from viv1t.insilico.responders import open_probe
from viv1t.most_exciting_stimulus.found import search_parser
from viv1t.most_exciting_stimulus.grating_grid import search_center_surround
from viv1t.most_exciting_stimulus.gratings import GridConfig, SurroundConfig
from viv1t.most_exciting_stimulus.neurons import SelectionConfig

logger = logging.getLogger("viv1t.predict_center_surround_gratings")
CONFIGS = (SelectionConfig, GridConfig, SurroundConfig)


def main() -> None:
    """Read the command line, show all pairs, and say what was written."""
    args = search_parser(__doc__ or "", *CONFIGS).parse_args()
    log.setup(args.verbose)
    configs = [from_values(config, vars(args)) for config in CONFIGS]
    paths = search_center_surround(open_probe(args), *configs, as_published=args.as_published)
    logger.info("wrote %s", ", ".join(map(str, paths.values())))


if __name__ == "__main__":
    run_script(main)
