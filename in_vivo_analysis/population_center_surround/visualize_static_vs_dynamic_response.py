"""Still and moving surrounds of a natural image for the population, a point a field of view."""

import logging

from viv1t import log
from viv1t.config.scripts import SURROUND_FLAGS, run_script, script_parser
from viv1t.in_vivo.comparisons import compare_surrounds
from viv1t.in_vivo.surrounds import field_means
from viv1t.plot.figures.in_vivo import field_figure, surround_plates
from viv1t.results.store import ResultDir

NAME = "population_center_surround"
logger = logging.getLogger("viv1t.visualize_static_vs_dynamic_response")


def main() -> None:
    """Read the command line, compare, draw, and say what was written."""
    args = script_parser(__doc__ or "", *SURROUND_FLAGS).parse_args()
    log.setup(args.verbose)

    found = compare_surrounds(
        args.output_dir,
        NAME,
        mouse_ids=args.mouse_ids,
        every_neuron=args.every_neuron,
        with_inhibiting=args.with_inhibiting,
    )
    plates = surround_plates(**found.drawn, as_published=args.as_published)
    for goal in found.responses["recorded"]:
        means = {
            responder: field_means(of_goal[goal], as_published=args.as_published)
            for responder, of_goal in found.responses.items()
        }
        plates[f"fields_{goal}"] = field_figure(means, quantity=("Response", "of centre alone"))
    for part, plate in plates.items():
        path = plate.save(ResultDir(args.output_dir).figures, f"{NAME}_{part}")[0]
        logger.info("wrote %s", path)


if __name__ == "__main__":
    run_script(main)
