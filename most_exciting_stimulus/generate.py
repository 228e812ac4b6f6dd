"""Generate most exciting and inhibiting stimuli: most_exciting_stimulus/<save_dir>/."""

import logging

from viv1t import log
from viv1t.config.flags import add_flags, from_values
from viv1t.config.scripts import PROBE_FLAGS, run_script, script_parser
from viv1t.most_exciting_stimulus.ascent import AscentConfig
from viv1t.most_exciting_stimulus.generate import generate_stimuli
from viv1t.most_exciting_stimulus.neurons import SelectionConfig
from viv1t.most_exciting_stimulus.parts import GenerateConfig
from viv1t.most_exciting_stimulus.witnesses import open_witnesses
from viv1t.report.animations import animate_found

logger = logging.getLogger("viv1t.generate")


def main() -> None:
    """Read the command line, generate, and say what was written."""
    parser = script_parser(
        __doc__ or "", *PROBE_FLAGS, "held_out", "as_published", "animate", "format"
    )
    add = parser.add_argument
    add("--neuron", type=int, default=None, help="one neuron; none: see --neurons")
    add(
        "--grad_checkpointing",
        type=int,
        choices=(0, 1),
        default=0,
        help="1: twins compute activations anew when gradients pass back: less memory, more time",
    )
    add("--overwrite", action="store_true", help="begin anew; what was there is kept beside it")
    for config in (SelectionConfig, GenerateConfig, AscentConfig):
        add_flags(parser, config)
    args = parser.parse_args()
    log.setup(args.verbose)
    if args.neuron is not None:
        args.neurons = (args.neuron,)

    asked, *held_out = open_witnesses(args)
    folders = generate_stimuli(
        asked.probe,
        *(from_values(config, vars(args)) for config in (SelectionConfig, GenerateConfig)),
        from_values(AscentConfig, vars(args)),
        data_dir=args.data_dir,
        held_out=held_out,
        overwrite=args.overwrite,
        as_published=args.as_published,
    )
    logger.info("wrote %s", ", ".join(sorted({str(folder) for folder in folders.values()})))
    if args.animate:
        animate_found(args, asked, [args.save_dir], sorted(folders))


if __name__ == "__main__":
    run_script(main)
