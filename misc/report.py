"""One page about the runs of a folder: every figure and table made so far, report.html."""

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.report.write import write_report


def main() -> None:
    """Read the command line, write the page."""
    parser = script_parser(
        "Write one page with every figure and table of a run, or of a folder with several runs. "
        "Without --data_dir the recordings are those that the runs were trained on.",
        *("data_dir", "output_dir", "verbose"),
    )
    parser.set_defaults(data_dir=None)
    args = parser.parse_args()
    log.setup(args.verbose)
    write_report(args.output_dir, args.data_dir)


if __name__ == "__main__":
    run_script(main)
