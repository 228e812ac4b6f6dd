"""Preferred sizes, suppression and inverse tuning: tables size_tuning and size_curves."""

import logging

import pandas as pd

from viv1t import log
from viv1t.analysis.feedback import published_preferences, size_tables
from viv1t.config.scripts import TABLE_FLAGS, run_script, script_parser
from viv1t.experiments.feedback import SIZE
from viv1t.experiments.feedback_responses import load_shown, single_responses
from viv1t.results.store import write_result
from viv1t.results.tables import write_table
from viv1t.rng import child

logger = logging.getLogger("viv1t.estimate_size_tuning_curve")


def main() -> None:
    """Read the command line, estimate, and say what was written."""
    args = script_parser(__doc__ or "", *TABLE_FLAGS).parse_args()
    log.setup(args.verbose)
    folder, as_published = args.output_dir, args.as_published
    found = load_shown(folder, SIZE, as_published=as_published, mouse_ids=args.mouse_ids)
    both: tuple[list[pd.DataFrame], list[pd.DataFrame]] = ([], [])
    for mouse_id, (table, discs) in found.items():
        sizes_deg, responses = single_responses(table)
        frames = size_tables(
            responses,
            sizes_deg,
            neurons=table.neurons,
            discs=discs,
            rng=child(args.seed, "size", mouse_id),
            as_published=as_published,
            progress=args.verbose > 1,
        )
        for frame, frames_of_all in zip(frames, both, strict=True):
            frames_of_all.append(frame.assign(mouse=mouse_id))
    tuning, curves = (pd.concat(frames, ignore_index=True) for frames in both)
    method = {"as_published": as_published, "fit": "Cavanaugh 2002, Sceniak 2001", "fdr": 0.05}
    path = write_result(folder, "size_tuning", tuning, method=method)
    write_result(folder, "size_curves", curves, method={"as_published": as_published})
    if as_published:
        preferences = published_preferences(tuning, curves)
        write_table(folder / "size_tuning_preference.parquet", preferences)
    counts = tuning[["classical_tuned", "inverse_tuned"]].sum()
    logger.info(
        "wrote %s: %d neurons, %d classical tuned, %d inverse tuned", path, len(tuning), *counts
    )


if __name__ == "__main__":
    run_script(main)
