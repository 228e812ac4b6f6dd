"""Draw where a run attended in discs and holes: figures/attention_feedbackRF_mouse<M>."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.plot.figures.attention_size import attention_size_figure
from viv1t.plot.previews import attention_grid
from viv1t.results.attention import (
    FEEDBACK,
    FEEDBACK_EXTRACT,
    PUBLISHED,
    AttentionFiles,
    stored_mice,
)
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.visualize_attention")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    parser = script_parser(
        "Draw the attention that tuning_feedbackRF/extract_attention.py rolled out. What it can "
        "and cannot tell: docs/attention.md.",
        *("output_dir", "mouse_ids", "as_published", "verbose"),
    )
    parser.add_argument("--format", choices=("gif", "mp4"), default="gif", help="of the animation")
    args = parser.parse_args()
    log.setup(args.verbose)

    name = FEEDBACK + PUBLISHED * args.as_published
    folder, written = ResultDir(args.output_dir).figures, []
    for mouse_id in args.mouse_ids or stored_mice(args.output_dir, name, FEEDBACK_EXTRACT):
        files = AttentionFiles.of(args.output_dir, name, mouse_id)
        written += attention_size_figure(files).save(folder, f"{name}_mouse{mouse_id}")
        written.append(attention_grid(files, folder, suffix=args.format, progress=args.verbose > 1))
    logger.info("wrote %s", ", ".join(str(path) for path in written if path.suffix != ".csv"))


if __name__ == "__main__":
    run_script(main)
