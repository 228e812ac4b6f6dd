"""Find which trials show the same movie, and what type of stimulus it is: table trial_ids."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.data.identity import write_ids
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.insilico.shown_examples import ids_of_trials
from viv1t.results.store import write_result

logger = logging.getLogger("viv1t.assign_ids")


def main() -> None:
    """Read the command line, compare the movies, and say what was written."""
    parser = script_parser(
        "Find which trials show the same movie (over 85 % of frames within one grey level), and "
        "what type of stimulus it is.",
        *("data_dir", "mouse_ids", "verbose"),
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="also write meta/trials/video_ids.npy and stimulus_ids.npy into session folders that "
        "have none",
    )
    args = parser.parse_args()
    log.setup(args.verbose)

    for mouse in choose_mice(args.data_dir, args.mouse_ids):
        recording = Recording(mouse)
        table = ids_of_trials(recording)
        path = write_result(args.data_dir, "trial_ids", table, method={})
        logger.info(
            "wrote %s: mouse %s, %d trials of %d movies",
            path,
            mouse.id,
            len(table),
            table["video_id"].nunique(),
        )
        for file in write_ids(recording) if args.write else ():
            logger.info("wrote %s", file)


if __name__ == "__main__":
    run_script(main)
