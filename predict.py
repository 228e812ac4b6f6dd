"""Predict the responses to the recorded trials of a run's mice: responses/mouse<M>.h5."""

import logging

from viv1t import log
from viv1t.config.scripts import WINDOW_FLAGS, run_script, script_parser
from viv1t.insilico.predict_run import predict_run
from viv1t.insilico.windows import Windows
from viv1t.names import TIERS
from viv1t.results.run import RunDir

logger = logging.getLogger("viv1t.predict")


def main() -> None:
    """Read the command line, predict, and say what was written."""
    parser = script_parser(
        "Predict the responses to recorded trials.",
        *("data_dir", "output_dir", "mouse_ids", "device", "batch_size", "verbose"),
        *("compile", "precision", *WINDOW_FLAGS),
    )
    add = parser.add_argument
    add("--ds_tier", nargs="+", choices=("", *TIERS), default=[], help="tiers; empty: all")
    add("--num_workers", type=int, default=2, help="threads that read trials ahead")
    add("--units", choices=("recorded", "model"), default="recorded", help="units of responses")
    args = parser.parse_args()
    log.setup(args.verbose)

    num_trials, chosen = predict_run(
        args.output_dir,
        args.data_dir,
        mouse_ids=args.mouse_ids,
        tiers=args.ds_tier,
        device=args.device,
        precision=args.precision,
        compile=args.compile,
        units=args.units,
        batch_size=args.batch_size,
        num_workers=args.num_workers,
        windows=Windows.of(args.window_frames, args.window_stride),
        progress=args.verbose > 1,
    )
    logger.info(
        "wrote %d trials (tiers: %s; mice: %s) in %s units to %s",
        num_trials,
        ", ".join(t for t in TIERS if any(t in tiers for tiers in chosen.values())),
        ", ".join(chosen),
        args.units,
        RunDir.open(args.output_dir).responses("*"),
    )


if __name__ == "__main__":
    run_script(main)
