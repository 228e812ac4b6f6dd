"""Attention of a twin to many trials, recorded or of an experiment, on disk."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from viv1t.data.recording import Recording
from viv1t.errors import ConfigError
from viv1t.insilico.attention import Sink, patch_geometry, sensitivity, watch_attention
from viv1t.insilico.load import weights_id
from viv1t.insilico.probe import Probe
from viv1t.insilico.recorded import labels_of, trials_of
from viv1t.insilico.replay import choose_tiers, known_facts, open_recordings
from viv1t.insilico.responder import Responder
from viv1t.insilico.responders import open_responder
from viv1t.insilico.shown import Shown, ShownTo, TrialTable
from viv1t.insilico.twin import DigitalTwin, Precision
from viv1t.names import MouseId, Tier
from viv1t.results.attention import EXTRACT, PUBLISHED, RECORDED_TRIALS, AttentionFiles
from viv1t.results.run import RunDir


class Tally(Sink, Protocol):
    """A `Sink` that sums up, for example `analysis.rollout.RolloutTally`."""

    def results(self) -> Mapping[str, NDArray[np.floating]]:
        """What is stored of a movie: arrays by name; of those of time the last axis is time."""


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """How attention is taken.

    Attributes:
        make_tally: a new tally of a movie.
        as_published: whether it sums up as published.
        with_sensitivity: store the gradient of the responses beside the attention.
        skip_frames: left out at the start of each trial, of all but the movie.
        progress: show a progress bar.
    """

    make_tally: Callable[[], Tally]
    as_published: bool
    with_sensitivity: bool = False
    skip_frames: int
    progress: bool = False


def extract_attention(
    twin: DigitalTwin,
    mouse_id: MouseId,
    trials: Iterator[Shown],
    files: AttentionFiles,
    how: Extraction,
    *,
    trial_table: TrialTable,
    facts: Mapping[str, Any],
) -> int:
    """The number of trials of which `files` hold the attention; those that do already are skipped.

    Variables: videos (t, h, w), behaviors and pupil_centers where they are given, responses (t',),
    the mean over neurons, what the tally gives, and sensitivities (t', h, w).

    Args:
        twin: the model.
        mouse_id: the mouse that watches.
        trials: what is shown.
        files: where attention is written.
        how: settings.
        trial_table: rows that describe them.
        facts: what else identifies it, plain values: `made_by`, the script, and weights.

    Raises:
        ConfigError: the files hold the attention of something else, or the core has none.
    """
    done = files.begin(
        {
            "mouse": mouse_id,
            "as_published": how.as_published,
            "with_sensitivity": how.with_sensitivity,
            "skip_frames": how.skip_frames,
            "fps": twin.fps,
            "geometry": patch_geometry(twin)._asdict(),
            "trials": [dict(row) for row in trial_table],
            **facts,
        }
    )
    number = len({row["trial"] for row in trial_table})
    for shown in tqdm(trials, total=number, desc=f"mouse {mouse_id}", disable=not how.progress):
        if shown.trial_id not in done:
            files.add(shown.trial_id, _variables(twin, mouse_id, shown, how))
    files.finish()
    return number


def recorded_trials(
    twin: DigitalTwin, recording: Recording, tiers: tuple[Tier, ...]
) -> tuple[Iterator[Shown], TrialTable]:
    """Trials of some tiers of a recording, and a row on each: trial, tier, video_id, stimulus_id.

    Args:
        twin: knows the mouse.
        recording: of the mouse.
        tiers: which trials.
    """
    facts = known_facts(twin, recording.mouse.id)
    tier_of = trials_of(recording, tiers)
    table = [{"trial": k} | vars(labels_of(recording, k, tier)) for k, tier in tier_of.items()]

    def load() -> Iterator[Shown]:
        for trial_id in tier_of:
            trial = recording.load(trial_id, neurons=facts.neuron_idx)
            yield Shown(
                trial_id=trial_id,
                video=trial.video[0],
                behavior=trial.behavior,
                pupil_center=trial.pupil_center,
            )

    return load(), table


def extract_from_recordings(
    output_dir: Path,
    data_dir: Path,
    make_tally: Callable[[], Tally],
    *,
    mouse_ids: Sequence[MouseId] | None = None,
    tiers: tuple[Tier, ...] = ("live_main",),
    as_published: bool = False,
    with_sensitivity: bool = False,
    device: str = "",
    precision: Precision = "32",
    progress: bool = False,
) -> dict[MouseId, int]:
    """The number of trials of each mouse of which the run holds the attention afterwards.

    Args:
        output_dir: the run.
        data_dir: folder of the recordings.
        make_tally: a new tally of a movie.
        mouse_ids: None: all of the run.
        tiers: whose trials.
        as_published: whether the tally sums up as published.
        with_sensitivity: see `Extraction`.
        device: empty: the best there is.
        precision: "32" or "bf16".
        progress: show a progress bar.

    Raises:
        UserError: a run, its weights or the recordings cannot be opened, or have no such trials.
    """
    twin = the_twin(
        open_responder(output_dir, data_dir=data_dir, device=device, precision=precision)
    )
    run, recordings = RunDir.open(output_dir), open_recordings(twin, data_dir, mouse_ids)
    numbers = {}
    for mouse_id, chosen in choose_tiers(recordings, tiers).items():
        trials, table = recorded_trials(twin, recordings[mouse_id], chosen)
        numbers[mouse_id] = extract_attention(
            twin,
            mouse_id,
            trials,
            AttentionFiles.of(output_dir, RECORDED_TRIALS + PUBLISHED * as_published, mouse_id),
            Extraction(
                make_tally=make_tally,
                as_published=as_published,
                with_sensitivity=with_sensitivity,
                skip_frames=recordings[mouse_id].mouse.skip_frames,
                progress=progress,
            ),
            trial_table=table,
            facts={"made_by": EXTRACT, "weights": weights_id(run)["weights"]},
        )
    return numbers


def extract_from_stimuli(
    probe: Probe, name: str, shown_to: ShownTo, how: Extraction, *, made_by: str
) -> dict[MouseId, AttentionFiles]:
    """The attention of each mouse to stimuli.

    Args:
        probe: who is asked: one twin.
        name: of the experiment, a folder of its own.
        shown_to: the trials of a mouse, see `experiments.attention`.
        how: settings.
        made_by: the script, for messages.

    Raises:
        ConfigError: no twin, a core without attention, or files that hold something else.
    """
    twin, found = the_twin(probe.responder), {}
    for mouse_id, monitor in probe.monitors.items():
        trials, table = shown_to(mouse_id)
        found[mouse_id] = AttentionFiles.of(
            probe.output_dir, name + PUBLISHED * how.as_published, mouse_id
        )
        facts = {"made_by": made_by, "monitor": asdict(monitor)} | dict(probe.provenance)
        extract_attention(
            twin, mouse_id, trials, found[mouse_id], how, trial_table=table, facts=facts
        )
    return found


def the_twin(responder: Responder) -> DigitalTwin:
    """`responder`, if it is one trained model.

    Raises:
        ConfigError: it is something else, which has no attention.
    """
    if not isinstance(responder, DigitalTwin):
        raise ConfigError(
            "attention is that of one trained model: leave out --ensemble and --responder truth"
        )
    return responder


def _variables(
    twin: DigitalTwin, mouse_id: MouseId, shown: Shown, how: Extraction
) -> dict[str, NDArray[Any]]:
    state: dict[str, Any] = {"behavior": shown.behavior, "pupil_center": shown.pupil_center}
    tally = how.make_tally()
    responses = watch_attention(twin, shown.video, mouse_id, tally, **state)
    kept = len(shown.video) - how.skip_frames
    whole = np.clip(np.rint(shown.video), 0, 255).astype(np.uint8)
    found: dict[str, NDArray[Any]] = {
        "videos": whole if np.array_equal(whole, shown.video) else shown.video.astype(np.float32),
        "responses": responses.mean(axis=0)[-kept:],
    }
    signals = {"behaviors": shown.behavior, "pupil_centers": shown.pupil_center}
    found |= {k: v.astype(np.float32) for k, v in signals.items() if v is not None and v.size}
    found |= {k: v if k == "temporal_lags" else v[-kept:] for k, v in tally.results().items()}
    if how.with_sensitivity:
        frames = slice(-kept, None)
        gradient = sensitivity(twin, shown.video, mouse_id, frames=frames, **state)
        found["sensitivities"] = gradient[-kept:]
    return found
