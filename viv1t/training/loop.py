"""Training, from a configuration to an evaluated run folder."""

import logging
import math
import sys
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

from viv1t.config.schema import RunConfig
from viv1t.config.store import run_to_values
from viv1t.data.loaders import build_loaders
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.model.cores import CORES
from viv1t.model.readouts import READOUTS
from viv1t.optimizer import averaged
from viv1t.results.run import RunDir
from viv1t.training.epoch import Step, TrainResult, ValidationResult, train_epoch, validate
from viv1t.training.modes import fit_modes
from viv1t.training.prepare import Training, prepare
from viv1t.training.report import evaluate_best, tracked_scores
from viv1t.training.state import Progress, TrainState
from viv1t.training.trackers import Tracker, WandbTracker, check_trackers, open_trackers
from viv1t.utils.device import choose_device, prepare_process

logger = logging.getLogger(__name__)

# Epochs without improvement after which schedule-free training ends.
PATIENCE: Final = 10


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """What a training came to.

    Attributes:
        run: the run folder.
        epoch: the last epoch.
        best_epoch: the epoch of ckpt/model.pt.
        best_corr: its validation correlation.
        diverged: whether training ended because the loss was no longer finite.
    """

    run: RunDir
    epoch: int
    best_epoch: int
    best_corr: float
    diverged: bool


def fit(
    config: RunConfig,
    *,
    given: Collection[str] = frozenset(),
    on_epoch: Callable[[int], None] | None = None,
) -> FitResult:
    """Train, evaluate, and leave a run folder; started again on it, go on where it stopped.

    Args:
        config: what to do.
        given: flags that the user gave; defaults among the others may be fitted to the data.
        on_epoch: called with the number of each epoch once it is safe on disk.

    Raises:
        ConfigError: flags that cannot work, or an output folder that holds something else.
        DataError: recordings that are missing or damaged.
        CheckpointError: a checkpoint that is damaged or of another model.
    """
    device = choose_device(config.loop.device)
    check_trackers(config.log)
    recordings = [
        Recording(mouse) for mouse in choose_mice(config.data.data_dir, config.data.mouse_ids)
    ]
    config = fit_modes(config, recordings, given=given)
    values = run_to_values(config, cores=CORES, readouts=READOUTS)
    # Refuse now what would be refused after minutes of preparation.
    RunDir.check(config.log.output_dir, values, clear=config.log.clear_output_dir)
    prepare_process(device, seed=config.loop.seed, deterministic=config.loop.deterministic)
    loaders = build_loaders(
        config.data, seed=config.loop.seed, device_type=device.type, given=given
    )
    training = prepare(config, values, loaders, device=device)
    progress = training.state.progress
    if _is_finished(progress, config) and training.run.evaluation_yaml.is_file():
        logger.info("%s is finished: nothing to do", training.run.path)
    else:
        _train(training, values=values, on_epoch=on_epoch)
    return FitResult(
        run=training.run,
        epoch=progress.epoch,
        best_epoch=progress.best_epoch,
        best_corr=progress.best_corr,
        diverged=progress.diverged,
    )


def _is_finished(progress: Progress, config: RunConfig) -> bool:
    return progress.stopped or progress.epoch >= config.loop.epochs


def _train(
    training: Training, *, values: dict[str, Any], on_epoch: Callable[[int], None] | None
) -> None:
    """Run the epochs that are left, then evaluate the best weights."""
    config, run, progress = training.config, training.run, training.state.progress
    facts = run.read_provenance()["facts"]
    run_id = config.log.wandb_id or facts.get("wandb_id")
    values = values | {"trainable_params": facts["trainable_params"]}
    with open_trackers(
        config.log, run=run, values=values, epoch=progress.epoch + 1, run_id=run_id
    ) as trackers:
        _keep_run_id(trackers, run)
        while not _is_finished(progress, config):
            run.discard_evaluation()
            row = _one_epoch(training)
            for tracker in trackers:
                tracker.log(row, epoch=progress.epoch)
            if on_epoch:
                on_epoch(progress.epoch)
        if progress.diverged:
            _say_diverged(training)
            return
        scores = evaluate_best(training.model, training.loaders, run, device=training.device)
        for tracker in trackers:
            tracker.log(tracked_scores(scores), epoch=progress.epoch)


