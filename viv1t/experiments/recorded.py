"""Responses to recorded trials, stored in a file, as a table by stimulus."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.errors import DataError, MissingResultError
from viv1t.experiments.table import ResponseTable, tabulate
from viv1t.experiments.tally import Reduction
from viv1t.results.responses import ResponseFile


def tabulate_file(
    file: ResponseFile,
    shown: pd.DataFrame,
    *,
    by: Sequence[str],
    num_frames: Mapping[int, int],
    on: int,
    reduction: Reduction,
    coordinates: NDArray[np.floating] | None = None,
) -> ResponseTable:
    """Recorded responses, or predictions of them, by what the movies showed.

    Stimuli that begin within the frames that the file lacks at its start are left out, and so are
    those whose frames (see `Reduction`) end after the trial.

    Args:
        file: responses of one mouse; trials that it does not hold are left out.
        shown: one row a stimulus of a trial: trial, frame (of the movie, at which it begins), slot,
            and the columns in `by`; others are kept with the presentations.
        by: columns that tell conditions apart.
        num_frames: trial -> frames of its movie.
        on: frames of a stimulus.
        reduction: what to keep.
        coordinates: (N, 3) in µm of all neurons of the recording; None: unknown.

    Raises:
        MissingResultError: the file is missing, or holds none of the trials.
        DataError: the file has more frames than the movies, or other neurons than the recording,
            or no stimulus is left.
    """
    trials = sorted(set(shown["trial"]) & set(file.trial_ids()))
    if not trials:
        wanted = ", ".join(map(str, sorted(set(shown["trial"]))[:5]))
        raise MissingResultError(
            f"{file.path} holds no response to these stimuli (trials {wanted}, ...); write all "
            "tiers with predict.py or data/save_response.py"
        )
    first, attributes = file.read(trials[0]), file.attrs
    lost = num_frames[trials[0]] - first.shape[1]
    rows = np.asarray(attributes.get("neuron_idx", np.arange(len(first))))
    known = int(rows.max()) + 1 if coordinates is None else len(coordinates)
    if lost < 0 or len(first) != len(rows) or rows.max() >= known:
        raise DataError(
            f"{file.path}, trial {trials[0]}: expected at most {known} neurons and "
            f"{num_frames[trials[0]]} frames, found {first.shape}; give the --data_dir of the run"
        )
    neurons = pd.DataFrame({"neuron": rows})
    if coordinates is not None:
        neurons[["x_um", "y_um", "z_um"]] = coordinates[rows]
    shown = shown[shown["trial"].isin(trials)]
    onset = shown["frame"] - lost
    end = onset + on + reduction.after
    fits = (onset >= reduction.before) & (end <= shown["trial"].map(num_frames) - lost)
    shown = shown.assign(onset=onset)[fits].sort_values(["trial", "frame"], ignore_index=True)
    if shown.empty:
        raise DataError(
            f"{file.path}: no stimulus lies within frames {lost} to {lost + first.shape[1]} of its "
            f"movie, with {reduction.before} frames before its onset and {on + reduction.after} "
            "from it"
        )
    keys = list(by)
    conditions = shown[keys].drop_duplicates().sort_values(keys, ignore_index=True)
    numbered = shown.merge(conditions.reset_index(names="condition"), on=keys, how="left")
    numbered["repeat"] = numbered.groupby("condition").cumcount()
    return tabulate(
        zip(trials, file.read_several(trials), strict=True),
        conditions=conditions,
        presentations=numbered.drop(columns={*keys, "frame"}),
        on=on,
        reduction=reduction,
        source=attributes.get("source", "predicted"),
        neurons=neurons,
    )
