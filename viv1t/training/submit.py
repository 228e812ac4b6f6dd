"""Submission files of a run's saved predictions, checked against the recordings."""

from collections.abc import Sequence
from pathlib import Path

from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.errors import ConfigError, DataError
from viv1t.names import MouseId, Tier
from viv1t.results.responses import ResponseFile, predicted_mice
from viv1t.results.submission import FILES, Normalization, check_submission, write_submission
from viv1t.training.evaluate_files import divisors


def submit(
    output_dir: Path,
    data_dir: Path,
    *,
    mouse_ids: Sequence[MouseId] | None = None,
    tiers: Sequence[Tier] | None = None,
    normalization: Normalization = "none",
    progress: bool = False,
) -> dict[Path, int]:
    """Number of trials in each file of `<output_dir>/submission`, written and read back.

    Args:
        output_dir: a run, or an ensemble, with saved predictions.
        data_dir: the recordings.
        mouse_ids: mice; None: those with saved predictions.
        tiers: test tiers, one file each; None: those of the recordings.
        normalization: what predictions are divided by.
        progress: show progress bars.

    Raises:
        MissingResultError: there are no predictions.
        ConfigError: a run of some of the neurons.
        DataError: predictions of a tier are missing or damaged, or a mouse has no training trials
            to normalise by.
    """
    mice = choose_mice(data_dir, mouse_ids or predicted_mice(output_dir))
    recordings = {mouse.folder.name: Recording(mouse) for mouse in mice}
    files = {
        name: ResponseFile(output_dir / "responses" / f"mouse{recording.mouse.id}.h5")
        for name, recording in recordings.items()
    }
    for name, recording in recordings.items():
        _check_neurons(files[name], recording)
    if tiers is None:
        tiers = [t for t in FILES if any(len(r.trials(t)) for r in recordings.values())]
    for tier in tiers:
        for name, recording in recordings.items():
            _check_trials(files[name], recording, tier)
    by = None
    if normalization != "none":
        by = {}
        for name, recording in recordings.items():
            scales = divisors(recording, files[name].attrs["neuron_idx"])
            if scales is None:
                raise DataError(
                    f"--normalization {normalization} needs the training trials of mouse "
                    f"{recording.mouse.id}; {recording.mouse.folder} has none"
                )
            by[name] = getattr(scales, normalization).numpy()
    written = {}
    for tier in tiers:
        path = output_dir / "submission" / FILES[tier]
        write_submission(path, files, tier, divisors=by, progress=progress)
        expected = {
            name: {
                int(i): (
                    len(files[name].attrs["unit_ids"]),
                    recording.length(i) - recording.mouse.skip_frames,
                )
                for i in recording.trials(tier)
            }
            for name, recording in recordings.items()
        }
        written[path] = check_submission(path, expected)
    return written


def _check_neurons(file: ResponseFile, recording: Recording) -> None:
    known = recording.unit_ids[recording.present]
    predicted = file.attrs.get("unit_ids", known)  # a published file is refused by its units
    if set(predicted) != set(known):
        raise ConfigError(
            f"{file.path} holds {len(predicted)} neurons, {recording.mouse.folder} has "
            f"{len(known)}: a submission needs all; predict with a run that was trained without "
            "--limit_neurons"
        )


def _check_trials(file: ResponseFile, recording: Recording, tier: Tier) -> None:
    missing = sorted(set(recording.trials(tier).tolist()).difference(file.trial_ids(tier)))
    if missing:
        raise DataError(
            f"{file.path} lacks {len(missing)} trials of tier {tier}, first {missing[0]}: python "
            f"predict.py --ds_tier {tier} writes them"
        )
