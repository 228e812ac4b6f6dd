"""Animate stimuli with the responses to them: figures/most_exciting_stimulus/mouse<M>_..."""

from viv1t import log
from viv1t.config.flags import add_flags, from_values
from viv1t.config.scripts import run_script, script_parser
from viv1t.most_exciting_stimulus.exhibits import Choice
from viv1t.report.animations import animate_stimuli


def main() -> None:
    """Read the command line, draw, and say what was written."""
    flags = ("output_dir", "mouse_ids", "stimuli", "format", "verbose")
    parser = script_parser(__doc__ or "", *flags)
    add_flags(parser, Choice)
    args = parser.parse_args()
    log.setup(args.verbose)
    animate_stimuli(
        args.output_dir,
        from_values(Choice, vars(args)),
        names=args.stimuli,
        mouse_ids=args.mouse_ids,
        suffix=args.format,
        progress=args.verbose > 1,
    )


if __name__ == "__main__":
    run_script(main)
