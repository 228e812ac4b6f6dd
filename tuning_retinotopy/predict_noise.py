"""Show white noise to a run and keep what maps need: experiments/noise/mouse<M>.h5."""

import logging

from viv1t import log
from viv1t.config.flags import add_flags, from_values
from viv1t.config.scripts import PROBE_FLAGS, run_script, script_parser
from viv1t.experiments.noise import NoiseConfig, show_noise
from viv1t.insilico.gradients import GradientConfig, show_gradients
from viv1t.insilico.responders import open_probe

logger = logging.getLogger("viv1t.predict_noise")


def main() -> None:
    """Read the command line, show the noise, and say what was written."""
    parser = script_parser(
        "Show white noise to a run, or take the gradient of its responses by the pixels.",
        *PROBE_FLAGS,
        "as_published",
    )
    parser.add_argument(
        "--method",
        choices=("noise", "gradient"),
        default="noise",
        help="responses to many images (all neurons at once), or gradients at a few of them "
        "(neuron by neuron: faster for hundreds of neurons, not for thousands)",
    )
    add_flags(parser, NoiseConfig)
    add_flags(parser, GradientConfig)
    args = parser.parse_args()
    log.setup(args.verbose)

    probe = open_probe(args)
    if args.method == "gradient":
        paths = show_gradients(probe, from_values(GradientConfig, vars(args)))
    else:
        config = from_values(NoiseConfig, vars(args))
        paths = show_noise(probe, config, as_published=args.as_published)
    logger.info(
        "wrote %s; next: tuning_retinotopy/fit_aRFs.py", ", ".join(map(str, paths.values()))
    )


if __name__ == "__main__":
    run_script(main)
