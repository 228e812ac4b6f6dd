"""Responses over time of the most inverse tuned neurons: figures/size_responses_<mouse>."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.experiments.feedback import SIZE
from viv1t.experiments.feedback_responses import load_shown, size_traces
from viv1t.plot.figures.size_responses import size_responses_figure
from viv1t.results.store import ResultDir, read_result

logger = logging.getLogger("viv1t.visualize_response")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    parser = script_parser(__doc__ or "", "output_dir", "mouse_ids", "as_published", "verbose")
    parser.add_argument("--num_neurons", type=int, default=4, help="neurons of each mouse")
    args = parser.parse_args()
    log.setup(args.verbose)
    folder = args.output_dir
    shown = load_shown(folder, SIZE, as_published=args.as_published, mouse_ids=args.mouse_ids)
    for mouse_id, (table, _) in shown.items():
        tuning = read_result(folder, "size_tuning", mouse_ids=[mouse_id])
        order = ["inverse_tuned", "classical_tuned", "iti"]
        best = tuning.sort_values(order, ascending=False).head(args.num_neurons)
        names = {
            row["neuron"]: f"{mouse_id}, neuron {row['neuron']}: index {row['iti']:.2f}"
            for row in best.to_dict("records")
        }
        traces = size_traces(table.select(neurons=table.neurons["neuron"].isin(names)))
        plate = size_responses_figure(traces, names=names)
        path, *_ = plate.save(ResultDir(folder).figures, f"size_responses_{mouse_id}")
        logger.info("wrote %s", path)


if __name__ == "__main__":
    run_script(main)
