"""Gratings in the receptive field and around it, in all pairs of directions: library gratings."""

from viv1t import log
from viv1t.config.scripts import run_script
from viv1t.most_exciting_stimulus.found import search_parser
from viv1t.most_exciting_stimulus.grating_grid import search_center_surround
from viv1t.most_exciting_stimulus.gratings import GridConfig, SurroundConfig
from viv1t.most_exciting_stimulus.neurons import SelectionConfig
from viv1t.report.animations import search_as_asked

CONFIGS = (SelectionConfig, GridConfig, SurroundConfig)


def main() -> None:
    """Read the command line, show all pairs, and say what was written."""
    args = search_parser(__doc__ or "", *CONFIGS).parse_args()
    log.setup(args.verbose)
    search_as_asked(args, search_center_surround, *CONFIGS)


if __name__ == "__main__":
    run_script(main)
