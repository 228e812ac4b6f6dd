"""Who is asked in an experiment, and in which state; free of torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from viv1t.insilico.responder import Responder
from viv1t.names import MouseId
from viv1t.units import Monitor

ResponderKind: TypeAlias = Literal["twin", "truth"]
BehaviorState: TypeAlias = Literal["mean", "median", "still", "running"]
# Behaviour (k,) and pupil centre (p,) in recorded units; None: the mean of the training set.
State: TypeAlias = tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A responder ready for experiments, as `responders.open_probe` makes it of flags.

    Attributes:
        output_dir: folder of the results.
        responder: who answers.
        monitors: the screen of each mouse that is asked.
        states: of the mouse during the experiment; mice that are missing are in the mean state.
        provenance: where the responses come from.
        seed: of orders and stimuli.
        batch_size: movies that are computed together.
        progress: show progress bars.
    """

    output_dir: Path
    responder: Responder
    monitors: Mapping[MouseId, Monitor]
    states: Mapping[MouseId, State] = field(default_factory=dict)
    provenance: Mapping[str, str | int] = field(default_factory=dict)
    seed: int = 1234
    batch_size: int = 1
    progress: bool = False

    @property
    def mouse_ids(self) -> tuple[MouseId, ...]:
        """The mice that are asked."""
        return tuple(self.monitors)
