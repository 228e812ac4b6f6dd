"""Write packed copies of recordings, from which training and prediction read faster."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.data.mice import choose_mice
from viv1t.data.packed import pack, packed_dir
from viv1t.data.recording import Recording

logger = logging.getLogger("viv1t.pack_recordings")


def main() -> None:
    """Read the command line, pack, and say what was written."""
    parser = script_parser(
        "Write packed copies of recordings beside them; they are used wherever they fit.",
        *("data_dir", "mouse_ids", "verbose"),
    )
    args = parser.parse_args()
    log.setup(args.verbose)
    for mouse in choose_mice(args.data_dir, args.mouse_ids):
        if (found := Recording(mouse)).packed is not None:
            logger.info("mouse %s: %s is up to date", mouse.id, packed_dir(found))
            continue
        recording = Recording(mouse, use_packed=False)
        size = pack(recording, progress=args.verbose > 1)
        logger.info("wrote %s (%.2f GB)", packed_dir(recording), size / 1e9)


if __name__ == "__main__":
    run_script(main)
