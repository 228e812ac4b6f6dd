"""Logging for scripts; package code only calls `logging.getLogger(__name__)`."""

import logging
import sys


def setup(verbose: int = 1) -> None:
    """Send messages of the package to the terminal: 0 warnings only, 1 or more also progress."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("viv1t")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(logging.WARNING if verbose == 0 else logging.INFO)
