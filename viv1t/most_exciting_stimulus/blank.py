"""What is shown before and after a generated stimulus in place of grey."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.errors import DataError
from viv1t.most_exciting_stimulus.canvas import Canvas
from viv1t.most_exciting_stimulus.found import check_frames
from viv1t.most_exciting_stimulus.neurons import Target
from viv1t.most_exciting_stimulus.origins import Origins
from viv1t.most_exciting_stimulus.respond import Asked
from viv1t.units import Monitor

# As published.
NUM_FRAMES: Final = 10
_CLIP: Final = re.compile(r"trial (\d+) frame (\d+)")


@dataclass(frozen=True, kw_only=True, eq=False)
class Blank:
    """The frames next to a stimulus; before and after them all is grey.

    Attributes:
        before: (t, h, w) float32 grey values, the last of them next to the stimulus.
        after: (t, h, w), the first of them next to the stimulus.
        source: where they come from, in words.
    """

    before: NDArray[np.float32]
    after: NDArray[np.float32]
    source: str

    def around(self, asked: Asked, *, looks_ahead: bool) -> Asked:
        """`asked` with the frames next to each movie; responses are those to the movie alone.

        Args:
            asked: who answers.
            looks_ahead: whether what follows a movie matters.
        """
        first = len(self.before)
        edges = self.before, self.after if looks_ahead else self.after[:0]

        def answer(movie: Tensor) -> Tensor:
            before, after = (
                torch.from_numpy(edge).to(movie).expand(len(movie), *edge.shape) for edge in edges
            )
            return asked(torch.cat((before, movie, after), dim=1))[
                ..., first : first + movie.shape[1]
            ]

        return answer

    def put(self, video: NDArray[np.float32], start: int, stop: int) -> None:
        """Write the frames into a movie (t, h, w) whose stimulus is frames `start` to `stop`."""
        video[start - len(self.before) : start] = self.before
        video[stop : stop + len(self.after)] = self.after


def natural_blank(
    origins: Origins, target: Target, canvas: Canvas, monitor: Monitor, data_dir: Path
) -> Blank:
    """The frames of the recording around the best natural movie, as a canvas shows them.

    Where the recorded movie begins or ends closer to the clip there are fewer.

    Args:
        origins: of the mouse; the best clip to excite is taken.
        target: the population.
        canvas: pixels that are not free are grey.
        monitor: the screen.
        data_dir: the recordings that were searched.

    Raises:
        MissingResultError: no clip was searched; the message names the command.
        DataError: the recording is missing, or is not the one that was searched.
    """
    clip = origins.needed(
        target,
        "natural full field (dynamic, to excite), around which --use_natural_blank takes frames,",
        centre="full_natural",
        centre_motion="dynamic",
        surround="none",
        goal="excite",
        sized=False,
    )
    found = _CLIP.match(clip.source)
    (mouse,) = choose_mice(data_dir, [origins.mouse_id])
    recording = Recording(mouse)
    check_frames(monitor, recording.frame_shape, str(recording.folder))
    trial, start = (int(number) for number in found.groups()) if found else (-1, 0)
    stop = start + len(clip.frames)
    if not 0 <= trial < recording.num_trials or recording.length(trial) < stop:
        raise DataError(
            f"{clip.name} comes from {clip.source!r}, which {recording.folder} does not hold: give "
            "the --data_dir that was searched"
        )
    before, after = (
        _shown(canvas, recording.read_video(trial, start=first, stop=last)[0])
        for first, last in (
            (max(start - NUM_FRAMES, 0), start),
            (stop, min(stop + NUM_FRAMES, recording.length(trial))),
        )
    )
    return Blank(before=before, after=after, source=f"{clip.name}, {clip.source}")


def _shown(canvas: Canvas, frames: NDArray[np.float32]) -> NDArray[np.float32]:
    shown: NDArray[np.float32] = canvas.show(torch.from_numpy(frames)[None])[0].numpy()
    return shown
