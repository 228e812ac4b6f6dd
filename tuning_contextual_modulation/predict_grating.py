"""Show gratings with different surrounds to a responder: experiments/contextual_modulation/."""

import logging

from viv1t import log
from viv1t.config.flags import add_flags, from_values
from viv1t.config.scripts import PROBE_FLAGS, run_script, script_parser
from viv1t.experiments.contextual import NAMES, ContextualConfig, show_gratings
from viv1t.experiments.contextual_published import write_parameters
from viv1t.insilico.responders import open_probe

logger = logging.getLogger("viv1t.predict_grating")


def main() -> None:
    """Read the command line, show the stimuli, and say what was written."""
    parser = script_parser(__doc__ or "", *PROBE_FLAGS, "centre", "as_published")
    add = parser.add_argument
    add("--use_RF_center", action="store_true", help="published flag; they are always used")
    add("--neurons", type=int, nargs="+", default=None, help="rows of neurons; none: all")
    add("--max_neurons", type=int, default=None, help="draw so many of each mouse; none: all")
    add_flags(parser, ContextualConfig)
    args = parser.parse_args()
    log.setup(args.verbose)

    paths = show_gratings(
        open_probe(args),
        from_values(ContextualConfig, vars(args)),
        centre=args.centre,
        neurons=args.neurons,
        max_neurons=args.max_neurons,
        as_published=args.as_published,
    )
    if args.as_published:
        write_parameters(args.output_dir / NAMES[args.centre], args.seed)
    logger.info("wrote %s", ", ".join(map(str, paths.values())))


if __name__ == "__main__":
    run_script(main)
