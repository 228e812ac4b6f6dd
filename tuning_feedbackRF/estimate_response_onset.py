"""When responses to discs and to holes begin: tables response_onset and onset_traces."""

import logging

import pandas as pd

from viv1t import log
from viv1t.analysis.feedback import onset_tables
from viv1t.config.scripts import TABLE_FLAGS, run_script, script_parser
from viv1t.experiments.feedback import ONSET
from viv1t.experiments.feedback_responses import load_shown, mean_traces
from viv1t.results.store import write_result
from viv1t.results.tables import write_table
from viv1t.rng import child

logger = logging.getLogger("viv1t.estimate_response_onset")


def main() -> None:
    """Read the command line, estimate, and say what was written."""
    args = script_parser(__doc__ or "", *TABLE_FLAGS).parse_args()
    log.setup(args.verbose)
    shown = load_shown(
        args.output_dir, ONSET, as_published=args.as_published, mouse_ids=args.mouse_ids
    )
    onsets, courses = [], []
    for mouse_id, (table, discs) in shown.items():
        traces, sems = mean_traces(table)
        onset, course = onset_tables(
            traces,
            sems,
            before=table.reduction.before,
            on=table.on,
            neurons=table.neurons["neuron"].tolist(),
            discs=discs,
            rng=child(args.seed, "onset", mouse_id),
            as_published=args.as_published,
        )
        onsets.append(onset.assign(mouse=mouse_id))
        courses.append(course.assign(mouse=mouse_id))
    every = pd.concat(onsets, ignore_index=True)
    method = {"as_published": args.as_published, "fraction_of_peak": 0.25}
    path = write_result(args.output_dir, "response_onset", every, method=method)
    write_result(args.output_dir, "onset_traces", pd.concat(courses), method=method)
    if args.as_published:
        names = {"classical_onset_s": "classical_onset", "inverse_onset_s": "inverse_onset"}
        published = every.rename(columns=names)[["mouse", "neuron", *names.values()]]
        published = published.assign(model_name=args.output_dir.name)
        write_table(args.output_dir / "response_onsets.parquet", published)
    known = every["delay_s"].notna().sum()
    logger.info("wrote %s: %d neurons, both onsets known of %d", path, len(every), known)


if __name__ == "__main__":
    run_script(main)
