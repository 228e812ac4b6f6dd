"""When stimuli are on during a trial."""

from dataclasses import dataclass
from typing import Final

from viv1t.errors import ConfigError
from viv1t.units import MAX_FRAMES, SKIP_FRAMES


@dataclass(frozen=True, kw_only=True)
class Timing:
    """The course of a trial in frames: grey, then slots of grey, stimulus, grey.

    The default is 60 + 4 x [15, 30, 15].

    Attributes:
        num_frames: of a trial; what the slots leave is grey at its start.
        blank_pre: grey frames of a slot before its stimulus.
        on: frames of a stimulus.
        blank_post: grey frames of a slot after its stimulus.
        slots: stimuli of a trial.
        min_warmup: grey frames that must come before the first stimulus: models are not scored on
            the first 50 frames of a movie.
    """

    num_frames: int = MAX_FRAMES
    blank_pre: int = 15
    on: int = 30
    blank_post: int = 15
    slots: int = 4
    min_warmup: int = SKIP_FRAMES

    def __post_init__(self) -> None:
        if min(self.on, self.slots) < 1 or min(self.blank_pre, self.blank_post) < 0:
            raise ConfigError(f"a trial needs stimuli, and blanks of 0 or more frames; got {self}")
        warmup = self.num_frames - self.slots * self.slot_frames
        if warmup < 0 or warmup + self.blank_pre < self.min_warmup:
            raise ConfigError(
                f"{self.slots} slots of {self.slot_frames} frames leave "
                f"{max(warmup, 0)} warm-up frames of {self.num_frames}; at least "
                f"{self.min_warmup} are needed before the first stimulus: use fewer slots, or "
                "shorter ones"
            )

    @property
    def slot_frames(self) -> int:
        """Frames of a slot."""
        return self.blank_pre + self.on + self.blank_post

    def window(self, slot: int, *, skip: int = 0) -> slice:
        """The frames at which the stimulus of a slot is on, without the first `skip`."""
        first_slot = self.num_frames - self.slots * self.slot_frames
        onset = first_slot + slot * self.slot_frames + self.blank_pre
        return slice(onset + skip, onset + self.on)


# One image in the middle of a trial, as for maps of receptive fields: 135 grey, 30 on, 135 grey.
SINGLE: Final = Timing(blank_pre=135, on=30, blank_post=135, slots=1)
