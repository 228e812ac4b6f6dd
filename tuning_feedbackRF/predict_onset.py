"""Show a disc and a hole for half a second, often: experiments/feedbackRF_onset/mouse<M>.h5."""

import logging

from viv1t import log
from viv1t.config.flags import add_flags, from_values
from viv1t.config.scripts import PROBE_FLAGS, run_script, script_parser
from viv1t.experiments.feedback import OnsetConfig, ShownTo, show_onsets
from viv1t.insilico.responders import open_probe

logger = logging.getLogger("viv1t.predict_onset")


def main() -> None:
    """Read the command line, show the stimuli, and say what was written."""
    parser = script_parser(__doc__ or "", *PROBE_FLAGS, "as_published")
    for settings in (OnsetConfig, ShownTo):
        add_flags(parser, settings)
    args = parser.parse_args()
    log.setup(args.verbose)
    paths = show_onsets(
        open_probe(args),
        from_values(OnsetConfig, vars(args)),
        from_values(ShownTo, vars(args)),
        as_published=args.as_published,
    )
    logger.info("wrote responses over time: %s", ", ".join(map(str, paths.values())))


if __name__ == "__main__":
    run_script(main)
