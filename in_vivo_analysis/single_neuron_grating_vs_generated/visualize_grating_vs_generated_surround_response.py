"""Grating, natural and generated surrounds of a grating centre, recorded and predicted."""

import logging

from viv1t import log
from viv1t.config.scripts import SURROUND_FLAGS, run_script, script_parser
from viv1t.in_vivo.comparisons import compare_surrounds
from viv1t.plot.figures.in_vivo import surround_plates
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.visualize_grating_vs_generated_surround_response")


def main() -> None:
    """Read the command line, compare, draw, and say what was written."""
    args = script_parser(__doc__ or "", *SURROUND_FLAGS).parse_args()
    log.setup(args.verbose)

    asked = {n: getattr(args, n) for n in ("mouse_ids", "every_neuron", "with_inhibiting")}
    found = compare_surrounds(args.output_dir, "single_neuron_grating_vs_generated", **asked)
    plates = surround_plates(**found.drawn, as_published=args.as_published)
    folder = ResultDir(args.output_dir).figures
    for part, plate in plates.items():
        path = plate.save(folder, f"single_neuron_grating_vs_generated_{part}")[0]
        logger.info("wrote %s", path)
    logger.info("%s, recorded: %s", found.numbers.text, found.verdict)


if __name__ == "__main__":
    run_script(main)
