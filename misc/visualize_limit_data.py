"""Draw how performance grows with training trials and neurons: figures/limited_data."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from viv1t import log
from viv1t.analysis.scores import across_mice, share_of_full
from viv1t.config.scripts import run_script, script_parser
from viv1t.names import TIERS
from viv1t.plot.figures.performance import limited_data_figure
from viv1t.results.manifest import open_compare
from viv1t.results.scores import read_limits, read_scores
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.visualize_limit_data")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    parser = script_parser(
        "Draw the scores of runs that misc/limit_data.py names, in % of the run with all data.",
        *("output_dir", "verbose"),
    )
    add = parser.add_argument
    add("--runs", type=Path, nargs="+", required=True, help="run folders, scored (required)")
    add("--ds_tier", choices=TIERS, default="live_main", help="what was predicted")
    args = parser.parse_args()
    log.setup(args.verbose)

    sources = open_compare([f"{run}={run}" for run in map(str, args.runs)], args.output_dir)
    rows = []
    for source in sources:
        scores = read_scores(source, tiers=[args.ds_tier])
        score = across_mice(scores, "correlation", by=["model"])["mean"].item()
        limits = {name: limit or np.inf for name, limit in read_limits(source).items()}
        rows.append(limits | {"score": score})
    grid, full = share_of_full(pd.DataFrame(rows))
    plate = limited_data_figure(grid, full=full)
    paths = plate.save(ResultDir(args.output_dir).figures, "limited_data")
    logger.info("wrote %s", ", ".join(map(str, paths)))


if __name__ == "__main__":
    run_script(main)
