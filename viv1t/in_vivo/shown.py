"""The stimuli of a session once more, for those that predict what an animal answered."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viv1t.errors import DataError
from viv1t.experiments.placed import Placement
from viv1t.experiments.stimuli import StimulusSet
from viv1t.experiments.timing import Timing
from viv1t.in_vivo.session import Session
from viv1t.most_exciting_stimulus.export import check_export, read_frames
from viv1t.units import SKIP_FRAMES


def frames_folder(export_dir: Path, session: Session) -> Path:
    """The folder of the frames of a mouse: mouse<M> in `export_dir`, or `export_dir` itself."""
    own = Path(export_dir) / f"mouse{session.mouse}"
    return own if own.is_dir() else Path(export_dir)


def session_set(session: Session, export_dir: Path) -> Callable[[Placement], StimulusSet]:
    """The design of an experiment that shows each stimulus of a session once, after grey.

    Args:
        session: the day.
        export_dir: folder of the exported frames, or of one such folder a mouse: mouse<M>.

    Raises:
        DataError: frames are damaged, or a stimulus of the session is not among them.
    """
    folder = frames_folder(export_dir, session)
    files = {stimulus.name: stimulus.file for stimulus in check_export(folder).stimuli}
    absent = [name for name in session.conditions["stimulus"] if name not in files]
    if absent:
        raise DataError(
            f"{folder} lacks {', '.join(absent[:5])}, shown on day {session.facts.day} of mouse "
            f"{session.mouse}: give the --export_dir from which the session was made"
        )
    timing = session.timing

    def render(row: Mapping[str, Any], rng: np.random.Generator) -> NDArray[np.number]:
        del rng
        return read_frames(folder / files[row["stimulus"]])

    def design(placement: Placement) -> StimulusSet:
        del placement
        return StimulusSet(
            conditions=session.conditions,
            render=render,
            timing=Timing(
                num_frames=SKIP_FRAMES + timing.block_frames,
                blank_pre=timing.grey_before,
                on=timing.stimulus,
                blank_post=timing.grey_after,
                slots=1,
            ),
            grey=timing.grey,
        )

    return design
