"""What recordings and predictions of them say: reliable neurons, and the best of what was shown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import kendalltau
from tqdm import tqdm

from viv1t.analysis.gabors import BLOCK_FRAMES
from viv1t.config.flags import check, flag
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.errors import DataError
from viv1t.insilico.recorded import trials_showing
from viv1t.most_exciting_stimulus.canvas import full_field
from viv1t.most_exciting_stimulus.found import library_row, shown_frames
from viv1t.most_exciting_stimulus.library import library_folder, write_library
from viv1t.most_exciting_stimulus.neurons import (
    Repeats,
    Target,
    neuron_reliability,
    population_weights,
)
from viv1t.names import MouseId, Tier
from viv1t.results.responses import ResponseFile
from viv1t.results.run import RunDir
from viv1t.results.store import read_result

RELIABLE_TIER: Final[Tier] = "validation"
RECORDED: Final = "recorded"
SOURCES: Final = ("recorded", "predicted")
# Types of recorded stimuli, and what they are in the library.
ORIGINS: Final[Mapping[str, str]] = MappingProxyType(
    {"movie": "full_natural", "drifting_gabor": "full_grating", "image": "full_natural"}
)


def reliability_table(
    run: Path,
    data_dir: Path,
    *,
    mouse_ids: Sequence[MouseId] | None = None,
    as_published: bool = False,
    progress: bool = False,
) -> pd.DataFrame:
    """The table neuron_reliability of the mice of a run, from the validation tier.

    Args:
        run: folder with responses/mouse<M>.h5 and table aRF.
        data_dir: the recordings.
        mouse_ids: None: all mice with predicted responses.
        as_published: see `neurons.neuron_reliability`.
        progress: show a progress bar.

    Raises:
        MissingResultError: predicted responses or table aRF are missing.
        DataError: no movie was repeated, or a file is damaged.
    """
    folder, tables = RunDir.open(run), []
    for mouse in choose_mice(data_dir, mouse_ids or _predicted_mice(folder)):
        fields = read_result(run, "aRF", mouse_ids=[mouse.id]).set_index("neuron")
        file = ResponseFile(folder.responses(mouse.id))
        movies = repeated_movies(Recording(mouse), file, progress=progress)
        first = next(movies, None)
        if first is None:
            raise DataError(f"{mouse.folder} has no repeated movie in the tier {RELIABLE_TIER}")
        bad_fit = fields["bad_fit"].reindex(range(first.recorded.shape[1])).fillna(True)
        table = neuron_reliability(
            _chained(first, movies), bad_fit.to_numpy(bool), as_published=as_published
        )
        tables.append(table.assign(mouse=mouse.id))
    return pd.concat(tables, ignore_index=True)


def repeated_movies(
    recording: Recording,
    predicted: ResponseFile,
    *,
    tier: Tier = RELIABLE_TIER,
    progress: bool = False,
) -> Iterator[Repeats]:
    """The recorded and predicted responses to each movie that was repeated in a tier.

    Neurons are those of the predictions; frames those that all presentations have, at the end.

    Args:
        recording: of a mouse.
        predicted: responses to its trials.
        tier: of the trials.
        progress: show a progress bar.

    Raises:
        MissingResultError: predictions are missing.
    """
    trials = recording.trials(tier)
    ids = recording.video_ids[trials]
    repeated = [video for video in np.unique(ids) if video >= 0 and (ids == video).sum() > 1]
    for video in tqdm(repeated, desc=f"mouse {recording.mouse.id}", disable=not progress):
        yield presentations(recording, predicted, trials[ids == video].tolist())


def presentations(recording: Recording, predicted: ResponseFile, trials: Sequence[int]) -> Repeats:
    """The recorded and predicted responses to trials that show one movie, see `repeated_movies`.

    Raises:
        MissingResultError: predictions are missing.
        DataError: predictions of different neurons or frames.
    """
    rows = predicted.attrs.get("neuron_idx")
    found = [*predicted.read_several(trials)]
    frames = min(response.shape[1] for response in found)
    recorded = [recording.load(trial, neurons=rows).response[:, -frames:] for trial in trials]
    return Repeats(
        recorded=_stacked(recorded), predicted=_stacked([part[:, -frames:] for part in found])
    )


@dataclass(frozen=True, kw_only=True)
class RecordedConfig:
    """Which stretches of the recordings are compared."""

    window_frames: int = flag(15, help="frames of a stretch")

    def __post_init__(self) -> None:
        check(
            1 <= self.window_frames <= BLOCK_FRAMES,
            f"--window_frames must lie between 1 and {BLOCK_FRAMES}, the frames of a Gabor; got "
            f"{self.window_frames}",
        )


def window_sums(responses: NDArray[np.floating], num_frames: int) -> NDArray[np.float64]:
    """Sums over windows of `num_frames` frames that begin at each frame, (..., t - num_frames + 1).

    Args:
        responses: (..., t).
        num_frames: of a window.
    """
    windows = np.lib.stride_tricks.sliding_window_view(responses, num_frames, axis=-1)
    return windows.sum(axis=-1, dtype=np.float64)


def best_recorded(
    run: Path,
    data_dir: Path,
    config: RecordedConfig,
    *,
    mouse_ids: Sequence[MouseId] | None = None,
    as_published: bool = False,
    progress: bool = False,
) -> tuple[pd.DataFrame, dict[MouseId, Path]]:
    """Table recorded_windows, and the library of the stretches that drove a population most.

    Of the test trials of a mouse: movies, drifting Gabors (stretches of one Gabor each), and
    flashed images (from their onset; table flashed_images of the data folder). Responses are means
    over presentations, weighted over neurons by how well they are predicted (as published: equal
    weights), summed over the stretch. The library "recorded" holds the best stretch of each type
    by recorded, and by predicted responses.

    Args:
        run: folder with responses/mouse<M>.h5 and table neuron_reliability.
        data_dir: the recordings.
        config: how long stretches are.
        mouse_ids: None: all mice with predicted responses.
        as_published: see above.
        progress: show a progress bar.

    Raises:
        MissingResultError: predicted responses or a table are missing.
        DataError: a file is damaged, or a mouse has no such trial.
    """
    folder, tables, written = RunDir.open(run), [], {}
    library = library_folder(run, RECORDED)
    for mouse in choose_mice(data_dir, mouse_ids or _predicted_mice(folder)):
        recording, file = Recording(mouse), ResponseFile(folder.responses(mouse.id))
        scores = read_result(run, "neuron_reliability", mouse_ids=[mouse.id])
        weights = population_weights(scores["correlation"])
        weights = np.full_like(weights, 1 / len(weights)) if as_published else weights
        shown = [
            (stimulus, trials)
            for stimulus in ORIGINS
            for trials in trials_showing(recording, stimulus).values()
        ]
        parts = [
            _windows(recording, file, weights, stimulus, trials, config, data_dir)
            for stimulus, trials in tqdm(shown, desc=f"mouse {mouse.id}", disable=not progress)
        ]
        if not parts:
            raise DataError(f"{mouse.folder} has no test trial of type {', '.join(ORIGINS)}")
        table = pd.concat(parts, ignore_index=True).assign(mouse=mouse.id)
        tables.append(table)
        method = asdict(config) | {"as_published": as_published}
        rows, movies = _best_rows(recording, table, weights, config)
        written[mouse.id] = write_library(library, mouse.id, rows, movies, method=method)
    return pd.concat(tables, ignore_index=True), written


def agreement(windows: pd.DataFrame, *, num_top: int = 10) -> pd.DataFrame:
    """How far recorded and predicted responses agree on what is best.

    One row a mouse and stimulus: num_windows, kendall_tau of the responses (not of the order of
    names, as published), top_overlap (share of the `num_top` best windows that are common).

    Args:
        windows: table recorded_windows.
        num_top: how many windows count as best.
    """
    rows = []
    for (mouse_id, stimulus), part in windows.groupby(["mouse", "stimulus"]):
        tops = [set(part.nlargest(num_top, name).index) for name in SOURCES]
        rows.append(
            {
                "mouse": mouse_id,
                "stimulus": stimulus,
                "num_windows": len(part),
                "kendall_tau": float(kendalltau(part["recorded"], part["predicted"]).statistic),
                "top_overlap": len(tops[0] & tops[1]) / min(num_top, len(part)),
            }
        )
    return pd.DataFrame(rows)


def _windows(
    recording: Recording,
    file: ResponseFile,
    weights: NDArray[np.float32],
    stimulus: str,
    trials: Sequence[int],
    config: RecordedConfig,
    data_dir: Path,
) -> pd.DataFrame:
    """Rows of table recorded_windows of one movie, named after its first trial."""
    both = presentations(recording, file, trials)
    sums = {
        name: window_sums(weights @ getattr(both, name).mean(axis=0), config.window_frames)
        for name in SOURCES
    }
    lost = recording.length(trials[0]) - both.recorded.shape[2]
    frames = np.arange(len(sums["recorded"])) + lost
    kept = np.ones(len(frames), bool)
    if stimulus == "drifting_gabor":
        kept = frames % BLOCK_FRAMES + config.window_frames <= BLOCK_FRAMES
    elif stimulus == "image":
        images = read_result(data_dir, "flashed_images", mouse_ids=[recording.mouse.id])
        images = images[(images["image"] >= 0) & (images["trial"] == trials[0])]
        kept = np.isin(frames, images["frame"])
    values = {name: sums[name][kept] for name in SOURCES}
    return pd.DataFrame({"stimulus": stimulus, "trial": trials[0], "frame": frames[kept], **values})


def _best_rows(
    recording: Recording,
    windows: pd.DataFrame,
    weights: NDArray[np.float32],
    config: RecordedConfig,
) -> tuple[pd.DataFrame, list[NDArray[np.number]]]:
    """Rows of the library and their frames: the best of each type by each of `SOURCES`."""
    monitor = recording.mouse.monitor
    canvas = full_field(monitor)
    known = np.flatnonzero(weights)
    target = Target(
        neurons=tuple(known.tolist()),
        weights=tuple(weights[known].tolist()),
        centre_px=None,
        size_deg=np.nan,
        is_population=True,
    )
    rows, movies = [], []
    for stimulus, part in windows.groupby("stimulus"):
        for source in SOURCES:
            best = part.iloc[int(part[source].to_numpy().argmax())]
            trial, frame = int(best["trial"]), int(best["frame"])
            video = recording.read_video(trial, start=frame, stop=frame + config.window_frames)[0]
            movies.append(shown_frames(canvas, video))
            rows.append(
                library_row(
                    target,
                    monitor,
                    canvas,
                    video,
                    kind=f"{stimulus}_{source}",
                    centre=ORIGINS[str(stimulus)],
                    centre_motion="static" if stimulus == "image" else "dynamic",
                    goal="excite",
                    value=float(best[source]),
                    source=f"trial {trial} frame {frame}, best by {source} responses",
                )
            )
    return pd.DataFrame(rows), movies


def _predicted_mice(folder: RunDir) -> list[MouseId]:
    files = sorted((folder.path / "responses").glob("mouse*.h5"))
    return [path.stem.removeprefix("mouse") for path in files]


def _stacked(responses: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    shapes = {response.shape for response in responses}
    if len(shapes) > 1:
        raise DataError(
            f"presentations of a movie should have responses of one shape, found "
            f"{', '.join(map(str, sorted(shapes)))}; predict again with predict.py"
        )
    return np.stack(responses)


def _chained(first: Repeats, others: Iterator[Repeats]) -> Iterator[Repeats]:
    yield first
    yield from others
