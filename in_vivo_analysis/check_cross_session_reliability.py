"""Which neurons were found again and answer as on day 1: tables/in_vivo_neurons and a figure."""

import logging

import pandas as pd

from viv1t import log
from viv1t.config.scripts import DAY_FLAGS, run_script, script_parser
from viv1t.in_vivo.days import neuron_table, open_days
from viv1t.plot.figures.in_vivo import reliability_figure
from viv1t.results.in_vivo_tables import NEURONS
from viv1t.results.store import ResultDir, spec_of, write_result

logger = logging.getLogger("viv1t.check_cross_session_reliability")


def main() -> None:
    """Read the command line, compare the days, write the table and the figure."""
    parser = script_parser(__doc__ or "", *DAY_FLAGS)
    add = parser.add_argument
    add("--tier", default="live_main", help="of the movies that are shown on all days")
    add(
        "--criterion",
        choices=("band", "correlation"),
        default="band",
        help="stable: within 1 SD of day 1 in --share of the frames, in half of the movies; or "
        "correlated across days by --minimum",
    )
    add("--share", type=float, default=0.8, help="of frames within the band")
    add("--minimum", type=float, default=0.3, help="mean correlation across days")
    args = parser.parse_args()
    log.setup(args.verbose)

    names = ("criterion", "share", "minimum", "tier", "as_published")
    method = {name: getattr(args, name) for name in names}
    days = open_days(args.data_dir, args.mouse_ids, args.day)
    table = pd.concat([neuron_table(day, **method) for day in days], ignore_index=True)
    table = table[list(spec_of(NEURONS).columns)]
    path = write_result(args.output_dir, NEURONS, table, method=method | {"day": args.day})
    drawn = reliability_figure(table).save(ResultDir(args.output_dir).figures, NEURONS)
    stable, found = table["stable"].sum(), table["matched"].sum()
    logger.info("wrote %s and %s: %d of %d are stable", path, drawn[0], stable, found)


if __name__ == "__main__":
    run_script(main)
