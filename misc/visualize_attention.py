"""Draw where a run attended: figures/attention_mouse<M>, and animations of single movies."""

import logging

from viv1t import log
from viv1t.config.flags import check
from viv1t.config.scripts import run_script, script_parser
from viv1t.plot.figures.attention import attention_figure
from viv1t.plot.previews import attention_movies
from viv1t.results.attention import (
    EXTRACT,
    PUBLISHED,
    RECORDED_TRIALS,
    AttentionFiles,
    stored_mice,
)
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.visualize_attention")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    parser = script_parser(
        "Draw the attention that misc/extract_attention.py rolled out. What it can and cannot "
        "tell: docs/attention.md.",
        *("output_dir", "mouse_ids", "as_published", "verbose"),
    )
    add = parser.add_argument
    add("--num_samples", type=int, default=5, help="movies to animate, of each mouse")
    add("--format", choices=("gif", "mp4"), default="gif", help="of animations")
    args = parser.parse_args()
    check(args.num_samples >= 0, f"--num_samples must be 0 or more, got {args.num_samples}")
    log.setup(args.verbose)

    name = RECORDED_TRIALS + PUBLISHED * args.as_published
    folder, written = ResultDir(args.output_dir).figures, []
    for mouse_id in args.mouse_ids or stored_mice(args.output_dir, name, EXTRACT):
        files = AttentionFiles.of(args.output_dir, name, mouse_id)
        written += attention_figure(files).save(folder, f"{name}_mouse{mouse_id}")
        written += attention_movies(
            files,
            folder / name,
            num_samples=args.num_samples,
            suffix=args.format,
            progress=args.verbose > 1,
        )
    logger.info("wrote %s", ", ".join(str(path) for path in written if path.suffix != ".csv"))


if __name__ == "__main__":
    run_script(main)
