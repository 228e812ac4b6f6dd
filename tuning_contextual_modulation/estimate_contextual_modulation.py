"""Indices of contextual modulation, and neurons that flip with contrast: two tables."""

import argparse
import logging

import pandas as pd

from viv1t import log
from viv1t.analysis.contextual import contextual_modulation, published_modulation
from viv1t.analysis.flips import contrast_flips
from viv1t.config.scripts import TABLE_FLAGS, run_script, script_parser
from viv1t.experiments.contextual_responses import grey_of, load_gratings, samples_of
from viv1t.results.contextual_tables import CENTRED, FLIPS, MODULATION
from viv1t.results.store import read_result, spec_of, write_result
from viv1t.results.tables import write_table
from viv1t.rng import child

logger = logging.getLogger("viv1t.estimate_contextual_modulation")


def main() -> None:
    """Read the command line, analyse the responses, write the tables."""
    parser = script_parser(__doc__ or "", *TABLE_FLAGS, "centre")
    parser.add_argument(
        "--baseline",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="subtract the response to grey before indices are made; never as published",
    )
    args = parser.parse_args()
    log.setup(args.verbose)

    asked = {"centre": args.centre, "as_published": args.as_published}
    method = asked | {"baseline": args.baseline and not args.as_published, "seed": args.seed}
    tables: dict[str, list[pd.DataFrame]] = {MODULATION: [], FLIPS: []}
    shown = load_gratings(args.output_dir, mouse_ids=args.mouse_ids, **asked)
    for mouse_id, (responses, discs) in shown.items():
        samples, conditions = samples_of(responses)
        grey = grey_of(responses) * method["baseline"]
        for name, analyse in ((MODULATION, contextual_modulation), (FLIPS, contrast_flips)):
            rng = child(args.seed, name, mouse_id)
            found = analyse(samples, conditions, baseline=grey, rng=rng)
            tables[name].append(discs.assign(mouse=mouse_id).merge(found, on=["row", "size"]))
    for name, parts in tables.items():
        table = pd.concat(parts, ignore_index=True)
        if args.as_published and name == FLIPS:
            table["flip"] = table["exceeds"]
        kept = table[list(spec_of(name).columns)]
        path = write_result(args.output_dir, name + CENTRED[args.centre], kept, method=method)
        logger.info("wrote %d rows to %s", len(kept), path)
    if args.as_published:
        sizes = read_result(args.output_dir, "size_tuning", mouse_ids=list(shown))
        joined = pd.concat(tables[MODULATION]).merge(sizes[["mouse", "neuron", "classical_deg"]])
        path = args.output_dir / "contextual_modulation.parquet"
        write_table(path, published_modulation(joined))
        logger.info("wrote %s", path)


if __name__ == "__main__":
    run_script(main)
