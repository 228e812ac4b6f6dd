"""Full-field stimuli of the population, recorded and predicted: figures/population_full_field*."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.in_vivo.comparisons import compare_full_field
from viv1t.in_vivo.surrounds import field_means
from viv1t.plot.figures.in_vivo import field_figure, prediction_figure
from viv1t.results.store import ResultDir

NAME = "population_full_field"
logger = logging.getLogger("viv1t.visualize_full_field_population_response")


def main() -> None:
    """Read the command line, compare, draw, and say what was written."""
    flags = ("output_dir", "mouse_ids", "every_neuron", "as_published", "verbose")
    args = script_parser(__doc__ or "", *flags).parse_args()
    log.setup(args.verbose)

    found = compare_full_field(
        args.output_dir, mouse_ids=args.mouse_ids, every_neuron=args.every_neuron
    )
    means = {
        responder: field_means(of_goal[NAME], as_published=args.as_published)
        for responder, of_goal in found.responses.items()
    }
    quantity = ("Response", "a.u.")
    plates = {"fields": field_figure(means, quantity=quantity)}
    if found.predicted is not None:
        plates["prediction"] = prediction_figure(
            found.predicted,
            found.responses["recorded"],
            found.agreement,
            quantity=quantity,
            unit=None,
            numbers=found.numbers.text,
        )
    for part, plate in plates.items():
        path = plate.save(ResultDir(args.output_dir).figures, f"{NAME}_{part}")[0]
        logger.info("wrote %s; %s", path, found.numbers.text)


if __name__ == "__main__":
    run_script(main)
