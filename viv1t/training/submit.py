"""Submission files of a run's saved predictions, checked against the recordings."""

from collections.abc import Sequence
from pathlib import Path

from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.errors import DataError
from viv1t.names import MouseId, Tier
from viv1t.results.responses import ResponseFile, predicted_mice
from viv1t.results.submission import FILES, Normalization, check_submission, write_submission
from viv1t.training.evaluate_files import divisors


def submit(
    output_dir: Path,
    data_dir: Path,
    *,
    mouse_ids: Sequence[MouseId] | None = None,
    tiers: Sequence[Tier] = tuple(FILES),
    normalization: Normalization = "none",
    progress: bool = False,
) -> dict[Path, int]:
    """Number of trials in each file of `<output_dir>/submission`, written and read back.

    Args:
        output_dir: a run, or an ensemble, with saved predictions.
        data_dir: the recordings.
        mouse_ids: mice; None: those with saved predictions.
        tiers: test tiers, one file each.
        normalization: what predictions are divided by.
        progress: show progress bars.

    Raises:
        MissingResultError: there are no predictions.
        DataError: predictions of a tier are missing or damaged, or a mouse has no training trials
            to normalise by.
    """
    mice = choose_mice(data_dir, mouse_ids or predicted_mice(output_dir))
    recordings = {mouse.folder.name: Recording(mouse) for mouse in mice}
    files = {
        name: ResponseFile(output_dir / "responses" / f"mouse{recording.mouse.id}.h5")
        for name, recording in recordings.items()
    }
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
