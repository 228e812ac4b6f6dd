"""The stimuli as a neuron saw them, a strip and a preview: figures/surround_stimuli, .gif."""

import logging

import numpy as np

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.experiments.contextual import TIMING, example_movies
from viv1t.experiments.contextual_responses import placement_of
from viv1t.names import SURROUND_KINDS
from viv1t.plot.animate import animate
from viv1t.plot.figures.surround_stimuli import surround_stimuli_figure
from viv1t.results.contextual_tables import CENTRED, MODULATION
from viv1t.results.store import ResultDir, read_result
from viv1t.units import FPS, GREY

logger = logging.getLogger("viv1t.visualize_stimuli")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    flags = ("output_dir", "mouse_ids", "centre", "size_deg", "as_published", "verbose")
    parser = script_parser(__doc__ or "", *flags)
    parser.add_argument(
        "--neuron", type=int, default=None, help="row of the neuron; none: the first"
    )
    args = parser.parse_args()
    log.setup(args.verbose)

    name = MODULATION + CENTRED[args.centre]
    table = read_result(args.output_dir, name, mouse_ids=args.mouse_ids)
    rows = table[table["neuron"] == (table["neuron"][0] if args.neuron is None else args.neuron)]
    mouse_id, neuron, size_deg = rows[["mouse", "neuron", "size_deg"]].iloc[0]
    placement = placement_of(
        args.output_dir,
        mouse_id,
        neuron,
        args.size_deg or size_deg,
        centre=args.centre,
        as_published=args.as_published,
    )
    contrasts = sorted(table["contrast"].unique())
    movies = example_movies(placement, contrasts, as_published=args.as_published)
    folder, stem = ResultDir(args.output_dir).figures, f"surround_stimuli{CENTRED[args.centre]}"
    path, *_ = surround_stimuli_figure(movies, fps=FPS).save(folder, stem)
    blank, on = TIMING.blank_pre // 2, TIMING.on
    padding = ((blank, blank), (0, 0), (0, 0))
    frames = {
        kind.capitalize(): np.pad(movies[contrasts[-1], kind], padding, constant_values=GREY)
        for kind in SURROUND_KINDS
    }
    preview = folder / f"{stem}.gif"
    animate(frames, fps=FPS, path=preview, window=slice(blank, blank + on))
    logger.info("wrote %s and %s", path, preview)


if __name__ == "__main__":
    run_script(main)