def _keep_run_id(trackers: list[Tracker], run: RunDir) -> None:
    for tracker in trackers:
        if isinstance(tracker, WandbTracker):
            run.record_facts({"wandb_id": tracker.run_id})


def _one_epoch(training: Training) -> dict[str, Any]:
    """Train and validate once and put the outcome on disk; the row of history.jsonl."""
    started = time.perf_counter()
    config, state, progress = training.config, training.state, training.state.progress
    epoch = progress.epoch + 1
    loaders = training.loaders
    training.model.train()
    trained = train_epoch(
        _step(training),
        loaders.train(epoch),
        num_mice=len(loaders.mouse_ids),
        num_batches=loaders.num_steps,
        bar=_wants_bar(config.log.verbose),
    )
    with averaged(state.optimizer):
        validated = validate(training.model, loaders, training.criterion, device=training.device)
        progress.epoch = epoch
        if progress.improves(validated.correlation):
            progress.best_epoch, progress.best_corr = epoch, validated.correlation
            state.save_best(training.run)
        progress.stopped = _should_stop(state, validated.correlation)
        unscored = progress.stopped and not math.isfinite(validated.loss)
        if trained.diverged or unscored:
            progress.stopped = progress.diverged = True
        row = _row(training, trained, validated, seconds=time.perf_counter() - started)
        progress.history.append(row)
        state.save_last(training.run)
    _say_epoch(training, trained, row)
    return row


def _step(training: Training) -> Step:
    model = training.config.model
    scales = (model.core.reg_scale, model.readout.reg_scale, model.shifter.reg_scale)
    return Step(
        model=training.model,
        optimizer=training.state.optimizer,
        clip=training.state.clip,
        criterion=training.criterion,
        micro_batch_size=training.micro_batch_size,
        batch_size=training.config.data.batch_size,
        penalised=any(scales),
        device=training.device,
    )


def _wants_bar(verbose: int) -> bool | None:
    """Progress bars: always from verbose 2 on; with 1 on a terminal, if an epoch takes long."""
    if verbose >= 2:
        return True
    return None if verbose == 1 and sys.stderr.isatty() else False


def _should_stop(state: TrainState, correlation: float) -> bool:
    """Whether the epoch that just ended is the last; may lower learning rates, too."""
    progress = state.progress
    if state.scheduler is not None:
        return state.scheduler.step(correlation, epoch=progress.epoch)
    return progress.epoch - progress.best_epoch >= PATIENCE


def _row(
    training: Training, trained: TrainResult, validated: ValidationResult, *, seconds: float
) -> dict[str, Any]:
    progress = training.state.progress
    return {
        "epoch": progress.epoch,
        "train_loss": trained.loss,
        "train_corr": trained.correlation,
        "val_loss": validated.loss,
        "val_corr": validated.correlation,
        "val_poisson": validated.poisson,
        "single_trial_correlation": validated.single_trial_correlation,
        "norm_corr": validated.normalized_correlation,
        "best_corr": progress.best_corr,
        "learning_rate": float(training.state.optimizer.param_groups[-1]["lr"]),
        "grad_norm": trained.grad_norm,
        "skipped_steps": trained.skipped,
        "elapse": round(seconds, 3),
    }


def _say_epoch(training: Training, trained: TrainResult, row: dict[str, Any]) -> None:
    logger.info(
        "epoch %03d/%03d  train loss %.4f corr %.4f  validation loss %.4f corr %.4f  best %.4f  "
        "%.1f s",
        row["epoch"],
        training.config.loop.epochs,
        row["train_loss"],
        row["train_corr"],
        row["val_loss"],
        row["val_corr"],
        row["best_corr"],
        row["elapse"],
    )
    if trained.skipped:
        logger.warning(
            "epoch %d: %d of %d steps were skipped because a gradient was not finite",
            row["epoch"],
            trained.skipped,
            trained.steps,
        )


def _say_diverged(training: Training) -> None:
    logger.error(
        "%s: the loss was no longer finite in epoch %d, so training ended there; the best weights "
        "are those of epoch %d. Lower --lr and --core_lr, or look for extreme values in the "
        "recordings, then train into a new folder",
        training.run.path,
        training.state.progress.epoch,
        training.state.progress.best_epoch,
    )
