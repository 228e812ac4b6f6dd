"""A trial that a twin watches, recorded or of an experiment; free of torch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from viv1t.names import MouseId


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A trial.

    Attributes:
        trial_id: its number.
        video: (t, h, w) grey values.
        behavior: (k, t); None: the mean of the training set.
        pupil_center: (p, t); None: likewise.
    """

    trial_id: int
    video: NDArray[np.floating]
    behavior: NDArray[np.floating] | None = None
    pupil_center: NDArray[np.floating] | None = None


# Plain rows that describe trials, each with the key "trial".
TrialTable: TypeAlias = Sequence[Mapping[str, Any]]
# Trials of a mouse, drawn or loaded one by one, and the rows on them.
ShownTo: TypeAlias = Callable[[MouseId], tuple[Iterator[Shown], TrialTable]]
