"""Stimuli of single neurons and the responses to them: figures/stimuli_mouse<M>_neuron<N>."""

import logging

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.most_exciting_stimulus.exhibits import Choice, read_sets, richest_neurons
from viv1t.most_exciting_stimulus.library import read_libraries
from viv1t.plot.figures.stimulus_panels import Shown, stimulus_panels_figure
from viv1t.plot.style import responder_styles
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.visualize_stimuli")

MAX_STIMULI = 12


def main() -> None:
    """Read the command line, draw, and say what was written."""
    parser = script_parser(__doc__ or "", "output_dir", "mouse_ids", "stimuli", "verbose")
    add = parser.add_argument
    add("--neurons", type=int, nargs="+", default=None, help="rows; -1: the population")
    add("--num_examples", type=int, default=4, help="neurons to draw without --neurons")
    add("--responders", nargs="+", default=None, help="who was asked; none: all that were")
    args = parser.parse_args()
    log.setup(args.verbose)

    neurons, examples = args.neurons, None
    if neurons is None:
        library = read_libraries(args.output_dir, args.stimuli, args.mouse_ids)
        examples = richest_neurons(library.table, args.num_examples)
        neurons = [neuron for _, neuron in examples]
    choice = Choice(neurons=tuple(neurons), responders=args.responders)
    folder = ResultDir(args.output_dir).figures
    for found in read_sets(
        args.output_dir, choice=choice, names=args.stimuli, mouse_ids=args.mouse_ids
    ):
        if examples is not None and (found.mouse, found.neuron) not in examples:
            continue
        shown = found.exhibits[:MAX_STIMULI]
        if len(shown) < len(found.exhibits):
            left_out = len(found.exhibits) - MAX_STIMULI
            logger.info("%s: %d stimuli left out; choose by --stimuli", found.name, left_out)
        panels = [
            Shown(title=one.words, frames=one.frames, traces=one.traces, window=one.window)
            for one in shown
        ]
        plate = stimulus_panels_figure(
            panels,
            fps=shown[0].fps,
            styles=responder_styles(who for one in shown for who in one.traces),
            name=found.name,
        )
        who = "population" if found.neuron < 0 else f"neuron{found.neuron:04d}"
        logger.info("wrote %s", plate.save(folder, f"stimuli_mouse{found.mouse}_{who}")[0])


if __name__ == "__main__":
    run_script(main)
