"""A short animation of white noise: figures/noise_stimuli_mouse<M>."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.experiments.preview import noise_movie
from viv1t.plot.animate import animate
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.visualize_stimuli")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    flags = ("data_dir", "output_dir", "mouse_ids", "seed", "verbose")
    parser = script_parser("Animate the first images of white noise.", *flags)
    parser.add_argument("--format", choices=("gif", "mp4"), default="gif", help="of the animation")
    args = parser.parse_args()
    log.setup(args.verbose)

    for chosen in choose_mice(args.data_dir, args.mouse_ids):
        mouse = Recording(chosen).mouse
        name = f"noise_stimuli_mouse{mouse.id}.{args.format}"
        path = animate(
            noise_movie(mouse.monitor, seed=args.seed),
            fps=mouse.fps,
            path=ResultDir(args.output_dir).figures / name,
            title="White noise, each image for half a second",
            progress=args.verbose > 1,
        )
        logger.info("wrote %s", path)


if __name__ == "__main__":
    run_script(main)
