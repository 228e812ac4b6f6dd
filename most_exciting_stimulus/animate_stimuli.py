"""Animate stimuli with the responses to them: figures/most_exciting_stimulus/mouse<M>_..."""

import logging

from tqdm import tqdm

from viv1t import log
from viv1t.config.flags import add_flags, from_values
from viv1t.config.scripts import run_script, script_parser
from viv1t.most_exciting_stimulus.exhibits import Choice, read_sets
from viv1t.most_exciting_stimulus.library import FOLDER
from viv1t.plot.stimulus_movies import stimulus_movie
from viv1t.results.store import ResultDir

logger = logging.getLogger("viv1t.animate_stimuli")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    parser = script_parser(__doc__ or "", "output_dir", "mouse_ids", "stimuli", "verbose")
    add_flags(parser, Choice)
    parser.add_argument("--format", choices=("gif", "mp4"), default="gif", help="of animations")
    args = parser.parse_args()
    log.setup(args.verbose)

    folder, written = ResultDir(args.output_dir).figures / FOLDER, []
    choice = from_values(Choice, vars(args))
    sets = read_sets(args.output_dir, choice=choice, names=args.stimuli, mouse_ids=args.mouse_ids)
    for shown in tqdm(sets, unit="neuron", disable=args.verbose < 2):
        for exhibit in shown.exhibits:
            path = stimulus_movie(
                exhibit.framed,
                exhibit.traces,
                window=exhibit.window,
                fps=exhibit.fps,
                limits=shown.limits,
                title=f"{shown.name}: {exhibit.words}",
                path=folder / f"{shown.file_name(exhibit)}.{args.format}",
            )
            written.append(path)
    logger.info("wrote %d animations to %s", len(written), folder)


if __name__ == "__main__":
    run_script(main)
