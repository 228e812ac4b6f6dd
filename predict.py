"""Predict the responses to the recorded trials of a run's mice: responses/mouse<M>.h5."""

import logging

from viv1t import log
from viv1t.config.flags import check
from viv1t.config.scripts import run_script, script_parser
from viv1t.insilico.load import is_published, load, weights_id
from viv1t.insilico.recorded import made_now
from viv1t.insilico.replay import choose_tiers, open_recordings, predict_recording
from viv1t.names import TIERS
from viv1t.results.responses import ResponseFile
from viv1t.results.run import RunDir

logger = logging.getLogger("viv1t.predict")


def main() -> None:
    """Read the command line, predict, and say what was written."""
    parser = script_parser(
        "Predict the responses to recorded trials.",
        *("data_dir", "output_dir", "mouse_ids", "device", "batch_size", "verbose"),
        *("compile", "precision"),
    )
    add = parser.add_argument
    add("--ds_tier", nargs="+", choices=("", *TIERS), default=[], help="tiers; empty: all")
    add("--num_workers", type=int, default=2, help="threads that read trials ahead")
    add("--units", choices=("recorded", "model"), default="recorded", help="units of responses")
    args = parser.parse_args()
    check(args.batch_size >= 1, f"--batch_size must be at least 1, got {args.batch_size}")
    check(args.num_workers >= 0, f"--num_workers must be 0 or more, got {args.num_workers}")
    log.setup(args.verbose)

    run = RunDir.open(args.output_dir)
    statistics = args.data_dir if is_published(run) else None
    twin = load(
        run.path, device=args.device or None, precision=args.precision, statistics=statistics
    )
    if args.compile:
        twin.model.compile_core()
    recordings = open_recordings(twin, args.data_dir, args.mouse_ids)
    tiers = choose_tiers(recordings, [tier for tier in args.ds_tier if tier])
    provenance = weights_id(run) | made_now()
    num_trials = 0
    for mouse_id, chosen in tiers.items():
        num_trials += predict_recording(
            twin,
            recordings[mouse_id],
            ResponseFile(run.responses(mouse_id)),
            tiers=chosen,
            provenance=provenance,
            units=args.units,
            batch_size=args.batch_size,
            num_workers=args.num_workers,
            progress=args.verbose > 1,
        )
    logger.info(
        "wrote %d trials (tiers: %s; mice: %s) in %s units to %s",
        num_trials,
        ", ".join(t for t in TIERS if any(t in chosen for chosen in tiers.values())),
        ", ".join(tiers),
        args.units,
        run.responses("*"),
    )


if __name__ == "__main__":
    run_script(main)
