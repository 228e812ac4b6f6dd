"""Modulation by surrounds and flips, recorded and predicted: figures/in_vivo_*."""

import logging

from viv1t import log
from viv1t.analysis.flips import flip_sweep
from viv1t.config.scripts import run_script, script_parser
from viv1t.in_vivo.days import gratings_of
from viv1t.plot.figures.contextual import modulation_comparison_figure, modulation_figure
from viv1t.plot.figures.contextual_contrast import contrast_figure
from viv1t.plot.figures.in_vivo import STYLES, flip_shares_figure
from viv1t.results.in_vivo_tables import FLIP_SHARES, FLIPS, MODULATION
from viv1t.results.store import ResultDir, read_result

logger = logging.getLogger("viv1t.visualize_contextual_modulation")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    flags = ("output_dir", "mouse_ids", "as_published", "verbose")
    args = script_parser(__doc__ or "", *flags).parse_args()
    log.setup(args.verbose)

    tables = gratings_of(args.output_dir, mouse_ids=args.mouse_ids, as_published=args.as_published)
    shares = read_result(args.output_dir, FLIP_SHARES, mouse_ids=args.mouse_ids)
    plates = {FLIP_SHARES: flip_shares_figure(shares)}
    for responder, (modulation, flips) in tables.items():
        style = STYLES[responder]
        plates[f"{MODULATION}_{responder}"] = modulation_figure(modulation, style=style)
        sweep = flip_sweep(flips["cmi_high"], flips["cmi_low"])
        plates[f"{FLIPS}_{responder}"] = contrast_figure(modulation, flips, sweep)
    modulations = {responder: found[0] for responder, found in tables.items()}
    plates[f"{MODULATION}_comparison"] = modulation_comparison_figure(modulations, styles=STYLES)
    for name, plate in plates.items():
        logger.info("wrote %s", plate.save(ResultDir(args.output_dir).figures, name)[0])


if __name__ == "__main__":
    run_script(main)
