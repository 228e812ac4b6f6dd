"""Recorded or predicted responses to Gaussian dots, one condition a dot."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.experiments.recorded import tabulate_file
from viv1t.experiments.table import ResponseTable
from viv1t.experiments.tally import Reduction
from viv1t.results.responses import ResponseFile

# Frames that every dot stays, and frames after them that late responses need.
ON: Final = 8
REDUCTION: Final = Reduction(after=10, presentations=False)
BY: Final = ("video_id", "frame", "x_px", "y_px", "radius_px", "is_black")


def dot_table(
    file: ResponseFile, dots: pd.DataFrame, *, num_frames: Mapping[int, int]
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
    whole = (dots["num_frames"] >= ON) & dots["x_px"].notna()
    return tabulate_file(
        file,
        dots[whole].assign(slot=0).drop(columns="num_frames"),
        by=BY,
        num_frames=num_frames,
        on=ON,
        reduction=REDUCTION,
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
    of_trial = {int(str(trial)): rows for trial, rows in dots.groupby("trial")}
    trials = sorted(set(dots["trial"]) & set(file.trial_ids()))
    for trial, responses in zip(trials, file.read_several(trials), strict=True):
        rows, movie = of_trial[trial].sort_values("frame"), load_video(trial)[0]
        is_black = np.repeat(rows["is_black"].to_numpy() == 1, rows["num_frames"])
        kept = is_black[-responses.shape[1] :]
        yield responses[:, kept], movie[-responses.shape[1] :][kept]
