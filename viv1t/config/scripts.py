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
    (
        "precision",
        {"choices": ("32", "bf16"), "default": "32", "help": "arithmetic of the model"},
    ),
    ("compile", {"action": "store_true", "help": "compile the core with torch.compile"}),
    (
        "responder",
        {
            "choices": ("twin", "truth"),
            "default": "twin",
            "help": "who answers: the trained run, or the synthetic population behind --data_dir "
            "(whose results go to --output_dir, any folder)",
        },
    ),
    (
        "ensemble",
        {
            "type": Path,
            "nargs": "+",
            "default": None,
            "help": "more run folders; their responses and those of --output_dir are averaged",
        },
    ),
    (
        "evaluate",
        {
            "action": "store_true",
            "help": "first predict the validation trials of each run asked, and stop unless their "
            "correlation is within 0.001 of the best one that its training recorded (bf16 may "
            "miss it)",
        },
    ),
    (
        "behavior_state",
        {
            "choices": ("mean", "median", "still", "running"),
            "default": "mean",
            "help": "behaviour and pupil while stimuli are shown, of the training frames: mean as "
            "published, median, or the .1 (still) or .9 quantile (running) of running speed",
        },
    ),
    (
        "as_published",
        {"action": "store_true", "help": "compute as the published code did, defects included"},
    ),
    (
        "compare",
        {
            "nargs": "+",
            "default": None,
            "help": "what is drawn together: folders, label=folder, recorded (--data_dir), or a "
            "YAML file that lists them under sources",
        },
    ),
    (
        "centre",
        {
            "choices": ("neuron", "population"),
            "default": "neuron",
            "help": "whose receptive field stimuli lie on: each neuron's, or the median one",
        },
    ),
    (
        "size_deg",
        {
            "type": float,
            "default": None,
            "help": "diameter of the discs to draw in degrees; none: the first, or the only one",
        },
    ),
    (
        "window_frames",
        {
            "type": int,
            "default": None,
            "help": "predict overlapping windows of so many frames and blend them; none: whole "
            "movies",
        },
    ),
    (
        "window_stride",
        {
            "type": int,
            "default": None,
            "help": "frames from one window to the next; none: half a window",
        },
    ),
    (
        "stimuli",
        {"nargs": "+", "default": None, "help": "names of libraries of stimuli; none: all"},
    ),
    (
        "held_out",
        {"type": Path, "nargs": "+", "default": None, "help": "more runs to ask, or truth"},
    ),
    (
        "any_contrast",
        {"action": "store_true", "help": "also stimuli that are not contrast-matched"},
    ),
    (
        "animate",
        {"action": "store_true", "help": "animate the stimuli and the responses to them as well"},
    ),
    ("format", {"choices": ("gif", "mp4"), "default": "gif", "help": "of animations"}),
    ("day", {"type": int, "default": 2, "help": "day of the recording; the first is 1"}),
    (
        "every_neuron",
        {"action": "store_true", "help": "also neurons that do not answer as on the first day"},
    ),
    (
        "with_inhibiting",
        {"action": "store_true", "help": "also stimuli that were made to inhibit"},
    ),
    ("verbose", {"type": int, "choices": (0, 1, 2, 3), "default": 2, "help": "how much is said"}),
)

# The flags of scripts that show stimuli: `insilico.responders.open_probe` reads them.
PROBE_FLAGS = (
    *("data_dir", "output_dir", "mouse_ids", "responder", "ensemble", "evaluate"),
    *("behavior_state", "device", "precision", "compile", "batch_size", "seed", "verbose"),
)
# How movies are cut for prediction: `insilico.windows.Windows.of` reads them.
WINDOW_FLAGS = ("window_frames", "window_stride")
# The flags of scripts that read recordings of later days.
DAY_FLAGS = ("data_dir", "output_dir", "mouse_ids", "day", "seed", "as_published", "verbose")
# The flags of scripts that compare surrounds of later days.
SURROUND_FLAGS = (
    *("output_dir", "mouse_ids", "every_neuron", "with_inhibiting", "as_published", "verbose"),
)
# The flags of scripts that make tables of responses, and of those that draw tables.
TABLE_FLAGS = ("output_dir", "mouse_ids", "seed", "as_published", "verbose")
FIGURE_FLAGS = ("output_dir", "mouse_ids", "compare", "as_published", "verbose")


def script_parser(description: str, *names: str) -> argparse.ArgumentParser:
    """A parser with the shared flags in `names`; `--help` shows defaults.

    Args:
        description: the first line of `--help`.
        names: of the flags in `SCRIPT_FLAGS`.
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
