"""The natural images or movies that drive most on the whole screen: library natural."""

from viv1t import log
from viv1t.config.scripts import run_script
from viv1t.most_exciting_stimulus.natural import (
    CONFIGS,
    natural_options,
    natural_parser,
    search_natural,
)
from viv1t.report.animations import search_as_asked


def main() -> None:
    """Read the command line, search the whole screen, and say what was written."""
    args = natural_parser(__doc__ or "", "static").parse_args()
    log.setup(args.verbose)
    search_as_asked(args, search_natural, *CONFIGS, **natural_options(args, "full_field"))


if __name__ == "__main__":
    run_script(main)
