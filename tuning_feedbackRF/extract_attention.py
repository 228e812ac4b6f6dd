"""Attention rollout of a run for discs and holes: experiments/attention_feedbackRF/mouse<M>/."""

import logging
from functools import partial

from viv1t import log
from viv1t.analysis.rollout import RolloutTally
from viv1t.config.flags import add_flags, from_values
from viv1t.config.scripts import PROBE_FLAGS, run_script, script_parser
from viv1t.experiments.attention import stimulus_trials
from viv1t.experiments.feedback import SizeConfig, size_set
from viv1t.insilico.extract import Extraction, extract_from_stimuli
from viv1t.insilico.responders import open_probe
from viv1t.results.attention import FEEDBACK, FEEDBACK_EXTRACT
from viv1t.units import SKIP_FRAMES

logger = logging.getLogger("viv1t.extract_attention")


def main() -> None:
    """Read the command line, show the stimuli, and say what was written."""
    parser = script_parser(
        "Roll out the attention of a run for discs of grating and holes in a grating, in the "
        "middle of the screen. What this can and cannot tell: docs/attention.md.",
        *PROBE_FLAGS,
        "as_published",
    )
    add_flags(parser, SizeConfig)
    args = parser.parse_args()
    log.setup(args.verbose)

    probe, design = open_probe(args), partial(size_set, from_values(SizeConfig, vars(args)))
    found = extract_from_stimuli(
        probe,
        FEEDBACK,
        partial(stimulus_trials, design, probe),
        Extraction(
            make_tally=partial(RolloutTally, as_published=args.as_published),
            as_published=args.as_published,
            skip_frames=SKIP_FRAMES,
            progress=args.verbose > 1,
        ),
        made_by=FEEDBACK_EXTRACT,
    )
    paths = ", ".join(str(files.path) for files in found.values())
    logger.info("wrote the attention to discs and holes: %s", paths)


if __name__ == "__main__":
    run_script(main)
