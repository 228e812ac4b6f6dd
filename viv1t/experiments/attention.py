"""Attention of a twin to a set of stimuli, trial by trial."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from viv1t.experiments.placed import Placement
from viv1t.experiments.stimuli import StimulusSet
from viv1t.insilico.extract import Extraction, Shown, extract_attention, the_twin
from viv1t.insilico.probe import Probe
from viv1t.names import MouseId
from viv1t.results.attention import PUBLISHED, AttentionFiles


def attend_to_stimuli(
    probe: Probe,
    name: str,
    design: Callable[[Placement], StimulusSet],
    how: Extraction,
    *,
    made_by: str,
) -> dict[MouseId, AttentionFiles]:
    """The rollouts of each mouse to stimuli in the middle of its screen.

    Rows of `facts["trials"]` are presentations: columns of the schedule and of the conditions, and
    `on`, their frames from `onset`.

    Args:
        probe: who is asked: one twin.
        name: of the experiment; a folder of its own.
        design: the stimuli at a place.
        how: settings of the extraction.
        made_by: the script, for messages.

    Raises:
        ConfigError: no twin, a core without attention, or files that hold something else.
    """
    twin = the_twin(probe.responder)
    found = {}
    for mouse_id, monitor in probe.monitors.items():
        stimuli = design(Placement(monitor=monitor, centre_px=None))
        schedule = stimuli.schedule(probe.seed)
        files = AttentionFiles.of(probe.output_dir, name + PUBLISHED * how.as_published, mouse_id)
        extract_attention(
            twin,
            mouse_id,
            _trials(probe, mouse_id, stimuli, schedule),
            files,
            how,
            trial_table=_rows(stimuli, schedule),
            facts={"made_by": made_by, "monitor": asdict(monitor)} | dict(probe.provenance),
        )
        found[mouse_id] = files
    return found


def _trials(
    probe: Probe, mouse_id: MouseId, stimuli: StimulusSet, schedule: pd.DataFrame
) -> Iterator[Shown]:
    num_frames = stimuli.timing.num_frames
    behavior, pupil_center = (
        None if state is None else np.repeat(np.asarray(state)[:, None], num_frames, axis=1)
        for state in probe.states.get(mouse_id, (None, None))
    )
    for trial, shown in schedule.groupby("trial"):
        yield Shown(
            trial_id=int(str(trial)),
            video=stimuli.trial(shown, probe.seed, probe.responder.video_shape),
            behavior=behavior,
            pupil_center=pupil_center,
        )


def _rows(stimuli: StimulusSet, schedule: pd.DataFrame) -> list[dict[str, Any]]:
    """One plain row a presentation."""
    conditions = stimuli.conditions.iloc[schedule["condition"]].reset_index(drop=True)
    table = pd.concat([schedule.reset_index(drop=True), conditions], axis=1)
    table["on"] = stimuli.timing.on
    rows: list[Mapping[Any, Any]] = table.to_dict("records")
    return [{str(k): v.item() if hasattr(v, "item") else v for k, v in row.items()} for row in rows]
