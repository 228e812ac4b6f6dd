"""Draw neurons where they lie in cortex, coloured by response or score: figures/cortex_mouse<M>."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.names import TIERS
from viv1t.plot.figures.cortex import cortex_figure
from viv1t.results.manifest import open_compare
from viv1t.results.score_text import METRICS
from viv1t.results.scores import values_in_cortex
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.visualize_responses_3d")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    parser = script_parser(
        "Draw neurons where they lie in cortex, coloured by their mean predicted response or by a "
        "score that misc/evaluate_response.py left in the run.",
        *("output_dir", "mouse_ids", "verbose"),
    )
    add = parser.add_argument
    add("--ds_tier", choices=TIERS[1:], default="live_main", help="what was predicted")
    add("--colour", choices=("response", *METRICS), default="correlation", help="what is shown")
    args = parser.parse_args()
    log.setup(args.verbose)

    (source,) = open_compare(None, args.output_dir)
    values = values_in_cortex(source, args.colour, tier=args.ds_tier, mouse_ids=args.mouse_ids)
    words = args.colour.replace("_", " ").capitalize()
    quantity = (words, "a.u.") if args.colour == "response" else (words, "r")
    for mouse_id, table in values.items():
        plate = cortex_figure(table, quantity=quantity, title=f"Mouse {mouse_id}, {args.ds_tier}")
        name = f"cortex_{args.colour}_mouse{mouse_id}"
        paths = plate.save(ResultDir(args.output_dir).figures, name)
        logger.info("wrote %s", ", ".join(map(str, paths)))


if __name__ == "__main__":
    run_script(main)
