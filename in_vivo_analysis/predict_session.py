"""Show a run what an animal saw on a later day: experiments/in_vivo_day<k>/mouse<M>.h5."""

import logging
from dataclasses import replace
from pathlib import Path

from viv1t import log
from viv1t.config.scripts import PROBE_FLAGS, run_script, script_parser
from viv1t.experiments.probing import run_all
from viv1t.in_vivo.days import experiment_of, open_days
from viv1t.in_vivo.session import reduction_of
from viv1t.in_vivo.shown import session_set
from viv1t.insilico.responders import open_probe

logger = logging.getLogger("viv1t.predict_session")


def main() -> None:
    """Read the command line, predict, and say what was written."""
    parser = script_parser(__doc__ or "", *PROBE_FLAGS, "day")
    parser.add_argument(
        "--export_dir", type=Path, required=True, help="folder of the frames that were shown"
    )
    args = parser.parse_args()
    log.setup(args.verbose)

    probe = open_probe(args)
    for day in open_days(args.data_dir, probe.mouse_ids, args.day):
        mouse = day.session.mouse
        paths = run_all(
            replace(probe, monitors={mouse: probe.monitors[mouse]}),
            experiment_of(args.day),
            session_set(day.session, args.export_dir),
            reduction=reduction_of(day.session.timing),
        )
        logger.info("wrote %s", paths[mouse])


if __name__ == "__main__":
    run_script(main)
