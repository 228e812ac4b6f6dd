"""Draw recorded and predicted traces of well predicted neurons: figures/calcium_traces_mouse<M>."""

import logging

from viv1t import log
from viv1t.config.flags import check
from viv1t.config.scripts import run_script, script_parser
from viv1t.insilico.compare import neuron_scores, open_comparison
from viv1t.insilico.examples import example_traces, well_predicted
from viv1t.names import TIERS
from viv1t.plot.figures.traces import traces_figure
from viv1t.results.manifest import open_compare
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.visualize_calcium_traces")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    parser = script_parser(
        "Draw recorded and predicted responses of neurons that the run predicts well, to the "
        "movie that was shown most often.",
        *("data_dir", "output_dir", "mouse_ids", "compare", "verbose"),
    )
    add = parser.add_argument
    add("--ds_tier", choices=TIERS[1:], default="live_main", help="whose trials are drawn")
    add("--min_correlation", type=float, default=0.8, help="over the tier that a neuron needs")
    add("--num_neurons", type=int, default=5, help="neurons of each mouse, at most")
    args = parser.parse_args()
    check(args.num_neurons >= 1, f"--num_neurons must be at least 1, got {args.num_neurons}")
    log.setup(args.verbose)

    runs = {source.label: source.path for source in open_compare(args.compare, args.output_dir)}
    comparison = open_comparison(args.data_dir, runs, args.mouse_ids)
    scores = neuron_scores(comparison)
    limits = {"minimum": args.min_correlation, "num_neurons": args.num_neurons}
    for mouse_id, neurons in well_predicted(scores, tier=args.ds_tier, **limits).items():
        shown = example_traces(comparison, scores, mouse_id, tier=args.ds_tier, neurons=neurons)
        assert shown is not None  # the neurons were chosen by their scores in this tier
        plate = traces_figure(
            shown.table,
            video=shown.video,
            fps=shown.fps,
            title=f"{args.ds_tier}, movie {shown.video_id}, shown {shown.num_repeats} times",
            models=list(runs),
        )
        name = f"calcium_traces_mouse{mouse_id}"
        paths = plate.save(ResultDir(args.output_dir).figures, name)
        logger.info("wrote %s", ", ".join(map(str, paths)))


if __name__ == "__main__":
    run_script(main)
