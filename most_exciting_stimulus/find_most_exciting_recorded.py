"""The recorded stimuli that drove a population most, and whether the model agrees."""

import logging

from viv1t import log
from viv1t.config.flags import add_flags, from_values
from viv1t.config.scripts import run_script, script_parser
from viv1t.most_exciting_stimulus.recorded import RecordedConfig, agreement, best_recorded
from viv1t.results.store import write_result

logger = logging.getLogger("viv1t.find_most_exciting_recorded")


def main() -> None:
    """Read the command line, look through the test trials, and say what was written."""
    names = ("data_dir", "output_dir", "mouse_ids", "as_published", "verbose")
    parser = script_parser(__doc__ or "", *names)
    add_flags(parser, RecordedConfig)
    args = parser.parse_args()
    log.setup(args.verbose)
    config = from_values(RecordedConfig, vars(args))
    windows, libraries = best_recorded(
        args.output_dir,
        args.data_dir,
        config,
        mouse_ids=args.mouse_ids,
        as_published=args.as_published,
        progress=args.verbose > 1,
    )
    method = vars(config) | {"as_published": args.as_published}
    path = write_result(args.output_dir, "recorded_windows", windows, method=method)
    for row in agreement(windows).to_dict("records"):
        logger.info("%s", ", ".join(f"{name} {value}" for name, value in row.items()))
    logger.info("wrote %s and %s", path, ", ".join(map(str, libraries.values())))


if __name__ == "__main__":
    run_script(main)
