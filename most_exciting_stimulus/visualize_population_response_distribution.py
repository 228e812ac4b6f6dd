"""Spread over neurons of responses to full-field stimuli: figures/population_responses."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.plot.figures.population_full_field import distribution_figure, population_responses
from viv1t.plot.style import responder_styles
from viv1t.results.stimulus_score_tables import SCORES
from viv1t.results.store import ResultDir, read_result

logger = logging.getLogger("viv1t.visualize_population_response_distribution")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    parser = script_parser(__doc__ or "", "output_dir", "mouse_ids", "verbose")
    parser.add_argument(
        "--any_contrast", action="store_true", help="also stimuli that are not contrast-matched"
    )
    args = parser.parse_args()
    log.setup(args.verbose)

    scores = read_result(args.output_dir, SCORES, mouse_ids=args.mouse_ids)
    found = population_responses(scores, any_contrast=args.any_contrast)
    plate = distribution_figure(found, styles=responder_styles(scores["responder"]))
    folder = ResultDir(args.output_dir).figures
    logger.info("wrote %s", plate.save(folder, "population_responses")[0])


if __name__ == "__main__":
    run_script(main)
