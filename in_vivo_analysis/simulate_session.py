"""Let synthetic mice see exported stimuli on a later day: a session beside that of the first."""

import logging
from pathlib import Path

from viv1t import log
from viv1t.config.flags import add_flags, from_values
from viv1t.config.scripts import run_script, script_parser
from viv1t.data.mice import choose_mice
from viv1t.in_vivo.simulate import SimulateConfig, simulate_session

logger = logging.getLogger("viv1t.simulate_session")


def main() -> None:
    """Read the command line, record the day, and say where it lies."""
    parser = script_parser(__doc__ or "", "data_dir", "mouse_ids", "seed", "verbose")
    add = parser.add_argument
    add(
        "--export_dir",
        type=Path,
        required=True,
        help="of most_exciting_stimulus/export_stimuli.py, with mouse<M>/manifest.yaml",
    )
    add("--animal", default=None, help="that the fields of view belong to; none: one for each")
    add("--overwrite", action="store_true", help="replace another recording of that day")
    add_flags(parser, SimulateConfig)
    args = parser.parse_args()
    log.setup(args.verbose)

    for mouse in choose_mice(args.data_dir, args.mouse_ids):
        own = args.export_dir / f"mouse{mouse.id}"
        folder = simulate_session(
            mouse,
            own if own.is_dir() else args.export_dir,
            from_values(SimulateConfig, vars(args)),
            seed=args.seed,
            animal=args.animal,
            overwrite=args.overwrite,
            progress=args.verbose > 1,
        )
        logger.info("wrote %s", folder)


if __name__ == "__main__":
    run_script(main)
