"""What discs and holes look like: figures/feedback_stimuli_<mouse>, and a short animation."""

import logging

import numpy as np

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.experiments.feedback import example_movies
from viv1t.experiments.feedback_published import SIZES_DEG
from viv1t.experiments.feedback_responses import shown_placements
from viv1t.plot.animate import animate
from viv1t.plot.figures.size_responses import size_stimuli_figure
from viv1t.results.store import ResultDir
from viv1t.units import FPS

logger = logging.getLogger("viv1t.visualize_stimuli")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    parser = script_parser(__doc__ or "", "output_dir", "mouse_ids", "as_published", "verbose")
    parser.add_argument("--size", type=float, default=40.0, help="diameter in the animation, deg")
    parser.add_argument("--format", choices=("gif", "mp4"), default="gif", help="of the animation")
    args = parser.parse_args()
    log.setup(args.verbose)
    places = shown_placements(
        args.output_dir, as_published=args.as_published, mouse_ids=args.mouse_ids
    )
    figures = ResultDir(args.output_dir).figures
    for mouse_id, place in places.items():
        sizes = np.array(SIZES_DEG)
        where = f"mouse {mouse_id}, at {place.centre_px or 'the middle of the screen'}"
        plate = size_stimuli_figure(example_movies(place), sizes, title=where)
        plate.save(figures, f"feedback_stimuli_{mouse_id}")
        movies = {name: movie[0] for name, movie in example_movies(place, [args.size]).items()}
        path = figures / f"feedback_stimuli_{mouse_id}.{args.format}"
        path = animate(movies, fps=FPS, path=path, progress=args.verbose > 1)
        logger.info("wrote %s", path)


if __name__ == "__main__":
    run_script(main)
