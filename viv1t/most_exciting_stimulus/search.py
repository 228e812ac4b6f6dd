"""Searching recorded movies for the clips that drive most and least, one clip after the other.

Clips are made when they are shown and forgotten afterwards: memory holds one movie, one batch of
clips, and for each objective the best and the worst clip so far.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from tqdm import tqdm

from viv1t.data.cache import DAMAGED, read_npz, write_npz
from viv1t.data.recording import Recording
from viv1t.errors import ConfigError, DataError
from viv1t.most_exciting_stimulus.canvas import Canvas
from viv1t.most_exciting_stimulus.constraints import MID_GREY, WHITE
from viv1t.most_exciting_stimulus.objective import Objective
from viv1t.most_exciting_stimulus.respond import Asked
from viv1t.utils.ahead import read_ahead

# Contrast and mean count as reached within this share of the contrast that was asked for.
CLOSE: Final = 0.005
# Batches from one note of how far a search is to the next.
BATCHES_BETWEEN_SAVES: Final = 32
# Highest and lowest.
GOALS: Final = ("excite", "inhibit")
_MAX_STEPS: Final = 200


@dataclass(frozen=True, kw_only=True)
class Clips:
    """Stretches of movies, or single frames that are held.

    Attributes:
        lengths: trial -> frames of its movie.
        load: trial -> its movie (t, h, w), grey values; may be called from several threads.
        num_frames: of a clip.
        step: frames from the start of one clip to that of the next.
        static: one frame, held; else a stretch of the movie.
    """

    lengths: Mapping[int, int]
    load: Callable[[int], NDArray[np.number]]
    num_frames: int = 30
    step: int = 5
    static: bool = False

    def __post_init__(self) -> None:
        if self.step < 1 or self.num_frames < 1:
            raise ConfigError(
                f"clips need 1 frame or more, and a step of 1 or more; got {self.num_frames} "
                f"frames, --step {self.step}"
            )

    @cached_property
    def ids(self) -> NDArray[np.int64]:
        """(k, 2) trial and first frame of each clip, in the order of trials and frames."""
        length = 1 if self.static else self.num_frames
        ids = [
            (trial, frame)
            for trial, total in self.lengths.items()
            for frame in range(0, total - length + 1, self.step)
        ]
        return np.array(ids, np.int64).reshape(-1, 2)

    def __len__(self) -> int:
        """Number of clips, k."""
        return len(self.ids)

    def read(
        self, numbers: Sequence[int] | range | NDArray[np.int64], *, num_workers: int = 0
    ) -> Iterator[NDArray[Any]]:
        """The clips (t, h, w) of these numbers, values and type as in the movies.

        A movie is loaded again only when another one came between.

        Args:
            numbers: of the clips.
            num_workers: threads that load movies ahead, with each of which two more are in memory.
        """
        ids = self.ids[np.asarray(numbers, np.int64)].tolist()
        trials = [trial for trial, _ in groupby(ids, key=itemgetter(0))]
        movies = read_ahead(self.load, trials, num_threads=num_workers)
        movie: NDArray[np.number] = np.empty((0, 0, 0))
        for _, of_movie in groupby(ids, key=itemgetter(0)):
            del movie  # before the next one is loaded
            movie = next(movies)
            for _, frame in of_movie:
                if self.static:
                    yield np.broadcast_to(movie[frame], (self.num_frames, *movie.shape[1:]))
                else:
                    yield movie[frame : frame + self.num_frames]


def recorded_clips(
    recording: Recording,
    *,
    tiers: Sequence[str] = ("train",),
    num_frames: int = 30,
    step: int = 5,
    static: bool = False,
) -> Clips:
    """The clips of the movies of a recording, which may be of unequal length.

    Args:
        recording: of a mouse.
        tiers: whose movies.
        num_frames: of a clip.
        step: see `Clips`.
        static: see `Clips`.

    Raises:
        DataError: colour movies, or none that is long enough.
    """
    if recording.num_channels != 1:
        raise DataError(
            f"{recording.folder} holds movies of {recording.num_channels} channels, clips are "
            "searched in grey movies"
        )
    trials = [int(trial) for tier in tiers for trial in recording.trials(tier)]
    clips = Clips(
        lengths={trial: recording.length(trial) for trial in trials},
        load=lambda trial: recording.load_video(trial)[0],
        num_frames=num_frames,
        step=step,
        static=static,
    )
    if not len(clips):
        raise DataError(
            f"{recording.folder} has no movie of {num_frames} frames in the tiers "
            f"{', '.join(tiers)} ({len(trials)} trials); give another --data_dir or --tiers"
        )
    return clips


def best_clips(
    asked: Asked,
    clips: Clips,
    objectives: Sequence[Objective],
    canvas: Canvas,
    *,
    neurons: Sequence[int],
    batch_size: int = 8,
    num_workers: int = 0,
    folder: Path | None = None,
    facts: Mapping[str, Any] | None = None,
    progress: str = "",
) -> pd.DataFrame:
    """The clips of highest and lowest value for each objective, shown on a canvas.

    Two rows an objective: objective (its number), goal ("excite" is the highest value, "inhibit"
    the lowest, whatever the objective's own goal), number, trial and frame of the clip, searched
    (its value in the search), value, and num_clips. The largest of many noisy values is too large,
    so `value` is that of a fresh prediction of the chosen clip, made after the search. Of equal
    clips the first counts.

    With a `folder`, what was found so far is kept there, in a file named after all that shapes the
    search: interrupted at any time, the same call goes on where the other ended, to the same
    result, and repeated later it searches no more.

    Args:
        asked: movies (s, t, h, w) -> responses (s, n, t) of `neurons`.
        clips: what is searched.
        objectives: of some of the neurons.
        canvas: where clips are shown, and what is around.
        neurons: rows of the n neurons.
        batch_size: clips that are asked together.
        num_workers: threads that load movies ahead; the result is the same.
        folder: of what was found so far; None: nothing is kept.
        facts: what else shapes the responses, plain values: who is asked, and whose movies.
        progress: label of the progress bar; empty: none.

    Raises:
        DataError: no clips, responses that are all NaN, or a damaged file.
    """
    if not len(clips):
        raise DataError("a search needs clips, got none")
    column = {neuron: number for number, neuron in enumerate(neurons)}
    columns = [[column[neuron] for neuron in objective.neurons] for objective in objectives]

    def ask(shown: Iterable[NDArray[Any]]) -> torch.Tensor:
        movies = np.stack([np.asarray(clip, np.float32) for clip in shown])
        with torch.no_grad():
            return asked(canvas.show(torch.from_numpy(movies)))

    found = _Extremes(len(objectives))
    path = None
    if folder is not None:
        path = Path(folder) / f"{_digest(clips, objectives, canvas, neurons, facts or {})}.npz"
        if path.is_file():
            found.load(path)
    weights = {
        reduce: _weights(objectives, columns, reduce, len(neurons)) for reduce in ("sum", "max")
    }
    starts = range(found.position, len(clips), batch_size)
    to_show = clips.read(range(found.position, len(clips)), num_workers=num_workers)
    with tqdm(
        total=len(clips),
        initial=found.position,
        desc=progress,
        unit="clip",
        disable=not progress,
    ) as bar:
        for count, start in enumerate(starts, start=1):
            numbers = range(start, min(start + batch_size, len(clips)))
            responses = ask(islice(to_show, len(numbers)))
            over_time = {"sum": responses.sum(-1), "max": responses.amax(-1)}
            values = sum(
                (weights[name] @ over_time[name].double().cpu().numpy().T for name in weights),
                start=np.zeros((len(objectives), len(numbers))),
            )
            found.take(values, start)
            bar.update(len(numbers))
            is_last = numbers.stop == len(clips)
            if path is not None and (is_last or count % BATCHES_BETWEEN_SAVES == 0):
                found.save(path)
    return _table(found, clips, objectives, columns, ask, batch_size)


class _Extremes:
    """Number and value of the highest and of the lowest clip of each of k objectives so far."""

    def __init__(self, num_objectives: int) -> None:
        self.position = 0
        self.numbers = np.full((2, num_objectives), -1, np.int64)
        self.values = np.repeat([[-np.inf], [np.inf]], num_objectives, axis=1)

    def take(self, values: NDArray[np.float64], first: int) -> None:
        """Take the values (k, b) of the clips from number `first` on into account."""
        for row, sign in enumerate((1, -1)):
            signed = np.where(np.isnan(values), -np.inf, sign * values)
            best = signed.argmax(axis=1)
            top = np.take_along_axis(signed, best[:, None], axis=1)[:, 0]
            is_better = top > sign * self.values[row]
            self.values[row, is_better] = sign * top[is_better]
            self.numbers[row, is_better] = first + best[is_better]
        self.position = first + values.shape[1]

    def save(self, path: Path) -> None:
        """Keep all in an npz file."""
        position = np.array(self.position)
        write_npz(path, {"position": position, "numbers": self.numbers, "values": self.values})

    def load(self, path: Path) -> None:
        """Go on from an npz file."""
        try:
            stored = read_npz(path)
            self.position = int(stored["position"])
            self.numbers, self.values = stored["numbers"], stored["values"]
        except DAMAGED as error:
            raise DataError(f"{path} is damaged ({error}); delete it and search again") from error


def _table(
    found: _Extremes,
    clips: Clips,
    objectives: Sequence[Objective],
    columns: Sequence[Sequence[int]],
    ask: Callable[[Iterable[NDArray[Any]]], torch.Tensor],
    batch_size: int,
) -> pd.DataFrame:
    if (found.numbers < 0).any():
        raise DataError("a search found no clip: all responses are NaN")
    chosen = np.unique(found.numbers)
    fresh = np.full((len(objectives), len(chosen)), np.nan)
    for start in range(0, len(chosen), batch_size):
        part = chosen[start : start + batch_size]
        responses = ask(clips.read(part))
        for number in np.flatnonzero(np.isin(found.numbers, part).any(axis=0)).tolist():
            value = objectives[number].value(responses[:, columns[number]])
            fresh[number, start : start + len(part)] = value.double().cpu().numpy()
    rows = []
    for number in range(len(objectives)):
        for goal, clip, searched in zip(
            GOALS, found.numbers[:, number], found.values[:, number], strict=True
        ):
            trial, frame = clips.ids[clip].tolist()
            rows.append(
                {
                    "objective": number,
                    "goal": goal,
                    "number": int(clip),
                    "trial": trial,
                    "frame": frame,
                    "searched": float(searched),
                    "value": float(fresh[number, np.searchsorted(chosen, clip)]),
                    "num_clips": len(clips),
                }
            )
    return pd.DataFrame(rows)


def _weights(
    objectives: Sequence[Objective],
    columns: Sequence[Sequence[int]],
    reduce: str,
    num_neurons: int,
) -> Any:  # noqa: ANN401
    """(k, n) sparse weights of the objectives that reduce time by `reduce`; others are 0."""
    places = [
        (row, column, weight)
        for row, (objective, cols) in enumerate(zip(objectives, columns, strict=True))
        for column, weight in zip(cols, objective.weights, strict=True)
        if objective.reduce == reduce
    ]
    rows, cols, values = np.array(places, np.float64).reshape(-1, 3).T
    shape = len(objectives), num_neurons
    return csr_array((values, (rows.astype(int), cols.astype(int))), shape=shape)


def _digest(
    clips: Clips,
    objectives: Sequence[Objective],
    canvas: Canvas,
    neurons: Sequence[int],
    facts: Mapping[str, Any],
) -> str:
    """A hash of all that shapes a search but the movies' pixels."""
    plain = {
        "clips": [clips.num_frames, clips.step, clips.static],
        "objectives": [[o.neurons, o.weights, o.reduce] for o in objectives],
        "neurons": [int(neuron) for neuron in neurons],
        "facts": dict(facts),
    }
    digest = sha256(json.dumps(plain, sort_keys=True, default=str).encode())
    for array in (clips.ids, canvas.free, canvas.background):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:24]


