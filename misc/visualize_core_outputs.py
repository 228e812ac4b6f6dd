"""Draw what the core of a run makes of a recorded movie: figures/core_outputs_mouse<M>."""

import logging

from viv1t import log
from viv1t.config.flags import check
from viv1t.config.scripts import run_script, script_parser
from viv1t.insilico.anatomy import core_outputs
from viv1t.insilico.load import load
from viv1t.insilico.replay import open_recordings
from viv1t.insilico.shown_examples import choose_trial
from viv1t.names import TIERS
from viv1t.plot.figures.inside_core import core_outputs_figure
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.visualize_core_outputs")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    parser = script_parser(
        "Draw feature maps of the core for a recorded movie: the channels that vary most.",
        *("data_dir", "output_dir", "mouse_ids", "device", "precision", "verbose"),
    )
    add = parser.add_argument
    add("--trial", type=int, default=None, help="number of the trial; none: first of --ds_tier")
    add("--ds_tier", choices=TIERS, default="live_main", help="whose first trial is shown")
    add("--num_channels", type=int, default=6, help="channels that are drawn")
    args = parser.parse_args()
    check(args.num_channels >= 1, f"--num_channels must be at least 1, got {args.num_channels}")
    log.setup(args.verbose)

    twin = load(args.output_dir, device=args.device or None, precision=args.precision)
    for mouse_id, recording in open_recordings(twin, args.data_dir, args.mouse_ids).items():
        number = choose_trial(recording, args.trial, tier=args.ds_tier)
        trial = recording.load(number)
        signals = {"behavior": trial.behavior, "pupil_center": trial.pupil_center}
        plate = core_outputs_figure(
            trial.video.mean(axis=0),
            core_outputs(twin, trial.video, mouse_id, signals=signals),
            fps=twin.fps,
            title=f"Mouse {mouse_id}, trial {number} ({recording.tiers[number]})",
            num_channels=args.num_channels,
        )
        name = f"core_outputs_mouse{mouse_id}_{number}"
        paths = plate.save(ResultDir(args.output_dir).figures, name)
        logger.info("wrote %s", ", ".join(map(str, paths)))


if __name__ == "__main__":
    run_script(main)
