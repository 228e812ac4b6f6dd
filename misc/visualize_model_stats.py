"""Draw how well runs predict and how fast they answer (Figure 1C): figures/model_stats."""

import logging

from viv1t import log
from viv1t.analysis.scores import across_mice, mouse_means
from viv1t.config.flags import add_flags, from_values
from viv1t.config.scripts import run_script, script_parser
from viv1t.insilico.throughput import Timing, time_runs
from viv1t.names import TIERS
from viv1t.plot.figures.model_stats import model_stats_figure
from viv1t.plot.style import source_styles
from viv1t.results.manifest import open_compare
from viv1t.results.score_text import METRICS
from viv1t.results.scores import read_all_scores
from viv1t.results.store import ResultDir, write_result

logger = logging.getLogger("viv1t.visualize_model_stats")


def main() -> None:
    """Read the command line, time the runs, draw, and say what was written."""
    parser = script_parser(
        "Draw correlation and throughput of runs; published numbers stand apart.",
        *("output_dir", "compare", "device", "precision", "seed", "as_published", "verbose"),
    )
    add = parser.add_argument
    add("--ds_tier", choices=TIERS[1:], default="live_main", help="what was predicted")
    add("--metric", choices=METRICS, default="normalized_correlation", help="score of a neuron")
    add_flags(parser, Timing)
    args = parser.parse_args()
    log.setup(args.verbose)

    sources = open_compare(args.compare, args.output_dir)
    scores = read_all_scores(sources, tiers=[args.ds_tier])
    timed = time_runs(
        {source.label: source.path for source in sources},
        from_values(Timing, vars(args)),
        device=args.device,
        precision=args.precision,
        seed=args.seed,
        progress=args.verbose > 1,
    )
    means = across_mice(scores, args.metric, by=["model"]).drop(columns="num_neurons")
    stats = means.merge(timed, on="model").assign(metric=args.metric, tier=args.ds_tier)
    method = {"precision": args.precision, "seed": args.seed}
    path = write_result(args.output_dir, "model_stats", stats, method=method)
    plate = model_stats_figure(
        stats,
        mouse_means(scores, args.metric, by=["model"]),
        styles=source_styles(sources, as_published=args.as_published),
    )
    drawn = plate.save(ResultDir(args.output_dir).figures, "model_stats")
    logger.info("%s", stats[["model", "mean", "trials_per_s", "machine"]].to_string(index=False))
    logger.info("wrote %s, %s", path, ", ".join(map(str, drawn)))


if __name__ == "__main__":
    run_script(main)
