"""Controls, contrast and seeds, and what others answer: figures/stimulus_controls_*, _held_out."""

import logging

import pandas as pd

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.errors import ConfigError, MissingResultError
from viv1t.plot.figures.stimulus_controls import controls_figure, held_out_figure
from viv1t.plot.style import responder_styles
from viv1t.results.stimulus_score_tables import SCORES, SEEDS
from viv1t.results.store import ResultDir, read_result

logger = logging.getLogger("viv1t.visualize_controls")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    flags = ("output_dir", "mouse_ids", "any_contrast", "verbose")
    args = script_parser(__doc__ or "", *flags).parse_args()
    log.setup(args.verbose)

    scores = read_result(args.output_dir, SCORES, mouse_ids=args.mouse_ids)
    try:
        seeds = read_result(args.output_dir, SEEDS)
        seeds = seeds[seeds["mouse"].isin(set(scores["mouse"]))]
    except MissingResultError:
        seeds = pd.DataFrame()
    folder, styles = ResultDir(args.output_dir).figures, responder_styles(scores["responder"])
    for responder in styles:
        plate = controls_figure(scores, seeds, responder=responder)
        logger.info("wrote %s", plate.save(folder, f"stimulus_controls_{responder}")[0])
    try:
        plate = held_out_figure(scores, styles=styles, any_contrast=args.any_contrast)
    except ConfigError as error:
        logger.info("figure of held-out responders left out: %s", error)
        return
    logger.info("wrote %s", plate.save(folder, "stimulus_held_out")[0])


if __name__ == "__main__":
    run_script(main)
