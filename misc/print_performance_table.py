"""Print how well runs predict: mean and standard error over mice, as Markdown or LaTeX."""

import logging

from viv1t import log
from viv1t.analysis.scores import across_mice
from viv1t.config.scripts import run_script, script_parser
from viv1t.names import TIERS
from viv1t.results.manifest import open_compare
from viv1t.results.score_text import METRICS, as_latex, as_markdown
from viv1t.results.scores import read_all_scores

logger = logging.getLogger("viv1t.print_performance_table")


def main() -> None:
    """Read the command line, and print the table."""
    parser = script_parser(
        "Print the scores that misc/evaluate_response.py left in runs.",
        *("output_dir", "compare", "verbose"),
    )
    add = parser.add_argument
    add("--ds_tier", nargs="+", choices=TIERS, default=[], help="tiers; none: all")
    add("--metric", choices=METRICS, default="correlation", help="score of a neuron")
    add("--format", choices=("markdown", "latex"), default="markdown", help="of the table")
    args = parser.parse_args()
    log.setup(args.verbose)

    sources = open_compare(args.compare, args.output_dir)
    scores = read_all_scores(sources, tiers=args.ds_tier)
    table = across_mice(scores, args.metric, by=["model", "tier"])
    draw = as_latex if args.format == "latex" else as_markdown
    logger.info("%s", draw(table))


if __name__ == "__main__":
    run_script(main)
