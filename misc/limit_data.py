"""Print commands that train on fewer trials and neurons; visualize_limit_data.py draws them."""

import logging
from pathlib import Path

from viv1t import log
from viv1t.analysis.scores import training_commands
from viv1t.config.flags import check
from viv1t.config.scripts import run_script, script_parser
from viv1t.utils.files import write_text

logger = logging.getLogger("viv1t.limit_data")

NEURONS = (10, 50, 100, 200, 300, 400, 500, 600)


def main() -> None:
    """Read the command line, print the commands, and write them where asked to."""
    parser = script_parser(
        "Print one training command for each number of trials and neurons.",
        *("output_dir", "data_dir", "seed", "verbose"),
    )
    add = parser.add_argument
    add("--num_trials", type=int, default=350, help="training trials of a mouse")
    add("--num_neurons", type=int, nargs="+", default=list(NEURONS), help="neurons of each mouse")
    add("--steps", type=int, default=10, help="of the number of trials, 1/steps each")
    add("--flags", default="", help="more flags of train.py, in quotes")
    add("--to", type=Path, default=None, help="file for the commands; none: print them only")
    args = parser.parse_args()
    check(1 <= args.steps <= args.num_trials, f"--steps must be 1 to {args.num_trials}")
    log.setup(args.verbose)

    commands = training_commands(
        num_trials=args.num_trials,
        num_neurons=args.num_neurons,
        steps=args.steps,
        output_dir=str(args.output_dir),
        rest=f"--data_dir {args.data_dir} --seed {args.seed} {args.flags}",
    )
    logger.info("%s", "\n".join(commands))
    if args.to is not None:
        write_text(args.to, "\n".join(commands) + "\n")
        logger.info("wrote %d commands to %s", len(commands), args.to)


if __name__ == "__main__":
    run_script(main)
