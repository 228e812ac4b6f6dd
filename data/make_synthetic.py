"""Write recordings of synthetic mice, whose tuning is known, in the published format."""

import os

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.data.synthetic import PRESETS, write_recordings


def main() -> None:
    """Write what is missing of a preset."""
    parser = script_parser(__doc__ or "", "data_dir", "seed", "verbose")
    parser.add_argument("--preset", default="demo", help=f"one of {', '.join(PRESETS)}")
    parser.add_argument("--overwrite", action="store_true", help="replace other recordings")
    parser.add_argument(
        "--num_workers", type=int, default=os.cpu_count() or 1, help="processes that write"
    )
    args = parser.parse_args()
    log.setup(args.verbose)
    write_recordings(
        args.data_dir,
        preset=args.preset,
        seed=args.seed,
        num_workers=args.num_workers,
        overwrite=args.overwrite,
        progress=args.verbose > 0,
    )


if __name__ == "__main__":
    run_script(main)
