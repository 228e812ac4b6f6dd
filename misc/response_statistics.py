"""Statistics of recorded and predicted responses of each neuron: table response_statistics."""

import logging

import pandas as pd
from tqdm import tqdm

from viv1t import log
from viv1t.analysis.response_statistics import response_statistics
from viv1t.config.scripts import run_script, script_parser
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.names import TIERS
from viv1t.plot.figures.response_statistics import response_statistics_figure
from viv1t.plot.style import source_styles
from viv1t.results.manifest import open_compare
from viv1t.results.responses import ResponseFile, predicted_mice
from viv1t.results.run import RunDir
from viv1t.results.store import ResultDir, write_result
from viv1t.training.evaluate_files import tier_trials

logger = logging.getLogger("viv1t.response_statistics")


def main() -> None:
    """Read the command line, compute, draw, and say what was written."""
    parser = script_parser(
        "Mean, SD, skewness, lifetime sparseness and reliability over repeats of each neuron, "
        "recorded and predicted.",
        *("data_dir", "output_dir", "mouse_ids", "verbose"),
    )
    add = parser.add_argument
    add("--ds_tier", choices=TIERS[1:], default="live_main", help="whose trials are used")
    args = parser.parse_args()
    log.setup(args.verbose)

    run, parts = RunDir.open(args.output_dir), []
    mice = choose_mice(args.data_dir, args.mouse_ids or predicted_mice(run.path))
    for mouse in tqdm(mice, desc="mice", disable=args.verbose < 2):
        file = ResponseFile(run.responses(mouse.id))
        neurons, trials = tier_trials(Recording(mouse), file, args.ds_tier)
        for source, tensors in (("recorded", trials.y_true), ("predicted", trials.y_pred)):
            found = response_statistics([y.numpy() for y in tensors], trials.video_ids)
            parts.append(found.assign(mouse=mouse.id, neuron=neurons, source=source))
    table = pd.concat(parts, ignore_index=True)
    method = {"tier": args.ds_tier}
    path = write_result(run.path, "response_statistics", table, method=method)
    (style,) = source_styles(open_compare(None, run.path)).values()
    plate = response_statistics_figure(table, style=style, tier=args.ds_tier)
    paths = plate.save(ResultDir(run.path).figures, "response_statistics")
    logger.info("wrote %s, %s", path, ", ".join(map(str, paths)))


if __name__ == "__main__":
    run_script(main)
