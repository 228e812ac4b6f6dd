"""The flags that all scripts share, and how a script ends."""

import argparse
import errno
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from viv1t.errors import UserError

SCRIPT_FLAGS: tuple[tuple[str, dict[str, object]], ...] = (
    ("output_dir", {"type": Path, "required": True, "help": "run folder (required)"}),
    (
        "data_dir",
        {"type": Path, "default": Path("data"), "help": "folder with the recordings"},
    ),
    (
        "mouse_ids",
        {"type": str, "nargs": "+", "default": None, "help": "mice to use; none: all of the run"},
    ),
    ("device", {"type": str, "default": "", "help": "cpu, cuda or mps; empty: the best there is"}),
    ("batch_size", {"type": int, "default": 1, "help": "movies per forward pass"}),
    ("seed", {"type": int, "default": 1234, "help": "seed of all random numbers"}),
    ("verbose", {"type": int, "choices": (0, 1, 2, 3), "default": 2, "help": "how much is said"}),
)


def script_parser(description: str, *names: str) -> argparse.ArgumentParser:
    """A parser with the shared flags in `names`; `--help` shows defaults.

    Args:
        description: the first line of `--help`.
        names: of output_dir, data_dir, mouse_ids, device, batch_size, seed, verbose.
    """
    parser = argparse.ArgumentParser(
        description=description,
        allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    known = dict(SCRIPT_FLAGS)
    for name in names:
        parser.add_argument(f"--{name}", **known[name])  # type: ignore[arg-type]
    return parser


def run_script(main: Callable[[], int | None]) -> None:
    """Call `main` and leave the process: 0 on success, 2 with one line for a user's error.

    A `main` that returns a number sets the exit status; other exceptions keep their traceback.
    """
    try:
        status = main() or 0
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        status = 2
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise
        sys.stderr.write(
            f"error: could not write {error.filename or 'a file'}: {error.strerror}; what was "
            "written before is intact. Free some space or mend the permissions, run it again\n"
        )
        status = 2
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; run the same command again to continue\n")
        status = 130
    logging.shutdown()
    sys.exit(status)
