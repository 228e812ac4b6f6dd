"""Examples to look at: traces of a few neurons, and where the readouts look."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from viv1t.data.recording import Recording
from viv1t.data.synthetic import load_truth
from viv1t.data.transforms import uncropped_px
from viv1t.errors import ConfigError
from viv1t.insilico.compare import ALL_STIMULI, Comparison
from viv1t.insilico.load import load
from viv1t.insilico.twin import DigitalTwin
from viv1t.names import MouseId, Tier

logger = logging.getLogger(__name__)

QUALITIES: Final[Mapping[str, float]] = MappingProxyType(
    {"well predicted": 0.95, "median": 0.5, "poorly predicted": 0.1}
)


@dataclass(frozen=True, kw_only=True)
class ExampleTraces:
    """Responses to one movie that was shown several times.

    Attributes:
        table: columns mouse_id, neuron, quality, kind (trial, mean, truth or predicted), source,
            time_s (from the start of the movie), response (recorded units), correlation (of the
            model over the whole tier, NaN unless predicted), ceiling.
        video: (t, h, w) grey values.
        fps: frames per second.
        video_id: of the movie.
        num_repeats: times that it was shown.
    """

    table: pd.DataFrame
    video: NDArray[np.float32]
    fps: float
    video_id: int
    num_repeats: int


def example_traces(
    comparison: Comparison,
    scores: pd.DataFrame,
    mouse_id: MouseId,
    *,
    tier: Tier = "live_main",
    qualities: Mapping[str, float] = QUALITIES,
    neurons: Mapping[str, int] | None = None,
) -> ExampleTraces | None:
    """Traces of neurons, given or at some quantiles of the first model's correlation.

    The movie is the one of `tier` that was shown most often. Predictions and the truth are means
    over its repeats, as the recorded mean is: behaviour differs between repeats. None if the mouse
    has no such tier.

    Args:
        comparison: runs and recordings.
        scores: as `compare.neuron_scores` gives them.
        mouse_id: the mouse.
        tier: where to look.
        qualities: what a neuron is called -> quantile of the correlation.
        neurons: what a neuron is called -> its row, instead of the quantiles.
    """
    if tier not in comparison.tiers(mouse_id):
        return None
    recording = comparison.recordings[mouse_id]
    trials = recording.trials(tier)
    ids, counts = np.unique(recording.video_ids[trials], return_counts=True)
    video_id = int(ids[counts.argmax()])
    shown = [int(t) for t in trials if recording.video_ids[t] == video_id]
    of_tier = scores.query(
        "mouse_id == @mouse_id and tier == @tier and stimulus == @ALL_STIMULI",
        local_dict={"mouse_id": mouse_id, "tier": tier, "ALL_STIMULI": ALL_STIMULI},
    )
    sources = list(_sources(comparison, recording, shown))
    num_frames = min(values.shape[1] for *_, values in sources)
    first_model = of_tier[of_tier["model"] == next(iter(comparison.runs))]
    length = min(recording.length(trial) for trial in shown)
    time_s = np.arange(length - num_frames, length) / recording.mouse.fps
    chosen = neurons or {name: _at_quantile(first_model, q) for name, q in qualities.items()}
    parts = []
    for quality, neuron in chosen.items():
        of_neuron = of_tier[of_tier["neuron"] == neuron].set_index("model")
        for kind, source, values in sources:
            row = {
                "mouse_id": mouse_id,
                "neuron": neuron,
                "quality": quality,
                "kind": kind,
                "source": source,
                "time_s": time_s,
                "response": values[neuron, -num_frames:],
                "correlation": of_neuron["correlation"].get(source, np.nan),
                "ceiling": of_neuron["ceiling"].iloc[0],
            }
            parts.append(pd.DataFrame(row))
    return ExampleTraces(
        table=pd.concat(parts, ignore_index=True),
        video=recording.load_video(shown[0]).mean(axis=0)[:length],
        fps=recording.mouse.fps,
        video_id=video_id,
        num_repeats=len(shown),
    )


def well_predicted(
    scores: pd.DataFrame, *, tier: Tier, minimum: float, num_neurons: int
) -> dict[MouseId, dict[str, int]]:
    """{mouse: {what a neuron is called: its row}} of what the first model predicts best.

    Args:
        scores: as `compare.neuron_scores` gives them.
        tier: whose correlation counts.
        minimum: correlation that a neuron needs.
        num_neurons: of each mouse, at most.

    Raises:
        ConfigError: no neuron of any mouse is predicted that well.
    """
    rows = scores[scores["tier"].eq(tier) & scores["stimulus"].eq(ALL_STIMULI)]
    rows = rows[rows["model"] == scores["model"].iloc[0]]
    best = rows.sort_values("correlation", ascending=False, kind="stable")
    above = best[best["correlation"] >= minimum]
    if above.empty:
        most = f"the best has {best['correlation'].iloc[0]:.3f}" if len(best) else "none was shown"
        raise ConfigError(
            f"--min_correlation {minimum:g}: no neuron is predicted that well in {tier}, {most}; "
            "lower it, or name another --ds_tier"
        )
    return {
        str(mouse_id): {
            f"number {place} by correlation": int(neuron)
            for place, neuron in enumerate(group["neuron"].head(num_neurons), start=1)
        }
        for mouse_id, group in above.groupby("mouse_id")
    }


def readout_positions(comparison: Comparison) -> dict[str, pd.DataFrame]:
    """Learned readout positions and true receptive-field centres of each run that has positions.

    One row a mouse and neuron: mouse_id, neuron, true_x_px, true_y_px, learned_x_px, learned_y_px.
    Learned positions are those after the mean shift of the readout over the validation trials.
    Mice without a stored truth, and runs whose readouts have no position, are left out.
    """
    tables = {}
    for label, run in comparison.runs.items():
        twin = load(run.path, device="cpu")
        mice = [m for m in comparison.recordings if comparison.has_truth(m)]
        try:
            parts = [_positions_of_mouse(twin, comparison.recordings[m]) for m in mice]
        except ConfigError as error:
            logger.info("%s: no readout positions to draw (%s)", label, error)
            continue
        if parts:
            tables[label] = pd.concat(parts, ignore_index=True)
    return tables


def agreement(positions: pd.DataFrame) -> pd.DataFrame:
    """Correlation of learned and true positions, one row a mouse: columns mouse_id, x, y.

    Args:
        positions: a table of `readout_positions`.
    """
    groups = positions.groupby("mouse_id", sort=False)
    rows = [
        {"mouse_id": mouse_id}
        | {axis: rows[f"true_{axis}_px"].corr(rows[f"learned_{axis}_px"]) for axis in ("x", "y")}
        for mouse_id, rows in groups
    ]
    return pd.DataFrame(rows)


def _positions_of_mouse(twin: DigitalTwin, recording: Recording) -> pd.DataFrame:
    mouse_id = recording.mouse.id
    truth = load_truth(recording.mouse.folder)
    facts = twin.mouse(mouse_id).facts
    rows = np.arange(recording.num_neurons) if facts is None else np.asarray(facts.neuron_idx)
    learned = uncropped_px(
        twin.model.readout_positions_px(mouse_id, mean_shift=_mean_shift(twin, recording)),
        twin.config.data.center_crop,
        frame=twin.video_shape,
    )
    return pd.DataFrame(
        {
            "mouse_id": mouse_id,
            "neuron": rows,
            "true_x_px": truth["rf_x_px"].to_numpy()[rows],
            "true_y_px": truth["rf_y_px"].to_numpy()[rows],
            "learned_x_px": learned[:, 0].numpy(),
            "learned_y_px": learned[:, 1].numpy(),
        }
    )


def _mean_shift(twin: DigitalTwin, recording: Recording) -> torch.Tensor | None:
    """(2,) mean displacement of the readout over the validation trials, in grid units."""
    mouse_id = recording.mouse.id
    transforms = twin.mouse(mouse_id).transforms
    if transforms is None:
        return None
    totals = []
    for trial in recording.trials("validation"):
        stop = recording.length(int(trial))
        signals = {
            name: torch.from_numpy(recording.read_rows(name, int(trial), start=0, stop=stop))
            for name in ("behavior", "pupil_center")
        }
        with torch.no_grad():
            shifts = twin.model.shifts(
                mouse_id=mouse_id,
                behaviors=transforms.behavior(signals["behavior"])[None],
                pupil_centers=transforms.pupil_center(signals["pupil_center"])[None],
            )
        if shifts is None:
            return None
        totals.append(shifts[0].mean(dim=-1))
    return torch.stack(totals).mean(dim=0) if totals else None


def _sources(
    comparison: Comparison, recording: Recording, trials: list[int]
) -> Iterator[tuple[str, str, NDArray[Any]]]:
    """Kind, source and responses (n, t), rows as recorded, aligned at the end of the movie."""
    mouse_id = recording.mouse.id
    loaded = [recording.load(trial) for trial in trials]
    skip, length = recording.mouse.skip_frames, min(t.response.shape[1] for t in loaded)
    recorded = np.stack([trial.response[:, skip:length] for trial in loaded])
    for trial_id, response in zip(trials, recorded, strict=True):
        yield "trial", f"trial {trial_id}", response
    yield "mean", "repeat mean", recorded.mean(axis=0)
    truth = comparison.truth
    if truth is not None and mouse_id in truth.mouse_ids:
        rates = [
            truth.predict(
                trial.video[0, :length],
                mouse_id,
                behavior=trial.behavior[:, :length],
                pupil_center=trial.pupil_center[:, :length],
            )
            for trial in loaded
        ]
        yield "truth", "true rate", np.mean(rates, axis=0)[:, skip - length :]
    for label in comparison.runs:
        file = comparison.responses(label, mouse_id)
        predicted = [y[:, skip - length :] for y in file.read_several(trials)]
        mean = np.mean(predicted, axis=0)
        full = np.full((recording.num_neurons, mean.shape[1]), np.nan)
        full[np.asarray(file.attrs["neuron_idx"])] = mean
        yield "predicted", label, full


def _at_quantile(scores: pd.DataFrame, quantile: float) -> int:
    """The neuron whose correlation is nearest to that quantile of all neurons."""
    correlation = scores["correlation"].to_numpy()
    distance = np.abs(correlation - np.nanquantile(correlation, quantile))
    return int(scores["neuron"].to_numpy()[np.nanargmin(distance)])
