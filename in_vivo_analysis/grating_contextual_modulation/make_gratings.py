"""Gratings with surrounds at two contrasts, as a library that most_exciting_stimulus exports."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.in_vivo.gratings import contextual_stimuli, population_centre
from viv1t.most_exciting_stimulus.library import library_folder, write_library

logger = logging.getLogger("viv1t.make_gratings")


def main() -> None:
    """Read the command line, draw the gratings, and say what was written."""
    parser = script_parser(__doc__ or "", "output_dir", "data_dir", "mouse_ids", "verbose")
    add = parser.add_argument
    add("--name", default="contextual_gratings", help="of the library")
    add("--stimulus_size", type=float, default=20.0, help="diameter of the disc in degrees")
    add("--contrasts", type=float, nargs="+", default=[0.05, 1.0], help="low, high")
    add("--directions", type=float, nargs="+", default=[0.0, 180.0], help="of the centre, degrees")
    args = parser.parse_args()
    log.setup(args.verbose)

    settings = {"size_deg": args.stimulus_size, "contrasts": args.contrasts}
    settings |= {"directions_deg": args.directions}
    for mouse in choose_mice(args.data_dir, args.mouse_ids):
        monitor = Recording(mouse).mouse.monitor
        centre = population_centre(args.output_dir, mouse.id, monitor)
        table, frames = contextual_stimuli(monitor, centre, **settings)
        folder = library_folder(args.output_dir, args.name)
        path = write_library(folder, mouse.id, table, frames, method=settings)
        logger.info("wrote %d stimuli to %s", len(table), path)


if __name__ == "__main__":
    run_script(main)
