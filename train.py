"""Train a model of mouse visual cortex: python train.py --help lists all flags."""

import sys

from viv1t import log
from viv1t.config.scripts import run_script
from viv1t.training.cli import parse_run
from viv1t.training.loop import fit


def main() -> int:
    """The exit status: 0 if training finished, 1 if its loss was no longer finite."""
    parsed = parse_run(sys.argv[1:])
    log.setup(parsed.config.log.verbose)
    return int(fit(parsed.config, given=parsed.given).diverged)


if __name__ == "__main__":
    run_script(main)
