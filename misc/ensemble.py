"""Average the predictions of several runs: <output_dir>/responses/mouse<M>.h5."""

import logging
from pathlib import Path

from viv1t import log
from viv1t.config.scripts import WINDOW_FLAGS, run_script, script_parser
from viv1t.insilico.predict_run import predict_run
from viv1t.insilico.windows import Windows
from viv1t.names import TIERS
from viv1t.results.ensemble import average_responses, shared_mice, shares_of
from viv1t.results.responses import ResponseFile

logger = logging.getLogger("viv1t.ensemble")


def main() -> None:
    """Read the command line, predict where asked to, average, and say what was written."""
    parser = script_parser(
        "Average the predictions of several runs, as if they were one more run: "
        "misc/evaluate_response.py and misc/create_submission.py read the result.",
        *("data_dir", "output_dir", "mouse_ids", "device", "batch_size", "verbose"),
        *WINDOW_FLAGS,
    )
    add = parser.add_argument
    add("--runs", type=Path, nargs="+", required=True, help="run folders to average (required)")
    add("--weights", type=float, nargs="+", help="of the runs; none: all the same")
    add("--predict", action="store_true", help="predict with each run first, as predict.py does")
    add("--ds_tier", nargs="+", choices=TIERS, default=[], help="tiers to --predict; none: all")
    args = parser.parse_args()
    log.setup(args.verbose)

    shares = shares_of(args.weights, len(args.runs))
    windows = Windows.of(args.window_frames, args.window_stride)
    for run in args.runs if args.predict else ():
        predict_run(
            run,
            args.data_dir,
            mouse_ids=args.mouse_ids,
            tiers=args.ds_tier,
            device=args.device,
            batch_size=args.batch_size,
            windows=windows,
            progress=args.verbose > 1,
        )
    for mouse_id in args.mouse_ids or shared_mice(args.runs):
        name = f"responses/mouse{mouse_id}.h5"
        count = average_responses(
            [ResponseFile(run / name) for run in args.runs],
            ResponseFile(args.output_dir / name),
            weights=shares,
            labels=[str(run) for run in args.runs],
            progress=args.verbose > 1,
        )
        logger.info("wrote %d trials to %s", count, args.output_dir / name)


if __name__ == "__main__":
    run_script(main)
