"""Draw frames of every type of stimulus in the recordings: figures/stimuli_mouse<M>."""

import logging

from viv1t import log
from viv1t.config.flags import check
from viv1t.config.scripts import run_script, script_parser
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.insilico.shown_examples import example_frames
from viv1t.plot.figures.recorded_examples import stimulus_types_figure
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.visualize_stimuli")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    parser = script_parser(
        "Draw example frames of every type of stimulus that the recordings show.",
        *("data_dir", "output_dir", "mouse_ids", "verbose"),
    )
    parser.add_argument("--num_frames", type=int, default=6, help="frames of each stimulus")
    args = parser.parse_args()
    check(args.num_frames >= 1, f"--num_frames must be at least 1, got {args.num_frames}")
    log.setup(args.verbose)

    for mouse in choose_mice(args.data_dir, args.mouse_ids):
        examples = example_frames(Recording(mouse), num_frames=args.num_frames)
        plate = stimulus_types_figure(examples, mouse_id=mouse.id)
        paths = plate.save(ResultDir(args.output_dir).figures, f"stimuli_mouse{mouse.id}")
        logger.info("wrote %s", ", ".join(map(str, paths)))


if __name__ == "__main__":
    run_script(main)
