"""Show a disc and a hole for half a second, often: experiments/feedbackRF_onset/mouse<M>.h5."""

import logging

from viv1t import log
from viv1t.config.flags import add_flags, from_values
from viv1t.config.scripts import PROBE_FLAGS, run_script, script_parser
from viv1t.experiments.feedback import ONSET, OnsetConfig, ShownTo, show_onsets
from viv1t.experiments.feedback_published import (
    ONSET_DEFAULTS,
    onset_set,
    screen_placement,
    write_parameters,
)
from viv1t.insilico.responders import open_probe

logger = logging.getLogger("viv1t.predict_onset")


def main() -> None:
    """Read the command line, show the stimuli, and say what was written."""
    parser = script_parser(__doc__ or "", *PROBE_FLAGS, "as_published")
    for settings in (OnsetConfig, ShownTo):
        add_flags(parser, settings)
    args = parser.parse_args()
    log.setup(args.verbose)
    defaults = ONSET_DEFAULTS if args.as_published else {}
    config = from_values(OnsetConfig, vars(args), defaults=defaults)
    paths = show_onsets(
        open_probe(args),
        config,
        from_values(ShownTo, vars(args)),
        as_published=args.as_published,
    )
    if args.as_published and config.stimulus_size is not None:
        shown = onset_set(config.num_repeats, config.stimulus_size, screen_placement())
        write_parameters(args.output_dir / ONSET, shown, seed=args.seed)
    logger.info("wrote responses over time: %s", ", ".join(map(str, paths.values())))


if __name__ == "__main__":
    run_script(main)
