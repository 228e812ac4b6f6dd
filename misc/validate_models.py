"""What models that were trained on synthetic mice recover of the truth: end_to_end.md."""

import logging
from pathlib import Path

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.data.mice import choose_mice
from viv1t.validation.run import prove_models

logger = logging.getLogger("viv1t.validate_models")


def main() -> None:
    """Read the command line, compare tables, and say what was written."""
    parser = script_parser(__doc__ or "", "output_dir", "data_dir", "mouse_ids", "verbose")
    add = parser.add_argument
    add(
        "--runs", type=Path, nargs="+", required=True, help="runs with tables of the tuning scripts"
    )
    add("--truth", type=Path, required=True, help="folder of tables made with --responder truth")
    args = parser.parse_args()
    log.setup(args.verbose)
    mice = [mouse.id for mouse in choose_mice(args.data_dir, args.mouse_ids)]
    page = prove_models(
        args.output_dir, args.runs, truth=args.truth, data_dir=args.data_dir, mouse_ids=mice
    )
    logger.info("wrote %s", page)


if __name__ == "__main__":
    run_script(main)
