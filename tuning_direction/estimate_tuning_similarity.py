"""Whether neighbours are tuned alike: tables tuning_similarity and tuning_decay of a folder."""

import logging
from pathlib import Path

from viv1t import log
from viv1t.analysis.direction import (
    is_selective,
    published_tuning_similarity,
    tuning_similarity,
)
from viv1t.config.scripts import TABLE_FLAGS, run_script, script_parser
from viv1t.results.direction import (
    DIRECTION_TABLE_NAMES,
    read_direction_tuning,
    write_tuning_similarity,
)

logger = logging.getLogger("viv1t.estimate_tuning_similarity")

MIN_NEURONS = 10


def main() -> None:
    """Read the command line, estimate, and say what was written."""
    parser = script_parser("Similarity of tuning against distance in the cortex.", *TABLE_FLAGS)
    add = parser.add_argument
    add("--stimulus", choices=tuple(DIRECTION_TABLE_NAMES), default="gabor", help="of the tables")
    add("--si_threshold", type=float, default=0.2, help="least index of the neurons")
    add(
        "--select_in",
        type=Path,
        default=None,
        help="folder whose selective neurons are used, for example the recordings; none: its own",
    )
    args = parser.parse_args()
    log.setup(args.verbose)
    method = {
        **{name: getattr(args, name) for name in ("as_published", "seed", "si_threshold")},
        "select_in": args.select_in,
    }
    tables, curves = read_direction_tuning(args.output_dir, args.stimulus, args.mouse_ids)
    reference, _ = read_direction_tuning(
        args.select_in or args.output_dir, args.stimulus, args.mouse_ids
    )
    for mouse_id, table in tables.groupby("mouse"):
        of_mouse, parts = curves[curves["mouse"] == mouse_id], []
        judged = reference[reference["mouse"] == mouse_id]
        for tuning in ("direction", "orientation"):
            chosen = judged["neuron"][is_selective(judged, tuning, threshold=args.si_threshold)]
            used = table[table["neuron"].isin(chosen)]
            if len(used) < MIN_NEURONS:
                logger.info(
                    "mouse %s: only %d neurons are %s selective", mouse_id, len(used), tuning
                )
            elif args.as_published:
                parts.append(published_tuning_similarity(used, of_mouse, tuning))
            else:
                options = {"seed": args.seed, "progress": args.verbose > 1}
                parts.append(tuning_similarity(used, of_mouse, tuning, **options))
        if parts:
            paths = write_tuning_similarity(
                args.output_dir, str(mouse_id), args.stimulus, parts, method=method
            )
            logger.info("mouse %s: wrote %s", mouse_id, ", ".join(map(str, paths)))


if __name__ == "__main__":
    run_script(main)
