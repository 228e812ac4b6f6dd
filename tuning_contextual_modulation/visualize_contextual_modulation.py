"""Responses to surrounds and modulation indices: figures/contextual_modulation*."""

import logging

from viv1t import log
from viv1t.analysis.contextual import one_size
from viv1t.config.scripts import FIGURE_FLAGS, run_script, script_parser
from viv1t.plot.figures.contextual import modulation_comparison_figure, modulation_figure
from viv1t.plot.style import source_styles
from viv1t.results.compared import read_compared
from viv1t.results.contextual_tables import CENTRED, MODULATION
from viv1t.results.manifest import open_compare
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.visualize_contextual_modulation")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    args = script_parser(__doc__ or "", *FIGURE_FLAGS, "centre", "size_deg").parse_args()
    log.setup(args.verbose)

    sources = open_compare(args.compare, args.output_dir)
    styles = source_styles(sources, as_published=args.as_published)
    name = MODULATION + CENTRED[args.centre]
    every = read_compared(sources, name, mouse_ids=args.mouse_ids)
    groups = every.groupby("label", sort=False)
    tables = {str(label): one_size(part, args.size_deg) for label, part in groups}
    folder = ResultDir(args.output_dir).figures
    for label, table in tables.items():
        of_source = name if len(tables) == 1 else f"{name}_{label}"
        paths = modulation_figure(table, style=styles[label]).save(folder, of_source)
        logger.info("wrote %s", paths[0])
    comparison = modulation_comparison_figure(tables, styles=styles)
    logger.info("wrote %s", comparison.save(folder, f"{name}_comparison")[0])


if __name__ == "__main__":
    run_script(main)