def match_contrast(
    frames: ArrayLike, region: ArrayLike, rms: float, mean: float = MID_GREY
) -> NDArray[np.float32]:
    """Frames (t, h, w) with a given RMS contrast and mean in a region, grey values 0..255.

    Values in the region are scaled and shifted together; those that would leave 0..255 are cut off
    and the rest scaled further, until contrast and mean are within half a percent. Pixels outside
    the region stay as they are. RMS contrast is the population standard deviation over region and
    frames.

    Args:
        frames: (t, h, w) grey values.
        region: (h, w) bool, or weights 0..1 of pixels at a soft edge.
        rms: in grey values.
        mean: in grey values.

    Raises:
        DataError: the region is empty or constant, or no scale reaches the contrast.
    """
    weights = np.asarray(region, np.float64)
    inside = weights > 0
    shown = np.array(frames, np.float32)
    values = shown[:, inside].astype(np.float64)
    if not values.size:
        raise DataError("contrast is matched in a region of the frames, got one without pixels")
    share = weights[inside] / (weights[inside].sum() * len(values))
    centre, spread = _moments(values, share)
    if spread < 1e-3:
        raise DataError(
            f"a clip of one grey value ({centre:.0f}) in its region has no contrast to match"
        )
    values = (values - centre) / spread
    gain, offset = rms, mean
    for _ in range(_MAX_STEPS):
        matched = np.clip(offset + gain * values, 0, WHITE)
        centre, spread = _moments(matched, share)
        if abs(spread - rms) <= CLOSE * rms and abs(centre - mean) <= CLOSE * rms:
            shown[:, inside] = matched
            return shown
        gain *= rms / max(spread, rms / 4)
        offset += mean - centre
    raise DataError(
        f"a clip cannot have RMS contrast {rms:g} around {mean:g} within 0..{WHITE:g}: it came to "
        f"{spread:.1f} around {centre:.1f}; ask for a lower contrast"
    )


def _moments(values: NDArray[np.float64], share: NDArray[np.float64]) -> tuple[float, float]:
    """Weighted mean and population standard deviation of (t, p)."""
    centre = float((values * share).sum())
    return centre, float(np.sqrt((np.square(values - centre) * share).sum()))
