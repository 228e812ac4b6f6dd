"""Tuning curves, selectivity and preferred directions of all neurons of a folder: two tables."""

import argparse
import logging
from collections.abc import Iterator

from viv1t import log
from viv1t.analysis.direction import direction_tuning, published_direction_tuning
from viv1t.analysis.tuning_curves import Design
from viv1t.config.flags import check
from viv1t.config.scripts import run_script, script_parser
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.experiments import direction
from viv1t.experiments.saved import load_experiment
from viv1t.results.direction import DIRECTION_TABLE_NAMES, write_direction_tuning
from viv1t.results.responses import ResponseFile
from viv1t.results.store import read_result

logger = logging.getLogger("viv1t.estimate_selectivity_indexes")


def main() -> None:
    """Read the command line, estimate, and say what was written."""
    parser = script_parser(
        "Direction tuning, recorded (--output_dir <data_dir>) or predicted.",
        *("output_dir", "data_dir", "mouse_ids", "seed", "as_published", "verbose"),
    )
    parser.add_argument(
        "--stimulus",
        choices=tuple(DIRECTION_TABLE_NAMES),
        default="gabor",
        help="responses to the drifting Gabors of the recordings, or those of predict_grating.py",
    )
    args = parser.parse_args()
    log.setup(args.verbose)
    is_gabor = args.stimulus == "gabor"
    check(is_gabor or not args.as_published, "--as_published needs --stimulus gabor")
    method = {"as_published": args.as_published, "seed": args.seed}
    for mouse_id, samples in gabors_of(args) if is_gabor else gratings_of(args):
        shown, responses = samples.direction_deg, samples.responses
        if args.as_published:
            results = published_direction_tuning(responses, shown, seed=args.seed)
        else:
            design = Design.of(shown, condition=samples.condition, unit=samples.unit)
            options = {"seed": args.seed, "progress": args.verbose > 1}
            results = direction_tuning(responses, design, baseline=samples.baseline, **options)
        who = (args.output_dir, mouse_id, args.stimulus)
        paths = write_direction_tuning(*who, *results, samples.neurons, method=method)
        logger.info("mouse %s: wrote %s", mouse_id, ", ".join(map(str, paths)))


def gratings_of(
    args: argparse.Namespace,
) -> Iterator[tuple[str, direction.DirectionSamples]]:
    """Mice and their responses to gratings."""
    command = "tuning_direction/predict_grating.py"
    tables = load_experiment(
        args.output_dir, direction.NAME, command=command, mouse_ids=args.mouse_ids
    )
    for mouse_id, table in tables.items():
        yield mouse_id, direction.grating_samples(table)


def gabors_of(args: argparse.Namespace) -> Iterator[tuple[str, direction.DirectionSamples]]:
    """Mice and their recorded or predicted responses to Gabors."""
    every = read_result(args.data_dir, "gabor_blocks", mouse_ids=args.mouse_ids)
    blocks = dict(list(every.groupby("mouse")))
    reduction = direction.PUBLISHED_REDUCTION if args.as_published else direction.GABOR_REDUCTION
    for mouse in choose_mice(args.data_dir, sorted(blocks)):
        file = ResponseFile(args.output_dir / "responses" / f"mouse{mouse.id}.h5")
        coordinates = Recording(mouse).coordinates
        table = direction.gabor_table(
            file, blocks[mouse.id], coordinates=coordinates, reduction=reduction
        )
        yield mouse.id, direction.gabor_samples(table)


if __name__ == "__main__":
    run_script(main)
