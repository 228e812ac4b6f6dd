"""Write the physiology populations, on which every tuning analysis is proven."""

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.data.synthetic.oracle import NUM_SEEDS, write_oracle


def main() -> None:
    """Write truth tables and mice.yaml."""
    parser = script_parser(__doc__ or "", "data_dir", "verbose")
    parser.add_argument("--num_seeds", type=int, default=NUM_SEEDS, help="populations of each kind")
    args = parser.parse_args()
    log.setup(args.verbose)
    write_oracle(args.data_dir, num_seeds=args.num_seeds)


if __name__ == "__main__":
    run_script(main)
