"""Natural surrounds that excite and inhibit most, around the best grating."""

from functools import partial

from viv1t import log
from viv1t.config.scripts import run_script
from viv1t.most_exciting_stimulus.natural import CONFIGS, natural_parser, search_natural
from viv1t.report.animations import search_as_asked


def main() -> None:
    """Read the command line, search around a grating, and say what was written."""
    args = natural_parser(__doc__ or "", "static_surround").parse_args()
    log.setup(args.verbose)
    search = partial(
        search_natural,
        layout="grating_surround",
        data_dir=args.data_dir,
        static=args.static_surround,
        num_workers=args.num_workers,
    )
    search_as_asked(args, search, *CONFIGS)


if __name__ == "__main__":
    run_script(main)
