"""Surrounds that are best for a twin, shown to the synthetic truth: twin_and_truth."""

import logging

from viv1t import log
from viv1t.analysis.rankings import agreement, kind_tests, orders
from viv1t.config.flags import add_flags, from_values
from viv1t.config.scripts import PROBE_FLAGS, run_script, script_parser
from viv1t.data.synthetic import SyntheticMouse
from viv1t.insilico.responders import open_probe
from viv1t.most_exciting_stimulus.versus_truth import KINDS, VersusConfig, compare_surrounds
from viv1t.plot.figures.twin_and_truth import twin_and_truth_figure
from viv1t.results.generated_tables import ORDERS, TESTS, TWIN_AND_TRUTH
from viv1t.results.store import ResultDir, write_result

logger = logging.getLogger("viv1t.compare_with_truth")


def main() -> None:
    """Read the command line, ask both, write tables and the figure."""
    parser = script_parser(__doc__ or "", *PROBE_FLAGS)
    add_flags(parser, VersusConfig)
    args = parser.parse_args()
    log.setup(args.verbose)

    probe, config = open_probe(args), from_values(VersusConfig, vars(args))
    truth = SyntheticMouse.open(args.data_dir, probe.mouse_ids)
    table = compare_surrounds(probe, truth, config, data_dir=args.data_dir)
    tests = kind_tests(table, kinds=KINDS, columns=("twin", "truth"), baseline="none")
    ranked = orders(table, kinds=KINDS)
    shares = agreement(ranked)
    for name, rows in ((TWIN_AND_TRUTH, table), (TESTS, tests), (ORDERS, ranked)):
        write_result(args.output_dir, name, rows, method=vars(config))
    plate = twin_and_truth_figure(table, tests, shares)
    path, *_ = plate.save(ResultDir(args.output_dir).figures, TWIN_AND_TRUTH)
    logger.info("wrote %s; holds in the truth:\n%s", path, shares.round(2).to_string(index=False))


if __name__ == "__main__":
    run_script(main)
