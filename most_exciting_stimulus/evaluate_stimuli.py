"""Show finished stimuli to the run, held-out runs and the truth: scores, controls, confusion."""

import logging
from dataclasses import asdict

import pandas as pd

from viv1t import log
from viv1t.config.flags import add_flags, from_values
from viv1t.config.scripts import PROBE_FLAGS, run_script, script_parser
from viv1t.most_exciting_stimulus.evaluate import EvaluateConfig, evaluate
from viv1t.most_exciting_stimulus.library import read_libraries
from viv1t.most_exciting_stimulus.witnesses import centres_of, open_witnesses, selective_of
from viv1t.results.store import write_result

logger = logging.getLogger("viv1t.evaluate_stimuli")


def main() -> None:
    """Read the command line, show the stimuli, write the tables."""
    parser = script_parser(__doc__ or "", *PROBE_FLAGS, "stimuli", "held_out")
    add_flags(parser, EvaluateConfig)
    args = parser.parse_args()
    log.setup(args.verbose)

    config = from_values(EvaluateConfig, vars(args))
    library = read_libraries(args.output_dir, args.stimuli, args.mouse_ids)
    witnesses = open_witnesses(args)
    found: dict[str, list[pd.DataFrame]] = {}
    for mouse_id in args.mouse_ids or sorted(set(library.table["mouse"])):
        tables = evaluate(
            library,
            witnesses,
            mouse_id,
            config=config,
            centres_px=centres_of(witnesses[0].probe, mouse_id),
            selective=selective_of(witnesses[0].probe, mouse_id),
            seed=args.seed,
            progress=args.verbose > 1,
        )
        for name, table in tables.items():
            found.setdefault(name, []).append(table)
    asked = [dict(w.probe.provenance) | {"label": w.label, "role": w.role} for w in witnesses]
    libraries = sorted(set(library.table["library"]))
    method = {**asdict(config), "asked": asked, "libraries": libraries, "seed": args.seed}
    for name, parts in found.items():
        whole = pd.concat(parts, ignore_index=True)
        path = write_result(args.output_dir, name, whole, method=method)
        logger.info("wrote %d rows to %s", len(whole), path)


if __name__ == "__main__":
    run_script(main)
