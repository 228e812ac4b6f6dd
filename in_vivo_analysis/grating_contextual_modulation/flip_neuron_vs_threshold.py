"""The share of neurons that flip by thresholds of 0 to 30 %: figures/in_vivo_flip_thresholds."""

import logging

from viv1t import log
from viv1t.analysis.flips import flip_sweep
from viv1t.config.scripts import run_script, script_parser
from viv1t.plot.figures.in_vivo import sweep_figure
from viv1t.results.in_vivo_tables import FLIPS
from viv1t.results.store import ResultDir, read_result

logger = logging.getLogger("viv1t.flip_neuron_vs_threshold")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    args = script_parser(__doc__ or "", "output_dir", "mouse_ids", "verbose").parse_args()
    log.setup(args.verbose)

    flips = read_result(args.output_dir, FLIPS, mouse_ids=args.mouse_ids)
    groups = flips.groupby("responder", sort=False)
    sweeps = {str(name): flip_sweep(part["cmi_high"], part["cmi_low"]) for name, part in groups}
    paths = sweep_figure(sweeps).save(ResultDir(args.output_dir).figures, "in_vivo_flip_thresholds")
    logger.info("wrote %s", paths[0])


if __name__ == "__main__":
    run_script(main)
