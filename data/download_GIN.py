"""Download Sensorium 2023 recordings (mice A-J) from GIN, one session at a time, resumable."""

import logging
from pathlib import Path

from viv1t.config.scripts import run_script, script_parser
from viv1t.data.download import LICENCE, download_mouse, read_digests
from viv1t.data.mice import SENSORIUM
from viv1t.log import setup


def main() -> None:
    """Download the sessions that the command line asks for."""
    parser = script_parser(f"{__doc__} {LICENCE}", "data_dir", "verbose")
    parser.add_argument("--mouse_ids", nargs="+", default=list(SENSORIUM), help="mice to download")
    parser.add_argument("--base_url", help="where the zip files lie; none: the two repositories")
    parser.add_argument("--sha256", type=Path, help="list of digests, as sha256sum writes it")
    parser.add_argument("--keep_zip", action="store_true", help="leave the zip files packed")
    args = parser.parse_args()
    setup(args.verbose)
    logging.getLogger("viv1t").warning(LICENCE)
    digests = read_digests(args.sha256) if args.sha256 else {}
    for mouse_id in args.mouse_ids:
        download_mouse(
            mouse_id,
            args.data_dir,
            base_url=args.base_url,
            sha256=digests,
            keep_zip=args.keep_zip,
        )


if __name__ == "__main__":
    run_script(main)
