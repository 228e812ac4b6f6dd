"""Write gallery.html: the stimuli of each neuron side by side, responses, verdicts, controls."""

from tqdm import tqdm

from viv1t import log
from viv1t.config.flags import add_flags, from_values
from viv1t.config.scripts import run_script, script_parser
from viv1t.most_exciting_stimulus.exhibits import Choice, read_sets
from viv1t.report.gallery import write_gallery


def main() -> None:
    """Read the command line and write the page."""
    parser = script_parser(__doc__ or "", "output_dir", "mouse_ids", "stimuli", "verbose")
    add_flags(parser, Choice)
    args = parser.parse_args()
    log.setup(args.verbose)
    choice = from_values(Choice, vars(args))
    sets = read_sets(args.output_dir, choice=choice, names=args.stimuli, mouse_ids=args.mouse_ids)
    write_gallery(args.output_dir, tqdm(sets, unit="neuron", disable=args.verbose < 2))


if __name__ == "__main__":
    run_script(main)
