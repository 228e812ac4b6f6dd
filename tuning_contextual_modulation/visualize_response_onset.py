"""When responses and suppression by the surround begin: figures/surround_onsets."""

import logging

import pandas as pd

from viv1t import log
from viv1t.analysis.surround_onsets import surround_onsets
from viv1t.config.scripts import run_script, script_parser
from viv1t.experiments.contextual import REDUCTION, TIMING
from viv1t.experiments.contextual_responses import load_gratings, strongest_traces
from viv1t.plot.figures.surround_onsets import surround_onset_figure
from viv1t.results.contextual_tables import CENTRED
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.visualize_response_onset")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    flags = ("output_dir", "mouse_ids", "centre", "size_deg", "as_published", "verbose")
    args = script_parser(__doc__ or "", *flags).parse_args()
    log.setup(args.verbose)

    shown = load_gratings(
        args.output_dir,
        centre=args.centre,
        as_published=args.as_published,
        mouse_ids=args.mouse_ids,
    )
    parts = []
    for mouse_id, (table, discs) in shown.items():
        means, sems = strongest_traces(table, discs, args.size_deg)
        onsets = surround_onsets(means, sems, before=REDUCTION.before, on=TIMING.on)
        onsets.insert(0, "neuron", table.neurons["neuron"].to_numpy())
        onsets.insert(0, "mouse", mouse_id)
        parts.append(onsets)
    plate = surround_onset_figure(pd.concat(parts, ignore_index=True))
    folder = ResultDir(args.output_dir).figures
    logger.info("wrote %s", plate.save(folder, f"surround_onsets{CENTRED[args.centre]}")[0])


if __name__ == "__main__":
    run_script(main)
