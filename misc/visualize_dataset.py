"""Draw one recorded trial, frames, behaviour, pupil and responses: figures/trial_mouse<M>."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.insilico.shown_examples import choose_trial
from viv1t.names import TIERS
from viv1t.plot.figures.recorded_examples import trial_figure
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.visualize_dataset")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    parser = script_parser(
        "Draw one recorded trial of each mouse: frames, behaviour, pupil centre, responses.",
        *("data_dir", "output_dir", "mouse_ids", "verbose"),
    )
    add = parser.add_argument
    add("--trial", type=int, default=None, help="number of the trial; none: first of --ds_tier")
    add("--ds_tier", choices=TIERS, default="validation", help="whose first trial is drawn")
    args = parser.parse_args()
    log.setup(args.verbose)

    for mouse in choose_mice(args.data_dir, args.mouse_ids):
        recording = Recording(mouse)
        number = choose_trial(recording, args.trial, tier=args.ds_tier)
        trial = recording.load(number)
        plate = trial_figure(
            trial.video.mean(axis=0),
            response=trial.response,
            behavior=trial.behavior,
            pupil_center=trial.pupil_center,
            fps=mouse.fps,
            title=f"Mouse {mouse.id}, trial {number} ({recording.tiers[number]})",
        )
        name = f"trial_mouse{mouse.id}_{number}"
        paths = plate.save(ResultDir(args.output_dir).figures, name)
        logger.info("wrote %s", ", ".join(map(str, paths)))


if __name__ == "__main__":
    run_script(main)
