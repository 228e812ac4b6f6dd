"""Estimate the spectrum of natural movies: most_exciting_stimulus/natural_spectrum/mouse<M>.npz."""

import logging

from viv1t import log
from viv1t.config.flags import add_flags, from_values
from viv1t.config.scripts import run_script, script_parser
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.most_exciting_stimulus.spectrum import (
    SpectrumConfig,
    read_spectrum,
    spectrum_tables,
    write_spectrum,
)
from viv1t.plot.figures.natural_spectrum import natural_spectrum_figure
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.estimate_natural_stimuli_spectrum")


def main() -> None:
    """Read the command line, look at each training movie twice, and say what was written."""
    parser = script_parser(__doc__ or "", "data_dir", "output_dir", "mouse_ids", "verbose")
    add_flags(parser, SpectrumConfig)
    args = parser.parse_args()
    log.setup(args.verbose)

    config = from_values(SpectrumConfig, vars(args))
    spectra = {}
    for mouse in choose_mice(args.data_dir, args.mouse_ids):
        path = write_spectrum(args.output_dir, Recording(mouse), config, progress=args.verbose > 1)
        spectra[mouse.id] = read_spectrum(args.output_dir, mouse.id)
    plate = natural_spectrum_figure(*spectrum_tables(spectra))
    plate.save(ResultDir(args.output_dir).figures, "natural_spectrum")
    logger.info("wrote %s: mouse %s, and figures/natural_spectrum", path.parent, ", ".join(spectra))


if __name__ == "__main__":
    run_script(main)
