"""Compare a day of synthetic mice with the truth: tables in_vivo_verdict, closed_loop.md."""

import logging
from pathlib import Path

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.in_vivo.days import open_days
from viv1t.in_vivo.verdict import judge
from viv1t.results.in_vivo_tables import VERDICT, VERDICT_FLIPS, VERDICT_ORDERS
from viv1t.results.store import write_result
from viv1t.utils.files import write_text

logger = logging.getLogger("viv1t.compare_with_truth")


def main() -> None:
    """Read the command line, judge the day, write tables and the page."""
    flags = ("data_dir", "output_dir", "mouse_ids", "day", "every_neuron", "seed", "verbose")
    parser = script_parser(__doc__ or "", *flags)
    parser.add_argument(
        "--truth",
        type=Path,
        required=True,
        help="results of in_vivo_analysis/predict_session.py --responder truth",
    )
    args = parser.parse_args()
    log.setup(args.verbose)

    asked = {name: getattr(args, name) for name in ("every_neuron", "seed")}
    days = open_days(args.data_dir, args.mouse_ids, args.day)
    found = judge(days, args.output_dir, args.truth, **asked)
    tables = {VERDICT: found.effects, VERDICT_ORDERS: found.orders, VERDICT_FLIPS: found.flips}
    for name, table in tables.items():
        write_result(args.output_dir, name, table, method=asked | {"day": args.day})
    write_text(args.output_dir / "closed_loop.md", found.page)
    logger.info("wrote %s; %s", args.output_dir / "closed_loop.md", found.text)


if __name__ == "__main__":
    run_script(main)
