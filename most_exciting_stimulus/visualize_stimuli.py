"""Stimuli of single neurons and the responses to them: figures/stimuli_mouse<M>_neuron<N>."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.most_exciting_stimulus.library import read_libraries
from viv1t.most_exciting_stimulus.side_by_side import neuron_name, richest_neurons, side_by_side
from viv1t.plot.figures.stimulus_panels import Shown, stimulus_panels_figure
from viv1t.plot.style import responder_styles
from viv1t.results.store import ResultDir
from viv1t.units import FPS

logger = logging.getLogger("viv1t.visualize_stimuli")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    parser = script_parser(__doc__ or "", "output_dir", "mouse_ids", "stimuli", "verbose")
    add = parser.add_argument
    add("--neurons", type=int, nargs="+", default=None, help="rows; -1: the population")
    add("--num_examples", type=int, default=4, help="neurons to draw without --neurons")
    add("--responders", nargs="+", default=None, help="names that predict_stimulus.py gave them")
    args = parser.parse_args()
    log.setup(args.verbose)

    library = read_libraries(args.output_dir, args.stimuli, args.mouse_ids)
    responders = args.responders or [args.output_dir.resolve().name]
    targets = richest_neurons(library.table, args.num_examples)
    if args.neurons is not None:
        mice = sorted(set(library.table["mouse"]))
        targets = [(mouse_id, neuron) for mouse_id in mice for neuron in args.neurons]
    folder = ResultDir(args.output_dir).figures
    for mouse_id, neuron in targets:
        found = side_by_side(args.output_dir, library, mouse_id, neuron, responders)
        plate = stimulus_panels_figure(
            [Shown(**one) for one in found],
            fps=FPS,
            styles=responder_styles(responders),
            name=neuron_name(mouse_id, neuron),
        )
        who = "population" if neuron < 0 else f"neuron{neuron:04d}"
        logger.info("wrote %s", plate.save(folder, f"stimuli_mouse{mouse_id}_{who}")[0])


if __name__ == "__main__":
    run_script(main)
