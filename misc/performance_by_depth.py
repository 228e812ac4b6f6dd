"""Draw how well models predict neurons at each cortical depth: figures/performance_by_depth."""

import logging

import pandas as pd

from viv1t import log
from viv1t.analysis.scores import across_mice, gains, with_planes
from viv1t.config.scripts import run_script, script_parser
from viv1t.names import TIERS
from viv1t.plot.figures.performance import depth_figure
from viv1t.plot.style import source_styles
from viv1t.results.manifest import open_compare
from viv1t.results.scores import read_depths, read_scores
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.performance_by_depth")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    parser = script_parser(__doc__ or "", "output_dir", "compare", "as_published", "verbose")
    parser.add_argument("--ds_tier", choices=TIERS, default="live_main", help="what was predicted")
    args = parser.parse_args()
    log.setup(args.verbose)

    sources = open_compare(args.compare, args.output_dir)
    parts = [read_depths(s, read_scores(s, tiers=[args.ds_tier])) for s in sources]
    scores = with_planes(pd.concat(parts, ignore_index=True))
    summary = across_mice(scores, "correlation", by=["model", "depth_um"])
    plate = depth_figure(
        scores,
        gains(summary, reference=sources[0].label),
        styles=source_styles(sources, as_published=args.as_published),
        tier=args.ds_tier,
    )
    paths = plate.save(ResultDir(args.output_dir).figures, "performance_by_depth")
    logger.info("wrote %s", ", ".join(map(str, paths)))


if __name__ == "__main__":
    run_script(main)
