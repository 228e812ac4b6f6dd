"""Draw what the tokenizer of a run learned, filters and positions: figures/tokenizer."""

import logging

from viv1t import log
from viv1t.config.flags import check
from viv1t.config.scripts import run_script, script_parser
from viv1t.insilico.anatomy import learned_positions, patch_filters
from viv1t.insilico.load import load
from viv1t.plot.figures.inside_core import tokenizer_figure
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.visualize_tokenizer")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    parser = script_parser(
        "Draw the filters with which a vivit weighs patches, and its embeddings of positions.",
        *("output_dir", "verbose"),
    )
    parser.add_argument("--num_filters", type=int, default=12, help="filters that are drawn")
    args = parser.parse_args()
    check(args.num_filters >= 1, f"--num_filters must be at least 1, got {args.num_filters}")
    log.setup(args.verbose)

    twin = load(args.output_dir, device="cpu")
    plate = tokenizer_figure(
        patch_filters(twin), learned_positions(twin), fps=twin.fps, num_filters=args.num_filters
    )
    paths = plate.save(ResultDir(args.output_dir).figures, "tokenizer")
    logger.info("wrote %s", ", ".join(map(str, paths)))


if __name__ == "__main__":
    run_script(main)
