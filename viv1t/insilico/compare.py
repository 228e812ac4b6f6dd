"""Trained runs side by side on the recordings: tables of numbers, ready to print and to draw."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.data.synthetic import SyntheticMouse, noise_ceiling
from viv1t.data.synthetic.truth import truth_path
from viv1t.errors import ConfigError, MissingResultError
from viv1t.metrics import challenge_correlation
from viv1t.names import STIMULUS_TYPES, TIERS, UNKNOWN_STIMULUS, MouseId, Tier
from viv1t.results.responses import ResponseFile
from viv1t.results.run import RunDir

logger = logging.getLogger(__name__)

ALL_STIMULI: Final = "all"
MEAN: Final = "mean"
KEYS: Final = ("mouse_id", "tier", "stimulus")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Runs, by label, and the recordings that they predicted.

    Attributes:
        data_dir: folder of the recordings.
        runs: label -> run, in the order in which they are shown.
        recordings: mouse -> recording.
    """

    data_dir: Path
    runs: Mapping[str, RunDir]
    recordings: Mapping[MouseId, Recording]

    def responses(self, label: str, mouse_id: MouseId) -> ResponseFile:
        """Predicted responses of a run to the trials of a mouse.

        Raises:
            MissingResultError: the run has not predicted this mouse.
            ConfigError: they are not in recorded units.
        """
        run = self.runs[label]
        file = ResponseFile(run.responses(mouse_id))
        if not file.exists():
            raise MissingResultError(
                f"{file.path} does not exist: write it with "
                f"python predict.py --data_dir {self.data_dir} --output_dir {run.path}"
            )
        if file.attrs.get("units") != "recorded":
            raise ConfigError(
                f"{file.path} should hold responses in recorded units, found units "
                f"{file.attrs.get('units')!r}; run predict.py again without --units"
            )
        return file

    def tiers(self, mouse_id: MouseId) -> tuple[Tier, ...]:
        """The tiers, training left out, of which a mouse has responses that are not hidden."""
        recording = self.recordings[mouse_id]
        return tuple(
            tier
            for tier in TIERS[1:]
            if len(recording.trials(tier)) and not recording.is_hidden(tier)
        )

    def has_truth(self, mouse_id: MouseId) -> bool:
        """True for a synthetic mouse, whose noise ceiling is known exactly."""
        return truth_path(self.recordings[mouse_id].mouse.folder).is_file()

    @cached_property
    def truth(self) -> SyntheticMouse | None:
        """The synthetic mice of the comparison; None if there is none."""
        synthetic = [mouse_id for mouse_id in self.recordings if self.has_truth(mouse_id)]
        return SyntheticMouse.open(self.data_dir, synthetic) if synthetic else None


def open_comparison(
    data_dir: Path, runs: Mapping[str, Path], mouse_ids: Sequence[MouseId] | None = None
) -> Comparison:
    """The runs in `runs` (label -> folder) and the recordings in `data_dir`.

    Args:
        data_dir: folder of the recordings.
        runs: label -> run folder; the order is kept.
        mouse_ids: the mice; None: those which the first run has predicted.

    Raises:
        ConfigError: there is no run.
        MissingResultError: a folder is no run, or the first has predicted nothing.
    """
    if not runs:
        raise ConfigError("--runs needs at least one run folder")
    opened = {label: RunDir.open(path) for label, path in runs.items()}
    if mouse_ids is None:
        first = next(iter(opened.values()))
        files = sorted(first.responses("").parent.glob("mouse*.h5"))
        mouse_ids = [file.stem.removeprefix("mouse") for file in files]
        if not mouse_ids:
            raise MissingResultError(
                f"{first.path} holds no predicted responses: write them with "
                f"python predict.py --data_dir {data_dir} --output_dir {first.path}"
            )
    recordings = {mouse.id: Recording(mouse) for mouse in choose_mice(data_dir, mouse_ids)}
    return Comparison(data_dir=data_dir, runs=opened, recordings=recordings)


