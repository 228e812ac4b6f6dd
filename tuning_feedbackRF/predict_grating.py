"""Show discs and holes of ten sizes to a run: experiments/feedbackRF/mouse<M>.h5."""

import logging

from viv1t import log
from viv1t.config.flags import add_flags, from_values
from viv1t.config.scripts import PROBE_FLAGS, run_script, script_parser
from viv1t.experiments import feedback_published
from viv1t.experiments.feedback import SIZE, ShownTo, SizeConfig, show_sizes
from viv1t.insilico.responders import open_probe

logger = logging.getLogger("viv1t.predict_grating")


def main() -> None:
    """Read the command line, show the stimuli, and say what was written."""
    parser = script_parser(__doc__ or "", *PROBE_FLAGS, "as_published")
    add_flags(parser, SizeConfig)
    add_flags(parser, ShownTo)
    args = parser.parse_args()
    log.setup(args.verbose)

    given = vars(args)
    paths = show_sizes(
        open_probe(args),
        from_values(SizeConfig, given),
        from_values(ShownTo, given),
        as_published=args.as_published,
    )
    if args.as_published:
        shown = feedback_published.size_set(feedback_published.screen_placement())
        feedback_published.write_parameters(args.output_dir / SIZE, shown, seed=args.seed)
    logger.info("wrote responses to discs and holes: %s", ", ".join(map(str, paths.values())))


if __name__ == "__main__":
    run_script(main)
