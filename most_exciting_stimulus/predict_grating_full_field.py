"""Gratings on the whole screen, in random phases: library gratings."""

import logging

from viv1t import log
from viv1t.config.flags import add_flags, from_values
from viv1t.config.scripts import PROBE_FLAGS, run_script, script_parser
from viv1t.insilico.responders import open_probe
from viv1t.most_exciting_stimulus.grating_grid import GridConfig, RepeatConfig, search_full_field
from viv1t.most_exciting_stimulus.neurons import SelectionConfig

logger = logging.getLogger("viv1t.predict_grating_full_field")
CONFIGS = (SelectionConfig, GridConfig, RepeatConfig)


def main() -> None:
    """Read the command line, show gratings, and say what was written."""
    parser = script_parser(__doc__ or "", *PROBE_FLAGS, "as_published")
    for config in CONFIGS:
        add_flags(parser, config)
    args = parser.parse_args()
    log.setup(args.verbose)
    configs = [from_values(config, vars(args)) for config in CONFIGS]
    paths = search_full_field(open_probe(args), *configs, as_published=args.as_published)
    logger.info("wrote %s", ", ".join(map(str, paths.values())))


if __name__ == "__main__":
    run_script(main)
