"""Draw spatial selectivity for dots, recorded against predicted: figures/spatial_selectivity."""

import logging

import pandas as pd

from viv1t import log
from viv1t.config.scripts import FIGURE_FLAGS, run_script, script_parser
from viv1t.plot.figures.retinotopy import spatial_selectivity_figure
from viv1t.plot.style import source_styles
from viv1t.results.compared import read_compared
from viv1t.results.manifest import open_compare
from viv1t.results.store import ResultDir, read_result

logger = logging.getLogger("viv1t.visualize_spatial_tuning")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    args = script_parser(__doc__ or "", *FIGURE_FLAGS, "data_dir").parse_args()
    log.setup(args.verbose)
    sources = [s for s in open_compare(args.compare, args.output_dir) if s.kind != "recorded"]
    key = ["mouse", "neuron"]
    recorded = read_result(args.data_dir, "spatial_tuning", mouse_ids=args.mouse_ids)
    predicted = read_compared(sources, "spatial_tuning", mouse_ids=args.mouse_ids)
    pairs: pd.DataFrame = predicted[["label", *key, "ssi"]].merge(
        recorded[[*key, "ssi"]], on=key, suffixes=("_predicted", "_recorded")
    )
    pairs = pairs.rename(columns={"ssi_predicted": "predicted", "ssi_recorded": "recorded"})
    plate = spatial_selectivity_figure(pairs, styles=source_styles(sources))
    paths = plate.save(ResultDir(args.output_dir).figures, "spatial_selectivity")
    logger.info("wrote %s", paths[0])


if __name__ == "__main__":
    run_script(main)
