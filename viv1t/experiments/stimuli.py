"""What is shown: conditions, how to draw them, and in which order they come."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.errors import ConfigError, DataError
from viv1t.experiments.timing import Timing
from viv1t.rng import child
from viv1t.units import GREY

# A row of the conditions and random numbers -> grey values (on, h, w), 0..255.
Render: TypeAlias = Callable[[Mapping[str, Any], np.random.Generator], NDArray[np.number]]
# Seed -> presentations, as `StimulusSet.schedule` gives them; more columns are for the renderer.
Plan: TypeAlias = Callable[[int], pd.DataFrame]

SCHEDULE: Final = ("condition", "repeat", "trial", "slot", "onset")


@dataclass(frozen=True, kw_only=True)
class StimulusSet:
    """Stimuli of an experiment, all of one duration.

    Random numbers of a presentation depend on seed, condition and repeat, never on the order.
    Twins are fastest where frames repeat bit for bit: draw one period of a grating and tile it.

    Attributes:
        conditions: one row a condition, columns as the renderer wants them.
        render: draws a condition, see `Render`.
        timing: of a trial.
        repeats: presentations of each condition.
        grey: value of the blank screen.
        plan: makes the schedule instead, for example in the order of a published experiment;
            columns beyond those of `schedule` join those of the condition in `render`.
    """

    conditions: pd.DataFrame
    render: Render
    timing: Timing = field(default_factory=Timing)
    repeats: int = 1
    grey: float = GREY
    plan: Plan | None = None

    def __post_init__(self) -> None:
        if self.conditions.empty or self.repeats < 1:
            raise ConfigError(
                f"an experiment needs conditions and repeats; got {len(self.conditions)} "
                f"conditions, {self.repeats} repeats"
            )

    def schedule(self, seed: int) -> pd.DataFrame:
        """One row a presentation: condition (row of the table), repeat, trial, slot, onset.

        All presentations are shuffled together, unless there is a `plan`; `onset` is a frame of
        the trial.
        """
        if self.plan is not None:
            return self.plan(seed)
        num_conditions, slots = len(self.conditions), self.timing.slots
        order = child(seed, "order").permutation(num_conditions * self.repeats)
        places = np.arange(len(order))
        table = pd.DataFrame(
            {
                "condition": order % num_conditions,
                "repeat": order // num_conditions,
                "trial": places // slots,
                "slot": places % slots,
            }
        )
        table["onset"] = [self.timing.window(slot).start for slot in table["slot"]]
        return table

    def trial(
        self, presentations: pd.DataFrame, seed: int, frame_shape: tuple[int, int]
    ) -> NDArray[np.float32]:
        """The movie (t, h, w) of a trial, grey where nothing is shown.

        Args:
            presentations: rows of the schedule.
            seed: of the schedule.
            frame_shape: (h, w).

        Raises:
            DataError: the renderer gave frames of another shape.
        """
        timing = self.timing
        drawn = [name for name in presentations if name not in SCHEDULE]
        movie = np.full((timing.num_frames, *frame_shape), self.grey, dtype=np.float32)
        for shown in presentations.to_dict("records"):
            row, repeat, onset = (int(shown[name]) for name in ("condition", "repeat", "onset"))
            (condition,) = self.conditions.iloc[[row]].to_dict("records")
            condition |= {name: shown[name] for name in drawn}
            rng = child(seed, "stimulus", row, repeat)
            frames = np.asarray(self.render({str(k): v for k, v in condition.items()}, rng))
            if frames.shape != (timing.on, *frame_shape):
                raise DataError(
                    f"the renderer should give {timing.on} frames of {frame_shape} pixels, gave "
                    f"shape {frames.shape} for {condition}"
                )
            movie[onset : onset + timing.on] = frames
        return movie
