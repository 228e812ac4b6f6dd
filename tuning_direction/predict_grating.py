"""Show drifting gratings on each receptive field: experiments/direction/mouse<M>.h5."""

import logging
from functools import partial

from viv1t import log
from viv1t.config.flags import add_flags, from_values
from viv1t.config.scripts import PROBE_FLAGS, run_script, script_parser
from viv1t.experiments.direction import NAME, REDUCTION, DirectionConfig, direction_set
from viv1t.experiments.discs import take_neurons
from viv1t.experiments.placed import Group
from viv1t.experiments.probing import run_all
from viv1t.insilico.responders import open_probe

logger = logging.getLogger("viv1t.predict_grating")


def main() -> None:
    """Read the command line, show the gratings, and say what was written."""
    parser = script_parser("Responses to drifting gratings in an aperture.", *PROBE_FLAGS)
    parser.add_argument(
        "--centre",
        choices=("neuron", "population", "screen"),
        default="neuron",
        help="where: each neuron's receptive field, the median of all, or mid-screen",
    )
    parser.add_argument(
        "--neurons", type=int, nargs="+", default=None, help="rows of neurons; none: all"
    )
    add_flags(parser, DirectionConfig)
    args = parser.parse_args()
    log.setup(args.verbose)
    config = from_values(DirectionConfig, vars(args))
    probe = open_probe(args)
    design = partial(direction_set, config)

    def divide(mouse_id: str, groups: list[Group]) -> list[Group]:
        return take_neurons(groups, neurons=args.neurons)

    paths = run_all(probe, NAME, design, mode=args.centre, divide=divide, reduction=REDUCTION)
    logger.info("wrote responses to gratings to %s", ", ".join(map(str, paths.values())))


if __name__ == "__main__":
    run_script(main)