def histories(comparison: Comparison) -> pd.DataFrame:
    """One row a run and epoch: model, epoch, loss (training), correlation (validation)."""
    parts = []
    for label, run in comparison.runs.items():
        rows = pd.DataFrame(run.read_history())
        parts.append(
            pd.DataFrame(
                {
                    "model": label,
                    "epoch": rows["epoch"],
                    "loss": rows["train_loss"].astype(float),
                    "correlation": rows["val_corr"].astype(float),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def neuron_scores(comparison: Comparison) -> pd.DataFrame:
    """Correlation of each neuron: over the frames of all trials of a tier, one after the other.

    One row a model, mouse, tier, stimulus and neuron, with columns shows (the stimulus types),
    trials (number of them), correlation and ceiling (NaN where unknown). `stimulus` is "all"; tiers
    that show several types have rows for each of them too.
    """
    parts = [
        table
        for mouse_id in comparison.recordings
        for tier in comparison.tiers(mouse_id)
        for table in _tier_scores(comparison, mouse_id, tier)
    ]
    if not parts:
        raise MissingResultError(
            f"{comparison.data_dir} holds no trials with known responses outside the training set"
        )
    return pd.concat(parts, ignore_index=True)


def trials_by_stimulus(recording: Recording, tier: Tier) -> dict[str, NDArray[np.int64]]:
    """{name of a stimulus type: the trials of `tier` that show it}, in the order of the types."""
    trials = recording.trials(tier)
    ids = recording.stimulus_ids[trials]
    names = dict(enumerate(STIMULUS_TYPES)) | {UNKNOWN_STIMULUS: "unknown"}
    return {name: trials[ids == i] for i, name in names.items() if (ids == i).any()}


def _tier_scores(comparison: Comparison, mouse_id: MouseId, tier: Tier) -> Iterator[pd.DataFrame]:
    recording = comparison.recordings[mouse_id]
    by_stimulus = trials_by_stimulus(recording, tier)
    groups = {ALL_STIMULI: recording.trials(tier)}
    if len(by_stimulus) > 1:
        groups |= by_stimulus
    recorded = {
        int(t): recording.read_responses(int(t), start=0, stop=recording.length(int(t)))
        for t in groups[ALL_STIMULI]
    }
    for stimulus, trials in groups.items():
        ceiling = np.full(recording.num_neurons, np.nan)
        if comparison.has_truth(mouse_id) and stimulus == ALL_STIMULI:
            ceiling = noise_ceiling(comparison.data_dir, mouse_id, tier, truth=comparison.truth)
        for label in comparison.runs:
            rows, correlation = _correlations(
                comparison.responses(label, mouse_id), {int(t): recorded[int(t)] for t in trials}
            )
            yield pd.DataFrame(
                {
                    "model": label,
                    "mouse_id": mouse_id,
                    "tier": tier,
                    "stimulus": stimulus,
                    "shows": " + ".join(by_stimulus) if stimulus == ALL_STIMULI else stimulus,
                    "trials": len(trials),
                    "neuron": rows,
                    "correlation": correlation,
                    "ceiling": ceiling[rows],
                }
            )


def _correlations(
    file: ResponseFile, recorded: Mapping[int, NDArray[np.float32]]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows of the recording (n,) and their correlation (n,) with the predictions in `file`."""
    rows = np.asarray(file.attrs["neuron_idx"])
    pred = [torch.from_numpy(response) for response in file.read_several(recorded)]
    true = [
        torch.from_numpy(response[rows, -y.shape[1] :])
        for response, y in zip(recorded.values(), pred, strict=True)
    ]
    return rows, challenge_correlation(true, pred).numpy()


def summarise(scores: pd.DataFrame) -> pd.DataFrame:
    """Means over neurons, one row a model, mouse, tier and stimulus, and the mice together.

    Columns shows, trials, correlation, ceiling and share, the ratio of the two means in per cent.
    The mouse "mean" is the mean over mice, of tiers that all mice have.

    Args:
        scores: as `neuron_scores` gives them.
    """
    by = ["model", *KEYS]
    means = _group_means(scores, by, trials="first")
    num_mice = means["mouse_id"].nunique()
    if num_mice > 1:
        whole = means[means["stimulus"] == ALL_STIMULI]
        tiers = whole.groupby(["model", "tier"], sort=False)
        common = tiers.filter(lambda rows: len(rows) == num_mice)
        average = _group_means(common.assign(mouse_id=MEAN), by, trials="sum")
        means = pd.concat([means, average], ignore_index=True)
    return means.assign(share=100 * means["correlation"] / means["ceiling"])


def _group_means(table: pd.DataFrame, by: list[str], *, trials: str) -> pd.DataFrame:
    groups = table.groupby(by, sort=False)
    return groups.agg(
        shows=("shows", _shared),
        trials=("trials", trials),
        correlation=("correlation", "mean"),
        ceiling=("ceiling", "mean"),
    ).reset_index()


def _shared(names: pd.Series) -> str:
    """The one name that all rows have, or "various"."""
    return str(names.iloc[0]) if names.nunique() == 1 else "various"


def side_by_side(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary with one row a mouse, tier and stimulus, and two columns for each model.

    Columns mouse_id, tier, stimulus, shows, trials, ceiling, `<model> r` and `<model> %`, the share
    of the ceiling.

    Args:
        summary: as `summarise` gives it.
    """
    keys = list(KEYS)
    table = summary.groupby(keys, sort=False)[["shows", "trials", "ceiling"]].first()
    for label, rows in summary.groupby("model", sort=False):
        rows = rows.set_index(keys)
        table[f"{label} r"] = rows["correlation"]
        table[f"{label} %"] = rows["share"]
    return table.reset_index()


def as_text(table: pd.DataFrame) -> str:
    """The table of `side_by_side` as aligned text; unknown numbers are "-"."""
    formats = {
        name: "{:.0f}".format if name.endswith(" %") else "{:.3f}".format
        for name in table.select_dtypes("number").columns.drop("trials")
    }
    of_type = table["stimulus"] != ALL_STIMULI
    shown = table.assign(
        mouse=table["mouse_id"].mask(table["mouse_id"].eq(table["mouse_id"].shift()), ""),
        tier=table["tier"].mask(of_type, ""),
    )
    first = ["mouse", "tier", "shows"]
    shown = shown[[*first, *table.columns.drop(["mouse_id", "tier", "stimulus", "shows"])]]
    for name in first:
        width = max(len(name), shown[name].str.len().max())
        shown = shown.assign(**{name: shown[name].str.ljust(width)}).rename(
            columns={name: name.ljust(width)}
        )
    return shown.to_string(index=False, formatters=formats, na_rep="-")
