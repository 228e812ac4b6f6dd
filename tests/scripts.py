"""Scripts of the repository, run inside the test process: no second start of Python and torch."""

import logging
import runpy
import sys
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).parent.parent


def run_script(name: str, *args: object) -> int:
    """The exit status of `python <name> <args>`."""
    logger = logging.getLogger("viv1t")
    before = logger.handlers, logger.propagate, logger.level
    argv = [name, *(str(arg) for arg in args)]
    try:
        with mock.patch.object(sys, "argv", argv):
            runpy.run_path(str(ROOT / name), run_name="__main__")
    except SystemExit as leave:
        return int(leave.code or 0)
    finally:
        logger.handlers, logger.propagate = before[0], before[1]
        logger.setLevel(before[2])
    return 0
