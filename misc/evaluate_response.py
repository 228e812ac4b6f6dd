"""Score predicted responses (<output_dir>/responses) against the recordings.

Writes evaluation_tier.yaml and evaluation_type.yaml ({tier or type: {metric: {mouse, average}}})
and neuron_performance.parquet (one row a neuron and tier or stimulus type) to --output_dir.
"""

import logging

import pandas as pd

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.results.responses import ResponseFile, predicted_mice
from viv1t.results.tables import AVERAGE, write_table
from viv1t.training.evaluate_files import evaluate_mouse, summarise
from viv1t.utils.files import write_yaml

logger = logging.getLogger("viv1t.evaluate_response")


def main() -> None:
    """Read the command line, score all mice, write three files."""
    parser = script_parser(
        "Score predicted responses against recorded ones, per tier and stimulus type.",
        *("data_dir", "output_dir", "mouse_ids", "verbose"),
    )
    args = parser.parse_args()
    log.setup(args.verbose)
    tables = []
    for mouse in choose_mice(args.data_dir, args.mouse_ids or predicted_mice(args.output_dir)):
        file = ResponseFile(args.output_dir / "responses" / f"mouse{mouse.id}.h5")
        tables.append(evaluate_mouse(Recording(mouse), file))
        logger.info("scored mouse %s", mouse.id)
    neurons = pd.concat(tables, ignore_index=True)
    for label, name in (("tier", "tier"), ("stimulus_type", "type")):
        summary = summarise(neurons, label)
        write_yaml(args.output_dir / f"evaluation_{name}.yaml", summary)
        for value, scores in summary.items():
            logger.info("%s: correlation %.4f", value, scores["correlation"][AVERAGE])
    write_table(args.output_dir / "neuron_performance.parquet", neurons)
    logger.info(
        "wrote evaluation_{tier,type}.yaml and neuron_performance.parquet to %s", args.output_dir
    )


if __name__ == "__main__":
    run_script(main)
