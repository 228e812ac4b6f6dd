"""Onset of responses to discs and holes (Figure 3F): figures/response_onset."""

import logging

from viv1t import log
from viv1t.analysis.feedback import published_both_fields, with_both_fields
from viv1t.config.scripts import FIGURE_FLAGS, run_script, script_parser
from viv1t.plot.figures.onsets import onset_figure
from viv1t.results.compared import LABEL, read_compared
from viv1t.results.manifest import open_compare
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.visualize_response_onset")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    args = script_parser(__doc__ or "", *FIGURE_FLAGS).parse_args()
    log.setup(args.verbose)
    sources = open_compare(args.compare, args.output_dir)
    tuning, onsets, traces = (
        read_compared(sources, name, mouse_ids=args.mouse_ids)
        for name in ("size_tuning", "response_onset", "onset_traces")
    )
    choose = published_both_fields if args.as_published else with_both_fields
    plate = onset_figure(
        choose(onsets, tuning, keys=(LABEL, "mouse", "neuron")),
        traces,
        labels=[source.label for source in sources],
    )
    path, *_ = plate.save(ResultDir(args.output_dir).figures, "response_onset")
    logger.info("wrote %s", path)


if __name__ == "__main__":
    run_script(main)
