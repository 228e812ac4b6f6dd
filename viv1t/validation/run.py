"""The proof on disk: populations by seed, then models; tables as csv, and Markdown."""

import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from viv1t.config.flags import check
from viv1t.data.synthetic.oracle import NUM_SEEDS
from viv1t.names import MouseId
from viv1t.utils.files import write_text
from viv1t.utils.markdown import markdown
from viv1t.validation.chain import Bench, run_seed
from viv1t.validation.proof import (
    control_lines,
    end_to_end_lines,
    oracle_lines,
    summarise_controls,
    summarise_lines,
)

LOGGER = logging.getLogger(__name__)


def prove(bench: Bench, seeds: Sequence[int]) -> Path:
    """The page oracle.md in the folder of the bench, written anew after each seed.

    Beside it: lines.csv and controls.csv by seed, lines_summary.csv and controls_summary.csv.
    Interrupted, the same call goes on after the last finished step.

    Args:
        bench: where.
        seeds: of populations, from 1.

    Raises:
        ConfigError: there is no such population.
    """
    check(
        bool(seeds) and all(1 <= seed <= NUM_SEEDS for seed in seeds),
        f"--seeds must lie within 1..{NUM_SEEDS}, got {list(seeds)}",
    )
    lines, controls = [], []
    page = bench.folder / "oracle.md"
    for seed in seeds:
        run_seed(bench, seed)
        lines.append(oracle_lines(bench, seed).assign(seed=seed))
        controls.append(control_lines(bench, seed).assign(seed=seed))
        by_seed = {"lines": pd.concat(lines), "controls": pd.concat(controls)}
        summaries = {
            "lines": summarise_lines(by_seed["lines"]),
            "controls": summarise_controls(by_seed["controls"]),
        }
        for name, table in by_seed.items():
            _save(bench.folder / f"{name}.csv", table)
            _save(bench.folder / f"{name}_summary.csv", summaries[name])
        write_text(page, "\n\n".join(map(markdown, summaries.values())) + "\n")
        LOGGER.info("seed %d is in %s", seed, page)
    return page


def prove_models(
    folder: Path,
    runs: Sequence[Path],
    *,
    truth: Path,
    data_dir: Path,
    mouse_ids: Sequence[MouseId],
) -> Path:
    """The page end_to_end.md in `folder`, and end_to_end.csv: what models recover of the truth.

    Args:
        folder: where to write.
        runs: trained on synthetic recordings, with tables of the tuning scripts.
        truth: folder of the same tables made with `--responder truth`.
        data_dir: the recordings.
        mouse_ids: mice that all of them hold.
    """
    parts = []
    for run in runs:
        found = end_to_end_lines(run, truth, data_dir, mouse_ids)
        counted = found.set_index("line")["num_neurons"]
        summary = summarise_lines(found, end_to_end=True)
        summary = summary.assign(run=run.name, num_neurons=summary["line"].map(counted))
        columns = ["run", "line", "cells", "num_neurons", "tolerance", "mean", "met"]
        parts.append(summary[columns].rename(columns={"mean": "value"}))
    table = pd.concat(parts, ignore_index=True)
    _save(folder / "end_to_end.csv", table)
    page = folder / "end_to_end.md"
    write_text(page, markdown(table) + "\n")
    return page


def _save(path: Path, table: pd.DataFrame) -> None:
    write_text(path, table.to_csv(index=False))
