"""Predicted responses of a run on disk, for `predict.py` and for ensembles."""

from collections.abc import Sequence
from pathlib import Path

from viv1t.config.flags import check
from viv1t.insilico.load import is_published, load, weights_id
from viv1t.insilico.recorded import made_now
from viv1t.insilico.replay import choose_tiers, open_recordings, predict_recording
from viv1t.insilico.twin import Precision
from viv1t.insilico.windows import Windows
from viv1t.names import MouseId, Tier
from viv1t.results.responses import ResponseFile, Units
from viv1t.results.run import RunDir


def predict_run(
    output_dir: Path,
    data_dir: Path,
    *,
    mouse_ids: Sequence[MouseId] | None = None,
    tiers: Sequence[str] = (),
    device: str = "",
    precision: Precision = "32",
    compile: bool = False,
    units: Units = "recorded",
    batch_size: int = 1,
    num_workers: int = 0,
    windows: Windows | None = None,
    progress: bool = False,
) -> tuple[int, dict[MouseId, tuple[Tier, ...]]]:
    """Number of predicted trials, and the tiers of each mouse; they are in `responses/` of the run.

    Args:
        output_dir: the run.
        data_dir: the recordings that it was trained on.
        mouse_ids: mice of the run; None: all.
        tiers: tiers; none: all.
        device: empty: the best there is.
        precision: "32" or "bf16".
        compile: compile the core with torch.compile.
        units: of the responses.
        batch_size: trials per forward pass.
        num_workers: threads that read trials ahead.
        windows: blend the responses to overlapping windows; None: whole movies.
        progress: show progress bars.

    Raises:
        UserError: the run, its weights or the recordings cannot be opened, or do not fit.
    """
    check(batch_size >= 1, f"--batch_size must be at least 1, got {batch_size}")
    check(num_workers >= 0, f"--num_workers must be 0 or more, got {num_workers}")
    run = RunDir.open(output_dir)
    statistics = data_dir if is_published(run) else None
    twin = load(run.path, device=device or None, precision=precision, statistics=statistics)
    if compile:
        twin.model.compile_core()
    recordings = open_recordings(twin, data_dir, mouse_ids)
    chosen = choose_tiers(recordings, [tier for tier in tiers if tier])
    provenance = weights_id(run) | made_now()
    if windows is not None:
        provenance |= {
            "window_frames": windows.num_frames,
            "window_stride": windows.stride_frames,
        }
    num_trials = 0
    for mouse_id, of_mouse in chosen.items():
        num_trials += predict_recording(
            twin,
            recordings[mouse_id],
            ResponseFile(run.responses(mouse_id)),
            tiers=of_mouse,
            provenance=provenance,
            units=units,
            batch_size=batch_size,
            num_workers=num_workers,
            windows=windows,
            progress=progress,
        )
    return num_trials, chosen
