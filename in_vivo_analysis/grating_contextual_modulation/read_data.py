"""Modulation by surrounds at two contrasts, and flips: in_vivo_modulation, _flips, _flip_shares."""

import logging

import pandas as pd

from viv1t import log
from viv1t.config.scripts import DAY_FLAGS, run_script, script_parser
from viv1t.in_vivo.days import contextual_tables, open_days
from viv1t.results.store import write_result

logger = logging.getLogger("viv1t.read_data")


def main() -> None:
    """Read the command line, analyse the responses, write the tables."""
    parser = script_parser(__doc__ or "", *DAY_FLAGS)
    parser.add_argument(
        "--field_deg",
        type=float,
        default=10.0,
        help="diameter of the disc around the middle of all receptive fields in which one must lie",
    )
    args = parser.parse_args()
    log.setup(args.verbose)

    asked = {n: getattr(args, n) for n in ("field_deg", "seed", "as_published")}
    days = open_days(args.data_dir, args.mouse_ids, args.day)
    found = [contextual_tables(day, args.output_dir, **asked) for day in days]
    for name in found[0]:
        table = pd.concat([tables[name] for tables in found], ignore_index=True)
        path = write_result(args.output_dir, name, table, method=asked | {"day": args.day})
        logger.info("wrote %d rows to %s", len(table), path)


if __name__ == "__main__":
    run_script(main)
