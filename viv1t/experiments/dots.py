"""Recorded or predicted responses to Gaussian dots, one condition a dot."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.errors import MissingResultError
from viv1t.experiments.table import ResponseTable, tabulate
from viv1t.experiments.tally import Reduction
from viv1t.results.responses import ResponseFile

# Frames that every dot stays, and frames after them that late responses need.
ON: Final = 8
REDUCTION: Final = Reduction(after=10, presentations=False)
BY: Final = ("video_id", "frame", "x_px", "y_px", "radius_px", "is_black")


def dot_table(
    file: ResponseFile, dots: pd.DataFrame, *, num_frames: dict[int, int]
) -> ResponseTable:
    """Mean responses to each dot of each movie, over the repeats of the movie.

    Dots that begin within the frames that the file lacks at its start are left out, and so are
    those too near to the end.

    Args:
        file: responses of one mouse.
        dots: its rows of the table gaussian_dots.
        num_frames: of each trial.

    Raises:
        MissingResultError: the file or its responses to these trials are missing.
    """
    trials = sorted(set(dots["trial"]) & set(file.trial_ids()))
    if not trials:
        raise MissingResultError(
            f"{file.path} holds no response to Gaussian dots; write all tiers with predict.py or "
            "data/save_response.py"
        )
    length = file.read(trials[0]).shape[1]
    lost = num_frames[trials[0]] - length
    last = num_frames[trials[0]] - ON - REDUCTION.after
    fits = dots["frame"].between(lost, last) & (dots["num_frames"] >= ON) & dots["x_px"].notna()
    shown = dots[dots["trial"].isin(trials) & fits].reset_index(drop=True)
    conditions = shown[list(BY)].drop_duplicates(["video_id", "frame"], ignore_index=True)
    numbers = conditions[["video_id", "frame"]].reset_index(names="condition")
    shown = shown.merge(numbers, on=["video_id", "frame"])
    presentations = pd.DataFrame(
        {
            "condition": shown["condition"],
            "repeat": shown.groupby("condition").cumcount(),
            "trial": shown["trial"],
            "slot": shown["frame"],
            "onset": shown["frame"] - lost,
        }
    )
    return tabulate(
        zip(trials, file.read_several(trials), strict=True),
        conditions=conditions,
        presentations=presentations,
        on=ON,
        reduction=REDUCTION,
        source=file.attrs.get("source", "predicted"),
        neurons=pd.DataFrame({"neuron": file.attrs["neuron_idx"]})
        if "neuron_idx" in file.attrs
        else None,
    )


def black_frames(
    file: ResponseFile, dots: pd.DataFrame, load_video: Callable[[int], NDArray[np.float32]]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Responses (n, t) and frames (t, h, w) of each trial at which a dot is black.

    Args:
        file: responses of one mouse.
        dots: its rows of the table gaussian_dots.
        load_video: trial -> movie (c, t, h, w).
    """
    of_trial = dict(list(dots.groupby("trial")))
    trials = sorted(set(of_trial) & set(file.trial_ids()))
    for trial, responses in zip(trials, file.read_several(trials), strict=True):
        rows, movie = of_trial[trial].sort_values("frame"), load_video(trial)[0]
        is_black = np.repeat(rows["is_black"].to_numpy() == 1, rows["num_frames"])
        kept = is_black[-responses.shape[1] :]
        yield responses[:, kept], movie[-responses.shape[1] :][kept]
