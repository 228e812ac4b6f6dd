"""Writing the report of a folder."""

import io
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

import viv1t
from viv1t.analysis.recovery import recovered_pairs, recovery_summary
from viv1t.data.cache import DAMAGED, read_npz
from viv1t.data.mice import Mouse, find_mice
from viv1t.data.synthetic.truth import load_truth, truth_path
from viv1t.plot.figures.recovery import recovery_figure
from viv1t.plot.style import house_style
from viv1t.report.collect import collect, configuration_of, known_tables
from viv1t.report.page import render, size_text
from viv1t.results.run import RunDir
from viv1t.results.store import ResultDir
from viv1t.utils.files import write_text

logger = logging.getLogger(__name__)

NAME: Final = "report.html"
POSITION: Final = ("x_um", "y_um", "z_um")


def write_report(folder: Path, data_dir: Path | None = None) -> Path:
    """The path of the page that was written: `<folder>/report.html`.

    It holds every figure below the folder, grouped by analysis, the tables behind them shortened,
    the configurations of the runs and, for synthetic mice, what was recovered of the truth.

    Args:
        folder: a run, or a folder with several.
        data_dir: the recordings; None: those that the configurations of the runs name.

    Raises:
        MissingResultError: there is nothing to report.
    """
    contents = collect(folder)
    named = [configuration_of(run).flags.get("data_dir") for run in contents.runs.values()]
    places = [Path(place) for place in named if place] if data_dir is None else [data_dir]
    mice = {mouse.id: mouse for place in places for mouse in find_mice(place).values()}
    known = [mouse for mouse in mice.values() if truth_path(mouse.folder).is_file()]
    recovery = {}
    for name, results in contents.folders.items():
        found = _recovered(results, known)
        if found is not None:
            recovery[name] = found
    facts = {
        "Folder": str(folder),
        "Made": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC by viv1t {viv1t.__version__}",
        "Runs": ", ".join(contents.runs) or "none",
        "Figures": str(len(contents.pictures)),
        "Tables": str(len(contents.tables)),
    }
    title = f"Physiology of {folder.resolve().name}"
    path = folder / NAME
    write_text(path, render(contents, title=title, facts=facts, recovery=recovery))
    logger.info(
        "wrote %s (%s): %d figures, %d tables, %d runs",
        *(path, size_text(path), len(contents.pictures), len(contents.tables), len(contents.runs)),
    )
    return path


def _recovered(results: ResultDir, mice: Sequence[Mouse]) -> tuple[pd.DataFrame, bytes] | None:
    """Summary and figure of what the tables of `results` say of neurons with a known truth."""
    found = [_truth_of(mouse, RunDir(results.path)) for mouse in mice]
    truths = [truth for truth in found if truth is not None]
    if not truths:
        return None
    pairs = recovered_pairs(known_tables(results), pd.concat(truths))
    if pairs.empty:
        return None
    summary = recovery_summary(pairs)
    picture = io.BytesIO()
    with house_style():
        recovery_figure(pairs, summary).figure.savefig(picture, format="png", dpi=150)
    return summary, picture.getvalue()


def _truth_of(mouse: Mouse, run: RunDir) -> pd.DataFrame | None:
    """The true parameters of the neurons of a mouse as `run` numbers them.

    None, after one line, if the run was trained on other neurons.
    """
    truth = load_truth(mouse.folder)
    if run.mouse_data(mouse.id).is_file():
        try:
            arrays = read_npz(run.mouse_data(mouse.id))
            rows, places = arrays["neuron_idx"], arrays["coordinates"]
        except DAMAGED:
            rows, places = np.zeros(1, dtype=int), None
        own = truth.reindex(rows)
        if places is None or not np.array_equal(own[list(POSITION)].to_numpy(), places):
            logger.info(
                "%s is not compared to the truth: it was trained on other neurons of mouse %s "
                "than those in %s",
                *(run.path, mouse.id, mouse.folder),
            )
            return None
        truth = own
    return truth.assign(mouse=mouse.id, neuron=range(len(truth)))
