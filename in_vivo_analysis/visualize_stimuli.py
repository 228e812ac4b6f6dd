"""Frames of stimuli over recorded and predicted responses: figures/<analysis>_stimuli_*."""

import logging
from pathlib import Path

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.in_vivo.days import open_days, tables_of
from viv1t.in_vivo.panels import shown_stimuli
from viv1t.in_vivo.surrounds import DESIGNS, FULL_FIELD
from viv1t.most_exciting_stimulus.exhibits import neuron_name
from viv1t.plot.figures.in_vivo import STYLES
from viv1t.plot.figures.stimulus_panels import Shown, stimulus_panels_figure
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.visualize_stimuli")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    flags = ("data_dir", "output_dir", "mouse_ids", "day", "verbose")
    parser = script_parser(__doc__ or "", *flags)
    add = parser.add_argument
    add("--export_dir", type=Path, required=True, help="folder of the frames that were shown")
    add("--analysis", choices=(*DESIGNS, FULL_FIELD), required=True, help="which stimuli")
    add("--neurons", type=int, nargs="+", default=[-1], help="rows; -1: the population")
    args = parser.parse_args()
    log.setup(args.verbose)

    for day in open_days(args.data_dir, args.mouse_ids, args.day):
        tables, mouse = tables_of(day, args.output_dir), day.session.mouse
        for neuron in args.neurons:
            found = shown_stimuli(day, tables, args.export_dir, args.analysis, neuron=neuron)
            plate = stimulus_panels_figure(
                [Shown(**one) for one in found],
                fps=day.session.timing.fps,
                styles=STYLES,
                name=neuron_name(mouse, neuron),
                reference=None,
            )
            name = f"{args.analysis}_stimuli_mouse{mouse}_neuron{neuron}"
            logger.info("wrote %s", plate.save(ResultDir(args.output_dir).figures, name)[0])


if __name__ == "__main__":
    run_script(main)
