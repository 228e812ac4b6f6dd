"""Write the recorded responses of all tiers to <data_dir>/responses/mouse<M>.h5."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.insilico.recorded import copy_recorded
from viv1t.results.responses import ResponseFile

logger = logging.getLogger("viv1t.save_response")


def main() -> None:
    """Read the command line, copy, and say what was written."""
    parser = script_parser(
        "Write recorded responses in the format of predicted ones.",
        *("data_dir", "mouse_ids", "verbose"),
    )
    args = parser.parse_args()
    log.setup(args.verbose)
    for mouse in choose_mice(args.data_dir, args.mouse_ids):
        file = ResponseFile(args.data_dir / "responses" / f"mouse{mouse.id}.h5")
        num_trials = copy_recorded(Recording(mouse), file, progress=args.verbose > 1)
        logger.info("wrote %d trials to %s", num_trials, file.path)


if __name__ == "__main__":
    run_script(main)
