"""Which neurons answer reliably and are predicted well: table neuron_reliability."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.most_exciting_stimulus.recorded import reliability_table
from viv1t.results.store import write_result
from viv1t.results.tables import write_table

logger = logging.getLogger("viv1t.estimate_neuron_reliability")


def main() -> None:
    """Read the command line, rank the neurons, and say what was written."""
    names = ("data_dir", "output_dir", "mouse_ids", "as_published", "verbose")
    args = script_parser(__doc__ or "", *names).parse_args()
    log.setup(args.verbose)
    table = reliability_table(
        args.output_dir,
        args.data_dir,
        mouse_ids=args.mouse_ids,
        as_published=args.as_published,
        progress=args.verbose > 1,
    )
    method = {"as_published": args.as_published, "tier": "validation"}
    path = write_result(args.output_dir, "neuron_reliability", table, method=method)
    if args.as_published:
        write_table(args.output_dir / "neuron_reliability.parquet", table)
    logger.info(
        "wrote %s: %d of %d neurons have a rank", path, table["rank"].notna().sum(), len(table)
    )


if __name__ == "__main__":
    run_script(main)
