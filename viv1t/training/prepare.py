"""Setting up a training: model, optimiser, run folder, and the state of an earlier start."""

import logging
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from viv1t.config.schema import RunConfig
from viv1t.criterions import Criterion, build_criterion
from viv1t.data.loaders import Loaders
from viv1t.model.model import Model
from viv1t.optimizer import AutoClip, build_optimizer
from viv1t.results.provenance import provenance
from viv1t.results.run import RunDir
from viv1t.scheduler import PlateauScheduler
from viv1t.training.micro_batch import choose_micro_batch_size
from viv1t.training.restore import count_parameters, load_best, model_summary, start_from
from viv1t.training.state import Progress, TrainState
from viv1t.utils.device import device_name
from viv1t.utils.files import write_text

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Training:
    """A training that is ready to go: everything that `fit` set up.

    Attributes:
        config: what was asked for, modes fitted to the recordings.
        run: the run folder.
        loaders: the recordings.
        model: on `device`.
        criterion: the loss.
        state: what changes from epoch to epoch.
        micro_batch_size: trials per forward pass.
        device: where the model computes.
    """

    config: RunConfig
    run: RunDir
    loaders: Loaders
    model: Model
    criterion: Criterion
    state: TrainState
    micro_batch_size: int
    device: torch.device


def prepare(
    config: RunConfig, values: dict[str, Any], loaders: Loaders, *, device: torch.device
) -> Training:
    """Build the model and what trains it; only when all that works, touch the run folder."""
    model = Model(
        config.model,
        shapes=loaders.shapes,
        coordinates=loaders.coordinates,
        mean_responses=loaders.mean_responses(),
    ).to(device)
    clear, folder = config.log.clear_output_dir, RunDir(config.log.output_dir)
    if clear or not folder.last_state.is_file():
        start_from(model, config.loop)
    if config.optim.core_lr == 0:
        model.freeze_core()
    criterion = build_criterion(
        config.optim.criterion, ds_scale=config.optim.ds_scale, train_sizes=loaders.train_sizes
    )
    micro_batch_size = choose_micro_batch_size(config, model, loaders, criterion, device=device)
    run = RunDir.create(folder.path, values, clear=clear)
    state = _build_state(config, model, run)
    if config.model.compile:
        model.compile_core()
    training = Training(
        config=config,
        run=run,
        loaders=loaders,
        model=model,
        criterion=criterion,
        state=state,
        micro_batch_size=micro_batch_size,
        device=device,
    )
    if run.last_state.is_file():
        state.load_last(run)
        logger.info("%s: epochs up to %d are done", run.path, state.progress.epoch)
    _record(training)
    return training


def _build_state(config: RunConfig, model: Model, run: RunDir) -> TrainState:
    optimizer = build_optimizer(model.param_groups(config.optim), config.optim)

    return TrainState(
        model=model,
        optimizer=optimizer,
        clip=AutoClip(config.optim.clip_grad),
        scheduler=(
            None
            if config.optim.schedule_free
            else PlateauScheduler(optimizer, restore=partial(load_best, model, run))
        ),
        progress=Progress(),
    )


def _record(training: Training) -> None:
    """Write what prediction needs of each mouse, the summary of the model, and provenance."""
    run, loaders, model = training.run, training.loaders, training.model
    for mouse_id, facts in loaders.facts.items():
        facts.save(run.mouse_data(mouse_id))
    summary = model_summary(model)
    write_text(run.model_summary, summary)
    if training.config.log.verbose == 3:
        logger.info("%s", summary)
    earlier = run.read_provenance().get("facts", {})
    frames = loaders.shapes.video[1]
    fingerprints = {m: facts.fingerprint for m, facts in loaders.facts.items()}
    if earlier.get("fingerprints", fingerprints) != fingerprints:
        logger.warning("%s: the recordings have changed since this run began", run.path)
    found = {
        "input_shapes": {
            "video": list(loaders.shapes.video),
            "behavior": [loaders.shapes.num_behaviors, frames],
            "pupil_center": [loaders.shapes.num_pupils, frames],
        },
        "output_shapes": {m: [len(f.neuron_idx), frames] for m, f in loaders.facts.items()},
        "neuron_idx": {m: f.neuron_idx.tolist() for m, f in loaders.facts.items()},
        "train_sizes": dict(loaders.train_sizes),
        "max_frame": loaders.shapes.max_frames,
        "trainable_params": count_parameters(model),
        "micro_batch_size": training.micro_batch_size,
        "fingerprints": fingerprints,
    }
    run.record_facts(found)
    run.record_start(provenance(device=device_name(training.device)))
