"""Trials of a stimulus set for `insilico.extract`, which takes the attention to them."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from viv1t.experiments.placed import Placement
from viv1t.experiments.stimuli import StimulusSet
from viv1t.insilico.probe import Probe
from viv1t.insilico.shown import Shown, TrialTable
from viv1t.names import MouseId


def stimulus_trials(
    design: Callable[[Placement], StimulusSet], probe: Probe, mouse_id: MouseId
) -> tuple[Iterator[Shown], TrialTable]:
    """The trials of stimuli in the middle of the screen, and one row a presentation.

    Rows: columns of the schedule and of the conditions, and `on`, frames from `onset`.

    Args:
        design: the stimuli at a place.
        probe: who is asked, in which state.
        mouse_id: the mouse.
    """
    stimuli = design(Placement(monitor=probe.monitors[mouse_id], centre_px=None))
    schedule = stimuli.schedule(probe.seed)
    conditions = stimuli.conditions.iloc[schedule["condition"]].reset_index(drop=True)
    table = pd.concat([schedule.reset_index(drop=True), conditions], axis=1)
    rows = [
        {str(k): v.item() if hasattr(v, "item") else v for k, v in row.items()}
        for row in table.assign(on=stimuli.timing.on).to_dict("records")
    ]
    return _draw(probe, mouse_id, stimuli, schedule), rows


def _draw(
    probe: Probe, mouse_id: MouseId, stimuli: StimulusSet, schedule: pd.DataFrame
) -> Iterator[Shown]:
    behavior, pupil_center = (
        None
        if state is None
        else np.repeat(np.asarray(state)[:, None], stimuli.timing.num_frames, axis=1)
        for state in probe.states.get(mouse_id, (None, None))
    )
    for trial, shown in schedule.groupby("trial"):
        yield Shown(
            trial_id=int(str(trial)),
            video=stimuli.trial(shown, probe.seed, probe.responder.video_shape),
            behavior=behavior,
            pupil_center=pupil_center,
        )
