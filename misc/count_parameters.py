"""Count the numbers that a trained model is made of, part by part: table model_parameters."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.insilico.anatomy import ALL, count_parameters
from viv1t.insilico.load import load
from viv1t.results.store import write_result

logger = logging.getLogger("viv1t.count_parameters")


def main() -> None:
    """Read the command line, count, print the table, and say what was written."""
    parser = script_parser(
        "Count parameters and buffers of a run: blocks of the core, readouts, shifters. The "
        "published counts are the sum of the two.",
        *("output_dir", "verbose"),
    )
    args = parser.parse_args()
    log.setup(args.verbose)

    table = count_parameters(load(args.output_dir, device="cpu").model)
    path = write_result(args.output_dir, "model_parameters", table, method={})
    names = table["block"].where(table["block"] != ALL, "all of " + table["part"])
    shown = table[["parameters", "buffers"]].set_axis(names.to_list())
    logger.info("%s", shown.to_string())
    logger.info("wrote %s: %d parameters", path, table["parameters"].iloc[-1])


if __name__ == "__main__":
    run_script(main)
