"""Every stimulus to every neuron, and the rank of its own: figures/stimulus_confusion_*."""

import logging

from viv1t import log
from viv1t.analysis.stimulus_comparisons import rank_summary
from viv1t.config.scripts import run_script, script_parser
from viv1t.plot.figures.stimulus_confusion import confusion_figure
from viv1t.results.stimulus_score_tables import CONFUSION, RANKS
from viv1t.results.store import ResultDir, read_result

logger = logging.getLogger("viv1t.visualize_confusion")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    args = script_parser(__doc__ or "", "output_dir", "mouse_ids", "verbose").parse_args()
    log.setup(args.verbose)

    matrix, ranks = (
        read_result(args.output_dir, name, mouse_ids=args.mouse_ids) for name in (CONFUSION, RANKS)
    )
    folder = ResultDir(args.output_dir).figures
    for key, part in matrix.groupby(["responder", "mouse"], sort=False):
        own = ranks[(ranks["responder"] == key[0]) & (ranks["mouse"] == key[1])]
        plate = confusion_figure(part, own)
        paths = plate.save(folder, f"stimulus_confusion_{key[0]}_mouse{key[1]}")
        logger.info("wrote %s", paths[0])
    for row in rank_summary(ranks[ranks["matched"]]).to_dict("records"):
        logger.info(
            "mouse %(mouse)s, %(responder)s, on each receptive field: median rank %(median_rank)g "
            "of %(num_neurons)d, first %(top1).0f%% (by chance %(chance_top1).0f%%)",
            row | {name: 100 * row[name] for name in ("top1", "chance_top1")},
        )


if __name__ == "__main__":
    run_script(main)
