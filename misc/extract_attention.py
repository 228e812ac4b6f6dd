"""Attention rollout of a run for recorded trials: experiments/attention/mouse<M>/<variable>.h5."""

import logging
from functools import partial

from viv1t import log
from viv1t.analysis.rollout import RolloutTally
from viv1t.config.scripts import run_script, script_parser
from viv1t.insilico.extract import extract_from_recordings
from viv1t.names import TEST_TIERS
from viv1t.results.attention import PUBLISHED, RECORDED_TRIALS

logger = logging.getLogger("viv1t.extract_attention")


def main() -> None:
    """Read the command line, watch the attention, and say what was written."""
    parser = script_parser(
        "Roll out the attention of a run (any core that has attention) for recorded trials. What "
        "this can and cannot tell: docs/attention.md.",
        *("data_dir", "output_dir", "mouse_ids", "device", "precision", "seed", "verbose"),
        "as_published",
    )
    add = parser.add_argument
    add("--ds_tier", nargs="+", choices=TEST_TIERS, default=["live_main"], help="tiers of trials")
    add(
        "--sensitivity",
        action="store_true",
        help="store the gradient of the responses too, which attention is to be compared with",
    )
    args = parser.parse_args()
    log.setup(args.verbose)

    numbers = extract_from_recordings(
        args.output_dir,
        args.data_dir,
        partial(RolloutTally, as_published=args.as_published),
        mouse_ids=args.mouse_ids,
        tiers=tuple(args.ds_tier),
        as_published=args.as_published,
        with_sensitivity=args.sensitivity,
        device=args.device,
        precision=args.precision,
        progress=args.verbose > 1,
    )
    logger.info(
        "wrote the attention to %s to %s",
        ", ".join(f"{number} trials of mouse {mouse_id}" for mouse_id, number in numbers.items()),
        args.output_dir / "experiments" / (RECORDED_TRIALS + PUBLISHED * args.as_published),
    )


if __name__ == "__main__":
    run_script(main)
