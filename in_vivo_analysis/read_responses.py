"""Recorded and predicted responses to the stimuli of a later day: tables/in_vivo_scores."""

import logging

import pandas as pd

from viv1t import log
from viv1t.config.scripts import DAY_FLAGS, run_script, script_parser
from viv1t.in_vivo.days import open_days, score_table
from viv1t.results.in_vivo_tables import SCORES
from viv1t.results.store import write_result

logger = logging.getLogger("viv1t.read_responses")


def main() -> None:
    """Read the command line, tabulate, and say what was written."""
    args = script_parser(__doc__ or "", *DAY_FLAGS).parse_args()
    log.setup(args.verbose)

    days = open_days(args.data_dir, args.mouse_ids, args.day)
    parts = [score_table(day, args.output_dir, as_published=args.as_published) for day in days]
    table, method = pd.concat(parts), {"day": args.day, "as_published": args.as_published}
    path = write_result(args.output_dir, SCORES, table, method=method)
    logger.info("wrote %d rows to %s", len(table), path)


if __name__ == "__main__":
    run_script(main)
