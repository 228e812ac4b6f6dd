"""What recordings and predictions of them say: which neurons are reliable."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.errors import DataError
from viv1t.most_exciting_stimulus.neurons import Repeats, neuron_reliability
from viv1t.names import MouseId, Tier
from viv1t.results.responses import ResponseFile
from viv1t.results.run import RunDir
from viv1t.results.store import read_result

RELIABLE_TIER: Tier = "validation"


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
    folder = RunDir.open(run)
    if mouse_ids is None:
        files = sorted((folder.path / "responses").glob("mouse*.h5"))
        mouse_ids = [path.stem.removeprefix("mouse") for path in files]
    tables = []
    for mouse in choose_mice(data_dir, mouse_ids or None):
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
    rows = predicted.attrs.get("neuron_idx")
    for video in tqdm(repeated, desc=f"mouse {recording.mouse.id}", disable=not progress):
        same = [int(trial) for trial in trials[ids == video]]
        found = [*predicted.read_several(same)]
        frames = min(response.shape[1] for response in found)
        recorded = [recording.load(trial, neurons=rows).response[:, -frames:] for trial in same]
        yield Repeats(
            recorded=_stacked(recorded), predicted=_stacked([f[:, -frames:] for f in found])
        )


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
