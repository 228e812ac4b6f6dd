"""A short animation of the gratings of all directions: figures/direction_stimuli_mouse<M>."""

import logging

from viv1t import log
from viv1t.config.flags import add_flags, from_values
from viv1t.config.scripts import run_script, script_parser
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.experiments.direction import TIMING, DirectionConfig, direction_set
from viv1t.experiments.placed import Placement
from viv1t.experiments.preview import MARGIN, condition_movies
from viv1t.plot.animate import animate
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.visualize_stimuli")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    flags = ("data_dir", "output_dir", "mouse_ids", "seed", "verbose")
    parser = script_parser("Animate the gratings of all directions, in mid-screen.", *flags)
    parser.add_argument("--format", choices=("gif", "mp4"), default="gif", help="of the animation")
    add_flags(parser, DirectionConfig)
    args = parser.parse_args()
    log.setup(args.verbose)

    figures = ResultDir(args.output_dir).figures
    for chosen in choose_mice(args.data_dir, args.mouse_ids):
        mouse = Recording(chosen).mouse
        place = Placement(monitor=mouse.monitor, centre_px=None)
        stimuli = direction_set(from_values(DirectionConfig, vars(args)), place)
        movies = condition_movies(stimuli, mouse.monitor, seed=args.seed)
        path = animate(
            {f"{direction}°": movie for direction, movie in movies.items()},
            fps=mouse.fps,
            path=figures / f"direction_stimuli_mouse{mouse.id}.{args.format}",
            window=slice(MARGIN, MARGIN + TIMING.on),
            title="Direction of motion: 0° is leftward, 90° downward",
            progress=args.verbose > 1,
        )
        logger.info("wrote %s", path)


if __name__ == "__main__":
    run_script(main)
