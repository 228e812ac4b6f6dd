"""Draw the pictures of README.md and docs/architecture.md: docs/figures/{overview,architecture}."""

import logging
from pathlib import Path

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.plot.overview import overview
from viv1t.plot.rooms import architecture
from viv1t.plot.style import house_style, save_drawing

logger = logging.getLogger("viv1t.draw_overview")


def main() -> None:
    """Read the command line and draw both pictures."""
    parser = script_parser("Draw the pictures of the documentation.", "seed", "verbose")
    parser.add_argument(
        "--output_dir", type=Path, default=Path("docs/figures"), help="folder of the pictures"
    )
    args = parser.parse_args()
    log.setup(args.verbose)
    with house_style():
        pictures = {"overview": overview(args.seed), "architecture": architecture()}
    for name, figure in pictures.items():
        for path in save_drawing(figure, args.output_dir, name, suffixes=("png", "svg")):
            logger.info("wrote %s (%d kB)", path, path.stat().st_size // 1000)


if __name__ == "__main__":
    run_script(main)
